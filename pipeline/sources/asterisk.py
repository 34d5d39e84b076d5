"""Asterisk's `Master.csv` (cdr_csv): each call becomes one record for each side of it that is ours.

Columns: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start, answer, end, duration,
billsec, disposition, amaflags, and by configuration uniqueid, userfield, linkedid, peeraccount, sequence. A call that
was not answered is a record of zero seconds: the attempt is a sign of life too. Numbers leave this module as pseudonyms
only.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from pipeline.events import CallDetailRecord, CdrSource, Direction, PeerKind, RefusalReason, Stream
from pipeline.refusals import Refusal
from pipeline.sources.numbers import OWN, UNKNOWN, NumberPlan
from pipeline.sources.port import Gathering, Outgoing, unreadable

REQUIRED_COLUMNS = 16
UNIQUEID, PEERACCOUNT = 16, 19
MAX_CALL_S = 7 * 86_400
HEADER = b"accountcode"
Pseudonym = Callable[[str], str]
AccountCode = Literal["account", "number", "ignore"]

_CLID_NUMBER = re.compile(r"<([^>]*)>")
_CHANNEL_PEER = re.compile(r"[^/]+/([^/@]+?)(?:@[^/]*)?-[0-9a-f]+(?:;\d)?$")
_EPOCH = re.compile(r"(?:^|-)(\d{9,10})\.\d+$")
_PEER_KINDS: dict[str, PeerKind] = {kind: kind for kind in get_args(PeerKind)}


@dataclass(frozen=True, slots=True)
class AsteriskOptions:
    """What the file does not tell: its time zone, the numbering plan, and what its account codes are.

    `accountcode`: `account` = the account id of the business system, taken as it is; `number` = a telephone number,
    taken as a pseudonym; `ignore` = neither.
    """

    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    numbers: NumberPlan = field(default_factory=NumberPlan)
    accountcode: AccountCode = "account"


@dataclass(frozen=True, slots=True)
class _Call:
    """One row, understood. `caller` and `callee` are normalised numbers, None where there is none."""

    columns: int
    row_id: str
    start_ms: int
    end_ms: int
    answered_s: float
    caller: str | None
    callee: str | None
    caller_account: str
    callee_account: str
    caller_is_ours: bool
    callee_is_ours: bool


@dataclass(slots=True)
class AsteriskCsv:
    """Reader of one `Master.csv`; `pseudonym` makes a keyed hash of a text."""

    file: str
    options: AsteriskOptions
    pseudonym: Pseudonym
    columns: int = REQUIRED_COLUMNS

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        gathering = Gathering(self.file, Stream.CDR.value, first_line)
        for number, line in enumerate(lines):
            if not line.strip() or (first_line + number == 0 and line.strip(b'"').startswith(HEADER)):
                gathering.result.blank_lines += 1
                continue
            call = self._call(line)
            if isinstance(call, Refusal):
                gathering.refuse(number, call, shape_of(line))
                continue
            self.columns = call.columns
            for record in self._records(call):
                value = msgspec.json.encode(record)
                gathering.add(number, call.end_ms, Stream.CDR.value, record.account_id, value)
        return gathering.finish()

    def is_whole(self, line: bytes) -> bool:
        """Whether it is a call with as many columns as the line before it."""
        call = self._call(line)
        return not isinstance(call, Refusal) and call.columns >= self.columns

    def _call(self, line: bytes) -> _Call | Refusal:
        row = _columns(line)
        if isinstance(row, Refusal):
            return row
        times = _times(row, self.options.timezone)
        if isinstance(times, Refusal):
            return times
        start_ms, end_ms, answered_s = times
        plan = self.options.numbers
        caller = plan.normalise(row[1]) or _clid_number(row[4], plan)
        callee = plan.normalise(row[2])
        call = _Call(
            columns=len(row),
            row_id=self._row_id(row),
            start_ms=start_ms,
            end_ms=end_ms,
            answered_s=answered_s,
            caller=caller,
            callee=callee,
            caller_account=row[0].strip(),
            callee_account=row[PEERACCOUNT].strip() if len(row) > PEERACCOUNT else "",
            caller_is_ours=_is_ours(caller, row[0], row[5], plan),
            callee_is_ours=_is_ours(callee, row[PEERACCOUNT] if len(row) > PEERACCOUNT else "", row[6], plan),
        )
        return _with_an_owner(call, plan)

    def _records(self, call: _Call) -> list[CallDetailRecord]:
        records = []
        if call.caller_is_ours and call.caller is not None:
            own, peer, account, peer_is_ours = call.caller, call.callee, call.caller_account, call.callee_is_ours
            records.append(self._record(call, "mo", own, peer, account, peer_is_ours))
        if call.callee_is_ours and call.callee is not None:
            own, peer, account, peer_is_ours = call.callee, call.caller, call.callee_account, call.caller_is_ours
            records.append(self._record(call, "mt", own, peer, account, peer_is_ours))
        return records

    def _record(
        self, call: _Call, direction: Direction, own: str, peer: str | None, account: str, peer_is_ours: bool
    ) -> CallDetailRecord:
        plan = self.options.numbers
        line_id = self.pseudonym(own)
        source: CdrSource = "mo_call" if direction == "mo" else "mt_call"
        return CallDetailRecord(
            record_id=f"ast-{call.row_id}-{direction}",
            ts_ms=call.start_ms,
            received_ms=call.end_ms,
            account_id=self._account(account) or line_id,
            line_id=line_id,
            service="voice",
            direction=direction,
            peer_id=None if peer is None else self.pseudonym(peer),
            peer_operator=UNKNOWN if peer is None else OWN if peer_is_ours else plan.operator_of(peer),
            peer_kind=_PEER_KINDS[plan.peer_kind(peer)],
            duration_s=call.answered_s,
            charge=0.0,
            roaming=False,
            source=source,
        )

    def _row_id(self, row: list[str]) -> str:
        """The unique id where there is one, and a digest of the row: forks and queues write several rows with one id.

        The digest is keyed as well, since the row holds the numbers.
        """
        digest = self.pseudonym("\x1f".join(row))[-16:]
        unique = row[UNIQUEID].strip() if len(row) > UNIQUEID else ""
        return f"{unique[:64]}-{digest}" if unique else digest

    def _account(self, code: str) -> str | None:
        if not code or self.options.accountcode == "ignore":
            return None
        if self.options.accountcode == "account":
            return code
        return self.pseudonym(self.options.numbers.normalise(code) or code)


def shape_of(line: bytes) -> str:
    """A line with its letters and digits hidden: enough to see what is wrong with it, nothing of the customer.

    >>> shape_of(b'"","+4930123456","s"')
    '"","+##########","x"'
    """
    text = line.decode("utf-8", "replace")
    return "".join("#" if sign.isdecimal() else "x" if sign.isalpha() else sign for sign in text)


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


def _is_ours(number: str | None, accountcode: str, channel: str, plan: NumberPlan) -> bool:
    """By the plan; where the plan names no prefix, by an account code or a channel that is named after the number."""
    if number is None:
        return False
    if plan.is_own(number) or plan.own_prefixes:
        return plan.is_own(number)
    peer = _CHANNEL_PEER.match(channel)
    return bool(accountcode.strip()) or (peer is not None and plan.normalise(peer[1]) == number)


def _with_an_owner(call: _Call, plan: NumberPlan) -> _Call | Refusal:
    """A call between strangers is refused when our prefixes are known; when not, the caller is taken for ours."""
    if call.caller_is_ours or call.callee_is_ours:
        return call
    if plan.own_prefixes:
        return Refusal(RefusalReason.UNKNOWN_VALUE, "neither side begins with one of asterisk.own_prefixes")
    if call.caller is None:
        return Refusal(RefusalReason.MISSING_FIELD, "no number of ours: src and the number in clid are empty")
    return replace(call, caller_is_ours=True)
