"""Call records as columns, the five thin streams as raw records by account; of others' partitions only the times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.ordered_file import DISORDER_MAX_MS, OrderedFile, Reading
from churnwatch.backtest.placing import Partitions, Placing
from pipeline.columns import (
    CHUNK_RECORDS,
    LAST_MS,
    Accept,
    CdrColumns,
    RawBlock,
    Refused,
    concat,
    decode_cdr,
    drop_untimely,
)
from pipeline.events import DeadLetter, RefusalReason, Stream
from pipeline.id_column import IdColumn
from pipeline.kinds import KindTable
from pipeline.refusals import Refusal, decode_record
from pipeline.sources.call_scan import CallScanner, LineScan
from pipeline.sources.port import DEAD_LETTERS, Outgoing


@dataclass(slots=True)
class Calls:
    """Call records and the partition of each."""

    columns: CdrColumns
    partitions: Partitions

    def __len__(self) -> int:
        return len(self.columns)

    def part(self, start: int, stop: int) -> "Calls":
        """Records `start` to `stop`."""
        return Calls(self.columns.part(start, stop), self.partitions[start:stop])


@dataclass(slots=True)
class Records:
    """Raw records of a thin stream: line numbers from 0, account ids, bytes, and the partition of each."""

    numbers: Sequence[int]
    keys: Sequence[str]
    values: Sequence[bytes]
    partitions: Partitions

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> "Records":
        """Records `start` to `stop`."""
        cut = slice(start, stop)
        return Records(self.numbers[cut], self.keys[cut], self.values[cut], self.partitions[cut])


@dataclass(frozen=True, slots=True)
class _Placed:
    """The lines of a stretch that look like records: their numbers in it, times and partitions, (n,), and texts of lines."""

    lines: NDArray[np.int64]
    happened: NDArray[np.int64]
    received: NDArray[np.int64]
    partitions: Partitions
    values: Callable[[NDArray[np.int64]], list[bytes]]


class CdrFile(OrderedFile[Calls]):
    """Call records. One pass over a stretch places all lines and gives the columns of nearly all that are ours; the worker's
    own decoder, at five times the cost, judges what is not that plain (docs/adr/0048-columns-from-bytes.md).

    `refused_own`: why records of our partitions were not taken.
    """

    def __init__(self, path: Path, placing: Placing, kinds: KindTable, accept: Accept) -> None:
        super().__init__(Stream.CDR, path, accept.max_bytes)
        self._placing = placing
        self._scanner = CallScanner(placing.own_flags, accept.max_bytes)
        self._kinds = kinds
        self._accept = accept
        self.refused_own: list[RefusalReason] = []

    def read(self, text: bytes, first_line: int) -> Reading[Calls]:
        """Our part of these lines."""
        scan, plain = self._scanner.scan(text)
        placed = self._placed(text, scan, first_line)
        columns = self._columns(scan, plain, placed)
        partitions = placed.partitions[np.searchsorted(placed.lines, columns.offset)]
        columns = replace(columns, offset=columns.offset + first_line)
        numbers = placed.lines + first_line
        # A time that no record may have is refused by the decoder and says nothing of the file's order.
        lateness = placed.received - placed.happened
        plausible = (lateness <= self._accept.retention_ms) & (lateness >= -self._accept.future_ms)
        plausible &= ~self._refused_out_of_order(np.where(plausible, placed.received, 0), placed)
        return Reading(Calls(columns, partitions), columns.offset, placed.received[plausible], numbers[plausible])

    def _columns(self, scan: LineScan, plain: CdrColumns, placed: _Placed) -> CdrColumns:
        """All good records of ours, by line of the stretch."""
        refused: list[Refused] = []

        def raw_of(line: int) -> bytes:
            return placed.values(np.array([line]))[0]

        columns = drop_untimely(plain, raw_of, LAST_MS, self._accept, refused)
        left = placed.lines[self._placing.is_own(placed.partitions) & ~scan.has_columns[placed.lines]]
        if len(left):
            block = RawBlock(left.tolist(), None, placed.values(left))
            decoded, others = decode_cdr(block, self._kinds, self._accept)
            self._scanner.learn(scan.combination[decoded.offset], decoded.kind)
            refused += others
            columns = _interleaved(columns, decoded)
        self.refused_own += [one.refusal.reason for one in refused]
        return columns

    def _refused_out_of_order(self, received: NDArray[np.int64], placed: _Placed) -> NDArray[np.bool_]:
        """Lines far from their neighbours' times that are no good records: their times say nothing either."""
        refused = np.zeros(len(received), np.bool_)
        if not len(received):
            return refused
        newest = np.maximum(np.maximum.accumulate(received), self.latest_ms)
        jumped = np.diff(newest, prepend=self.latest_ms) > DISORDER_MAX_MS
        for place in np.flatnonzero(jumped | ((newest - received > DISORDER_MAX_MS) & (received > 0))).tolist():
            value = placed.values(placed.lines[place : place + 1])[0]
            refused[place] = isinstance(decode_record(Stream.CDR, value, self._accept.max_bytes), Refusal)
        return refused

    def _placed(self, text: bytes, scan: LineScan, first_line: int) -> _Placed:
        """Lines that have an account and times; those that the scan does not understand are a closer look."""
        others: dict[int, bytes] = {}

        def values(lines: NDArray[np.int64]) -> list[bytes]:
            texts = [text[a:b] for a, b in zip(scan.start[lines].tolist(), scan.stop[lines].tolist(), strict=True)]
            if others:
                texts = [others.get(line, plain) for line, plain in zip(lines.tolist(), texts, strict=True)]
            return texts

        happened, received, partitions = scan.ts_ms, scan.received_ms, self._placing.of_hashes(scan.account_hash)
        is_record = np.ones(len(scan.odd), np.bool_)
        odd = np.flatnonzero(scan.odd)
        for chunk in np.split(odd, range(CHUNK_RECORDS, len(odd), CHUNK_RECORDS)):
            outgoing = _without_refused(self.format.read(values(chunk), first_line), self.refused)
            lines = chunk[np.array(outgoing.lines, np.int64)]
            is_record[chunk] = False
            is_record[lines] = True
            others |= zip(lines.tolist(), outgoing.values, strict=True)
            happened[lines] = [self.format.place(value).ts_ms for value in outgoing.values]
            received[lines], partitions[lines] = outgoing.received_ms, self._placing.of(outgoing.keys)
        kept = np.flatnonzero(is_record)
        return _Placed(kept, happened[kept], received[kept], partitions[kept], values)


