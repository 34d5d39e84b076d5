"""What all native formats share: a line is understood or refused, and what comes out is checked against the contract.

A native format is one function from a line to records. This driver adds what none of them may forget: records that the
contract would refuse become dead letters, so do those of a clock that is wrong, and no dead letter shows a number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from pipeline.events import (
    BillingRecord,
    CallDetailRecord,
    CareRecord,
    CustomerRecord,
    OrderRecord,
    OutcomeRecord,
    Record,
    RefusalReason,
    Stream,
)
from pipeline.refusals import MAX_RECORD_BYTES, Refusal, decode_record
from pipeline.sources.port import Gathering, Outgoing
from pipeline.sources.subscribers import Subscribers

#: A switch that has lost its clock begins anew at 1970, 1980 or 2000; no record that is read today is so old.
EARLIEST_MS = 1_104_537_600_000  # 2005-01-01 UTC
MAX_CALL_S = 7 * 86_400

STREAM_OF: Mapping[type[Record], Stream] = {
    CustomerRecord: Stream.CUSTOMERS,
    OrderRecord: Stream.ORDERS,
    CareRecord: Stream.CARE,
    BillingRecord: Stream.BILLING,
    CallDetailRecord: Stream.CDR,
    OutcomeRecord: Stream.OUTCOMES,
}

#: The records of a line, none where it holds nothing for us, or why it cannot be read.
Understood = Sequence[Record] | Refusal


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Times that a record may have, epoch ms: a clock that is a year off is told from a day of data only by these."""

    not_before_ms: int = EARLIEST_MS
    not_after_ms: int = 32_503_680_000_000

    def refusal(self, ts_ms: int) -> Refusal | None:
        """Why a record of this time is not taken; None where it is."""
        if ts_ms < self.not_before_ms:
            return Refusal(RefusalReason.TOO_OLD, "before the earliest time that is taken; see --since")
        if ts_ms > self.not_after_ms:
            return Refusal(RefusalReason.FROM_THE_FUTURE, "after the time of this ingest: a clock is wrong")
        return None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file of records does not tell: whose numbers they are, the zone of its times, and what times may be."""

    subscribers: Subscribers
    zone: ZoneInfo
    limits: TimeLimits = TimeLimits()


@dataclass(slots=True)
class NativeLines:
    """Reader of a file of one native format, by its functions.

    `stream` is what its dead letters belong to; `understand` reads a line and never raises; `closed` tells whether a
    line is whole when its line feed is missing; `header_lines` at the start of the file are passed over.
    """

    file: str
    stream: Stream
    understand: Callable[[bytes], Understood]
    closed: Callable[[bytes], bool]
    limits: TimeLimits
    header_lines: int = 0
    max_line_bytes: int = MAX_RECORD_BYTES

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        gathering = Gathering(self.file, self.stream.value, first_line)
        for number, line in enumerate(lines):
            if first_line + number < self.header_lines:
                gathering.result.blank_lines += 1
                continue
            entries = self._entries(line)
            if isinstance(entries, Refusal):
                gathering.refuse(number, entries, shape_of(line))
                continue
            gathering.result.blank_lines += not entries
            received_ms = max((received for received, *_ in entries), default=0)
            for _, stream, account_id, value in entries:
                gathering.add(number, received_ms, stream.value, account_id, value)
        return gathering.finish()

    def is_whole(self, line: bytes) -> bool:
        return self.closed(line) and not isinstance(self._entries(line), Refusal)

    def _entries(self, line: bytes) -> list[tuple[int, Stream, str, bytes]] | Refusal:
        """Received time, stream, account and text of each record of a line."""
        if not line.strip():
            return []
        if len(line) > self.max_line_bytes:
            return Refusal(RefusalReason.TOO_LARGE, f"{len(line)} bytes, at most {self.max_line_bytes}")
        records = self.understand(line)
        if isinstance(records, Refusal):
            return records
        received_ms = max((_received_ms(record) for record in records), default=0)
        entries = []
        for record in records:
            checked = self._checked(msgspec.structs.replace(record, received_ms=received_ms))
            if isinstance(checked, Refusal):
                return checked
            entries.append((received_ms, STREAM_OF[type(record)], record.account_id, checked))
        return entries

    def _checked(self, record: Record) -> bytes | Refusal:
        """The record's text when the contract takes it and its clock can be right."""
        try:
            value = msgspec.json.encode(record)
        except (UnicodeEncodeError, OverflowError, ValueError):
            return Refusal(RefusalReason.WRONG_TYPE, "a field cannot be written as JSON")
        decoded = decode_record(STREAM_OF[type(record)], value)
        if isinstance(decoded, Refusal):
            return decoded
        return self.limits.refusal(record.ts_ms) or self.limits.refusal(_received_ms(record)) or value


def _received_ms(record: Record) -> int:
    return record.ts_ms if record.received_ms is None else record.received_ms


def shape_of(line: bytes) -> str:
    """A line with its letters and digits hidden: enough to see what is wrong with it, nothing of the customer.

    >>> shape_of(b'"","+4930123456","s"')
    '"","+##########","x"'
    """
    text = line.decode("utf-8", "replace")
    return "".join("#" if sign.isdecimal() else "x" if sign.isalpha() else sign for sign in text)
