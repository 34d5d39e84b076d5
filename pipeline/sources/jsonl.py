"""JSON lines of the contract, as they are: only what places a record is read, the worker checks the rest.

Reading three fields costs a sixth of a full decoding (0.5 against 3 us a record, measured on 280-byte call records),
and the worker must check everything anyway, since not all producers are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from pipeline.events import EpochMs, Id, RefusalReason, Stream
from pipeline.refusals import MAX_RECORD_BYTES, Refusal, decode_record
from pipeline.sources.port import Gathering, Outgoing, printable


class Placement(msgspec.Struct, frozen=True, gc=False):
    """The fields of any record that decide where and when it goes."""

    account_id: Id
    ts_ms: EpochMs
    received_ms: EpochMs | None = None


#: So few lines are read one by one when one of them is no good record.
CLOSE_LOOK_LINES = 64

_PLACEMENTS = msgspec.json.Decoder(Placement)
_ACCOUNT = attrgetter("account_id")


@dataclass(slots=True)
class JsonLines:
    """Reader of `<stream>.jsonl`; values pass unchanged, byte for byte."""

    file: str
    stream: Stream
    max_record_bytes: int = MAX_RECORD_BYTES

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        placements = self.place_all(lines)
        if placements is None:
            return self._read_around(lines, first_line)
        return Outgoing(
            received_ms=[p.ts_ms if p.received_ms is None else p.received_ms for p in placements],
            topics=[self.stream.value] * len(placements),
            keys=list(map(_ACCOUNT, placements)),
            values=list(lines),
            lines=range(len(lines)),
        )

    def is_whole(self, line: bytes) -> bool:
        try:
            msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def place(self, line: bytes) -> Placement:
        """Where a record goes that `read` took.

        Raises:
            msgspec.DecodeError: it is none.
        """
        return _PLACEMENTS.decode(line)

    def place_all(self, lines: Sequence[bytes]) -> list[Placement] | None:
        """All placements in one call of the decoder; None when a line needs a closer look.

        The decoder takes any white space between objects. Each line break stands between `}` and `{`, where no object
        can be cut, and there are as many objects as lines: so each line is one object.
        """
        joined = b"\n".join(lines)
        if joined.count(b"}\n{") != len(lines) - 1 or max(map(len, lines)) > self.max_record_bytes:
            return None
        try:
            placements = _PLACEMENTS.decode_lines(joined)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return placements if len(placements) == len(lines) else None

    def _read_around(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        """A stretch with a line that needs a closer look: by halves, so that its neighbours are still read at once."""
        if len(lines) <= CLOSE_LOOK_LINES:
            return self._read_singly(lines, first_line)
        half = len(lines) // 2
        result, second = self.read(lines[:half], first_line), self.read(lines[half:], first_line + half)
        return Outgoing(
            [*result.received_ms, *second.received_ms],
            [*result.topics, *second.topics],
            [*result.keys, *second.keys],
            [*result.values, *second.values],
            [*result.lines, *(half + line for line in second.lines)],
            result.blank_lines + second.blank_lines,
        )

    def _read_singly(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        gathering = Gathering(self.file, self.stream.value, first_line)
        for number, line in enumerate(lines):
            text = line.strip()
            if not text:
                gathering.result.blank_lines += 1
                continue
            placement = self._placement(text)
            if isinstance(placement, Refusal):
                gathering.refuse(number, placement, printable(text))
            else:
                received = placement.ts_ms if placement.received_ms is None else placement.received_ms
                gathering.add(number, received, self.stream.value, placement.account_id, text)
        return gathering.finish()

    def _placement(self, line: bytes) -> Placement | Refusal:
        if len(line) > self.max_record_bytes:
            return Refusal(RefusalReason.TOO_LARGE, f"{len(line)} bytes, at most {self.max_record_bytes}")
        try:
            return _PLACEMENTS.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Every record has the three fields of a placement, so the full decoding refuses too and tells it better.
            full = decode_record(self.stream, line, self.max_record_bytes)
            return full if isinstance(full, Refusal) else Refusal(RefusalReason.WRONG_TYPE)
