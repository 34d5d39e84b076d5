"""FreeSWITCH's `mod_cdr_csv`, template `example` (the default): each call becomes a record for each side that is ours.

| in the contract | column |
|---|---|
| `line_id`, `peer_id` | pseudonym of caller_id_number (2) and destination_number (3) |
| `account_id` | table of accounts, else accountcode (13) for the caller, as `numbers.accountcode` says, else the line |
| `ts_ms`, `received_ms` | start_stamp (5) in the zone of the file; plus duration (8), when the row was written |
| `duration_s` | billsec (9); 0 where answer_stamp (6) is empty: not answered |
| `record_id` | keyed digest of uuid (11), of the row where there is none |
| `peer_operator`, `peer_kind` | by the numbering plan |
| not used | caller_id_name, context, end_stamp (only in the hour that comes twice), hangup_cause, bleg_uuid, codecs |

No header. The template sets quotes around values and doubles none inside: a caller's name with quotes in it is read by
the seams between columns. `legs` must be `a` (the default): a row of leg b repeats the call under another uuid.
"""

import csv
from dataclasses import dataclass

from pipeline.events import CallDetailRecord, RefusalReason, Stream
from pipeline.refusals import Refusal
from pipeline.sources.calls import Call, sides
from pipeline.sources.native import MAX_CALL_S, NativeLines, Surroundings
from pipeline.sources.port import unreadable
from pipeline.sources.times import start_before_end

REQUIRED_COLUMNS = 13
SEAM = '","'


def freeswitch_csv(file: str, surroundings: Surroundings) -> NativeLines:
    """The reader of one `Master.csv` of FreeSWITCH."""
    rows = _Rows(surroundings)
    return NativeLines(file, Stream.CDR, rows.records, rows.closed, surroundings.limits)


@dataclass(slots=True)
class _Rows:
    """The rows of one file; `width` is how many columns the last one had."""

    surroundings: Surroundings
    width: int = REQUIRED_COLUMNS

    def records(self, line: bytes) -> list[CallDetailRecord] | Refusal:
        row = _columns(line)
        if isinstance(row, Refusal):
            return row
        call = self._call(row)
        if isinstance(call, Refusal):
            return call
        self.width = len(row)
        return sides(call, self.surroundings.subscribers)

    def closed(self, line: bytes) -> bool:
        """Whether every quote is closed and no column is missing; an odd quote in a name makes a whole row wait for its
        line feed, no more.
        """
        row = _columns(line)
        return _quoted(line) and line.count(b'"') % 2 == 0 and not isinstance(row, Refusal) and len(row) >= self.width

    def _call(self, row: list[str]) -> Call | Refusal:
        subscribers = self.surroundings.subscribers
        seconds = _seconds(row)
        if isinstance(seconds, Refusal):
            return seconds
        duration_s, billed_s = seconds
        try:
            start_ms = start_before_end(row[4], row[6], duration_s, self.surroundings.zone)
        except ValueError:
            return Refusal(RefusalReason.WRONG_TYPE, "start_stamp or end_stamp is not YYYY-MM-DD hh:mm:ss")
        caller, callee = subscribers.plan.normalise(row[1]), subscribers.plan.normalise(row[2])
        by_account = bool(row[12].strip()) and not subscribers.plan.own_prefixes
        return Call(
            record_id=f"fs-{subscribers.digest(*([row[10]] if row[10].strip() else row))}",
            start_ms=start_ms,
            end_ms=start_ms + round(duration_s * 1000),
            answered_s=billed_s if row[5].strip() else 0.0,
            caller=caller,
            callee=callee,
            caller_account=row[12],
            caller_is_ours=subscribers.is_own(caller) or (by_account and caller is not None),
            callee_is_ours=subscribers.is_own(callee),
        )


def _columns(line: bytes) -> list[str] | Refusal:
    text = line.decode("utf-8", "replace").strip()
    try:
        row = next(csv.reader([text], strict=True), [])
    except csv.Error:
        # A quote inside a value: nothing doubles it, so only the seams tell where a column ends.
        row = text[1:-1].split(SEAM) if _quoted(line) else []
    if not row:
        return unreadable("not a line of CSV in double quotes")
    if len(row) < REQUIRED_COLUMNS:
        return Refusal(RefusalReason.MISSING_FIELD, f"{len(row)} columns, at least {REQUIRED_COLUMNS}")
    return row


def _seconds(row: list[str]) -> tuple[float, float] | Refusal:
    """Duration and billed seconds."""
    try:
        duration_s, billed_s = float(row[7] or 0), float(row[8] or 0)
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "duration or billsec is no number")
    if not (0 <= duration_s <= MAX_CALL_S and 0 <= billed_s <= MAX_CALL_S):
        return Refusal(RefusalReason.OUT_OF_RANGE, f"duration or billsec is not between 0 and {MAX_CALL_S}")
    return duration_s, billed_s


def _quoted(line: bytes) -> bool:
    text = line.strip()
    return len(text) > 1 and text.startswith(b'"') and text.endswith(b'"')
