"""Call records as columns, the five thin streams as raw records by account; of others' partitions only the times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.ordered_file import DISORDER_MAX_MS, OrderedFile, Reading
from churnwatch.backtest.placing import Partitions, Placing
from pipeline.columns import CHUNK_RECORDS, Accept, CdrColumns, RawBlock, decode_cdr
from pipeline.events import DeadLetter, RefusalReason, Stream
from pipeline.kinds import KindTable
from pipeline.refusals import Refusal, decode_record
from pipeline.sources.jsonl import Placement
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


class CdrFile(OrderedFile[Calls]):
    """Call records. All lines are placed (0.8 us each); those of our partitions go to the worker's own decoder (3 us).

    `refused_own`: why records of our partitions were not taken.
    """

    def __init__(self, path: Path, placing: Placing, kinds: KindTable, accept: Accept) -> None:
        super().__init__(Stream.CDR, path, accept.max_bytes)
        self._placing = placing
        self._kinds = kinds
        self._accept = accept
        self.refused_own: list[RefusalReason] = []

    def read(self, lines: list[bytes], first_line: int) -> Reading[Calls]:
        """Decode our part of these lines."""
        numbers, values, placements = self._placed(lines, first_line)
        happened = np.fromiter((one.ts_ms for one in placements), np.int64, len(placements))
        received = np.array([one.ts_ms if one.received_ms is None else one.received_ms for one in placements], np.int64)
        partitions = self._placing.of([one.account_id for one in placements])
        own = np.flatnonzero(self._placing.is_own(partitions)).tolist()
        block = RawBlock([numbers[place] for place in own], None, [values[place] for place in own])
        columns, refused = decode_cdr(block, self._kinds, self._accept)
        self.refused_own += [one.refusal.reason for one in refused]
        all_numbers = np.array(numbers, np.int64)
        # A time that no record may have is refused by the decoder and says nothing of the file's order.
        lateness = received - happened
        plausible = (lateness <= self._accept.retention_ms) & (lateness >= -self._accept.future_ms)
        plausible &= ~self._refused_out_of_order(np.where(plausible, received, 0), values)
        calls = Calls(columns, partitions[np.searchsorted(all_numbers, columns.offset)])
        return Reading(calls, columns.offset, received[plausible], all_numbers[plausible])

    def _refused_out_of_order(self, received: NDArray[np.int64], values: Sequence[bytes]) -> NDArray[np.bool_]:
        """Lines far from their neighbours' times that are no good records: their times say nothing either."""
        refused = np.zeros(len(values), np.bool_)
        if not len(values):
            return refused
        newest = np.maximum(np.maximum.accumulate(received), self.latest_ms)
        jumped = np.diff(newest, prepend=self.latest_ms) > DISORDER_MAX_MS
        for place in np.flatnonzero(jumped | ((newest - received > DISORDER_MAX_MS) & (received > 0))).tolist():
            refused[place] = isinstance(decode_record(Stream.CDR, values[place], self._accept.max_bytes), Refusal)
        return refused

    def _placed(self, lines: list[bytes], first_line: int) -> tuple[list[int], list[bytes], list[Placement]]:
        """Numbers, texts and placements of the lines that have one; a chunk at a time, since a bad line is a closer look."""
        numbers: list[int] = []
        values: list[bytes] = []
        placements: list[Placement] = []
        for start in range(0, len(lines), CHUNK_RECORDS):
            chunk = lines[start : start + CHUNK_RECORDS]
            placed = self.format.place_all(chunk)
            if placed is None:
                outgoing = _without_refused(self.format.read(chunk, first_line + start), self.refused)
                chunk, placed = outgoing.values, [self.format.place(value) for value in outgoing.values]
                numbers += [first_line + start + line for line in outgoing.lines]
            else:
                numbers += range(first_line + start, first_line + start + len(chunk))
            values += chunk
            placements += placed
        return numbers, values, placements


class ThinFile(OrderedFile[Records]):
    """Any other stream; its records are decoded, and refused, by the task of their partition."""

    def __init__(self, stream: Stream, path: Path, placing: Placing, max_record_bytes: int) -> None:
        super().__init__(stream, path, max_record_bytes)
        self._placing = placing

    def read(self, lines: list[bytes], first_line: int) -> Reading[Records]:
        """Our part of these lines."""
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
