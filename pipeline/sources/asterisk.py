"""Asterisk's `Master.csv` (cdr_csv): each call becomes one record for each side of it that is ours.

| in the contract | column |
|---|---|
| `line_id`, `peer_id` | pseudonym of src (else of the number in clid) and dst; none for `s`, `*43`, anonymous callers |
| `account_id` | table of accounts, else accountcode (caller), peeraccount (callee), as `numbers.accountcode` says |
| `ts_ms`, `received_ms` | start in the zone of the file; plus duration, when Asterisk wrote the row |
| `duration_s` | billsec where disposition is ANSWERED, else 0: the attempt is a sign of life too |
| `record_id` | uniqueid, a keyed digest of the row (forks and queues repeat the id), side |
| `peer_operator`, `peer_kind` | by the numbering plan |
| `charge`, `roaming` | 0 and false: Asterisk does not know |
| not used | dcontext, lastapp, lastdata, answer, end, amaflags, userfield, linkedid, sequence; channels tell whose a number is |

16 columns (accountcode to amaflags) must be there; uniqueid, userfield, linkedid, peeraccount and sequence are there by
configuration. An internal call is two records. Numbers leave this module as pseudonyms only.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pipeline.events import CallDetailRecord, RefusalReason, Stream
from pipeline.refusals import Refusal
from pipeline.sources.calls import Call, sides
from pipeline.sources.native import MAX_CALL_S, NativeLines, TimeLimits
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.port import Outgoing, unreadable
from pipeline.sources.subscribers import AccountCode, Pseudonym, Subscribers

REQUIRED_COLUMNS = 16
UNIQUEID, PEERACCOUNT = 16, 19
HEADER = b"accountcode"

_CLID_NUMBER = re.compile(r"<([^>]*)>")
_CHANNEL_PEER = re.compile(r"[^/]+/([^/@]+?)(?:@[^/]*)?-[0-9a-f]+(?:;\d)?$")
_EPOCH = re.compile(r"(?:^|-)(\d{9,10})\.\d+$")


@dataclass(frozen=True, slots=True)
class AsteriskOptions:
    """What the file does not tell: its time zone, the numbering plan, and what its account codes are.

    `accountcode`: `account` = the account id of the business system, taken as it is; `number` = a telephone number,
    taken as a pseudonym; `ignore` = neither. `accounts` maps normalised numbers to accounts and wins.
    """

    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    numbers: NumberPlan = field(default_factory=NumberPlan)
    accountcode: AccountCode = "account"
    accounts: Mapping[str, str] = field(default_factory=dict)
    limits: TimeLimits = field(default_factory=TimeLimits)


class AsteriskCsv:
    """Reader of one `Master.csv`; `pseudonym` makes a keyed hash of a text."""

    def __init__(self, file: str, options: AsteriskOptions, pseudonym: Pseudonym) -> None:
        self._zone = options.timezone
        self._subscribers = Subscribers(options.numbers, pseudonym, options.accounts, options.accountcode)
        self._columns = REQUIRED_COLUMNS
        self._lines = NativeLines(file, Stream.CDR, self._records, self._has_all_columns, options.limits)

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        return self._lines.read(lines, first_line)

    def is_whole(self, line: bytes) -> bool:
        """Whether it is a call with as many columns as the line before it."""
        return self._lines.is_whole(line)

    def _has_all_columns(self, line: bytes) -> bool:
        row = _columns(line)
        return not isinstance(row, Refusal) and len(row) >= self._columns

    def _records(self, line: bytes) -> list[CallDetailRecord] | Refusal:
        if line.strip(b'"').startswith(HEADER):
            return []
        row = _columns(line)
        if isinstance(row, Refusal):
            return row
        call = self._call(row)
        if isinstance(call, Refusal):
            return call
        self._columns = len(row)
        return sides(call, self._subscribers)

    def _call(self, row: list[str]) -> Call | Refusal:
        times = _times(row, self._zone)
        if isinstance(times, Refusal):
            return times
        start_ms, end_ms, answered_s = times
        plan = self._subscribers.plan
        caller = plan.normalise(row[1]) or _clid_number(row[4], plan)
        callee = plan.normalise(row[2])
        callee_account = row[PEERACCOUNT].strip() if len(row) > PEERACCOUNT else ""
        return Call(
            record_id=f"ast-{self._row_id(row)}",
            start_ms=start_ms,
            end_ms=end_ms,
            answered_s=answered_s,
            caller=caller,
            callee=callee,
            caller_account=row[0].strip(),
            callee_account=callee_account,
            caller_is_ours=self._is_ours(caller, row[0], row[5]),
            callee_is_ours=self._is_ours(callee, callee_account, row[6]),
        )

    def _row_id(self, row: list[str]) -> str:
        """The unique id where there is one, and a digest of the row: forks and queues write several rows with one id.

        The digest is keyed as well, since the row holds the numbers.
        """
        digest = self._subscribers.digest(*row)[-16:]
        unique = row[UNIQUEID].strip() if len(row) > UNIQUEID else ""
        return f"{unique[:64]}-{digest}" if unique else digest

    def _is_ours(self, number: str | None, accountcode: str, channel: str) -> bool:
        """By the plan; where the plan names no prefix, by an account code or a channel that is named after the number."""
        if number is None:
            return False
        plan = self._subscribers.plan
        if self._subscribers.is_own(number) or plan.own_prefixes:
            return self._subscribers.is_own(number)
        peer = _CHANNEL_PEER.match(channel)
        return bool(accountcode.strip()) or (peer is not None and plan.normalise(peer[1]) == number)


def _columns(line: bytes) -> list[str] | Refusal:
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace")], strict=True))
    except csv.Error as error:
        return unreadable(f"not a line of CSV: {error}")
    if not rows or len(rows[0]) < REQUIRED_COLUMNS:
        return Refusal(
            RefusalReason.MISSING_FIELD, f"{len(rows[0]) if rows else 0} columns, at least {REQUIRED_COLUMNS}"
        )
    return rows[0]


def _times(row: list[str], zone: ZoneInfo) -> tuple[int, int, float] | Refusal:
    """Start and end, epoch ms, and answered seconds."""
    try:
        duration_s = float(row[12] or 0)
        billed_s = float(row[13] or 0)
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "duration or billsec is no number")
    if not (0 <= duration_s <= MAX_CALL_S and 0 <= billed_s <= MAX_CALL_S):
        return Refusal(RefusalReason.OUT_OF_RANGE, f"duration or billsec is not between 0 and {MAX_CALL_S}")
    try:
        start_ms = _epoch_ms(row[9], zone, row[UNIQUEID] if len(row) > UNIQUEID else "")
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "start is not YYYY-MM-DD hh:mm:ss")
    answered = row[14].strip().upper() == "ANSWERED"
    return start_ms, start_ms + round(duration_s * 1000), billed_s if answered else 0.0


def _epoch_ms(text: str, zone: ZoneInfo, uniqueid: str) -> int:
    """Local time to epoch ms. In the hour that comes twice in autumn the unique id, which begins with the second of the
    call in UTC, tells which one it was; without it the first is taken.
    """
    local = datetime.fromisoformat(text).replace(tzinfo=zone)
    first = round(local.astimezone(UTC).timestamp() * 1000)
    second = round(local.replace(fold=1).astimezone(UTC).timestamp() * 1000)
    told = _EPOCH.search(uniqueid)
    if first == second or told is None:
        return first
    return min(first, second, key=lambda candidate: abs(candidate - int(told[1]) * 1000))


def _clid_number(clid: str, plan: NumberPlan) -> str | None:
    found = _CLID_NUMBER.search(clid)
    return plan.normalise(found[1]) if found else None