def _interleaved(plain: CdrColumns, decoded: CdrColumns) -> CdrColumns:
    """Both in the order of the lines, ids as columns."""
    ids = (IdColumn.of(list(decoded.line_ids)), IdColumn.of(list(decoded.account_ids)))
    together = concat([plain, replace(decoded, line_ids=ids[0], account_ids=ids[1])])
    return together.rows(np.argsort(together.offset, kind="stable"))


class ThinFile(OrderedFile[Records]):
    """Any other stream; its records are decoded, and refused, by the task of their partition."""

    def __init__(self, stream: Stream, path: Path, placing: Placing, max_record_bytes: int) -> None:
        super().__init__(stream, path, max_record_bytes)
        self._placing = placing

    def read(self, text: bytes, first_line: int) -> Reading[Records]:
        """Our part of these lines."""
        lines = text[:-1].split(b"\n")
        outgoing = _without_refused(self.format.read(lines, first_line), self.refused)
        numbers = np.array(outgoing.lines, np.int64) + first_line
        partitions = self._placing.of(outgoing.keys)
        own = np.flatnonzero(self._placing.is_own(partitions))
        records = Records(
            numbers[own].tolist(),
            [outgoing.keys[place] for place in own.tolist()],
            [outgoing.values[place] for place in own.tolist()],
            partitions[own],
        )
        return Reading(records, numbers[own], np.array(outgoing.received_ms, np.int64), numbers)


def _without_refused(outgoing: Outgoing, refused: list[RefusalReason]) -> Outgoing:
    if DEAD_LETTERS not in outgoing.topics:
        return outgoing
    places = [place for place, topic in enumerate(outgoing.topics) if topic != DEAD_LETTERS]
    letters: NDArray[np.int64] = np.setdiff1d(np.arange(len(outgoing)), places)
    refused += [msgspec.json.decode(outgoing.values[place], type=DeadLetter).reason for place in letters.tolist()]
    return replace(
        outgoing,
        received_ms=[outgoing.received_ms[place] for place in places],
        topics=[outgoing.topics[place] for place in places],
        keys=[outgoing.keys[place] for place in places],
        values=[outgoing.values[place] for place in places],
        lines=[outgoing.lines[place] for place in places],
    )
