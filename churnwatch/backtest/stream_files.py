"""Call records as columns, the five thin streams as raw records by account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.ordered_file import OrderedFile
from pipeline.columns import Accept, CdrColumns, RawBlock, decode_cdr
from pipeline.events import DeadLetter, Stream
from pipeline.kinds import KindTable
from pipeline.sources.port import DEAD_LETTERS, Outgoing


class CdrFile(OrderedFile[CdrColumns]):
    """Call records, decoded a stretch at a time by the worker's own decoder: once for all partitions."""

    def __init__(self, path: Path, kinds: KindTable, accept: Accept) -> None:
        super().__init__(Stream.CDR, path, accept.max_bytes)
        self._kinds = kinds
        self._accept = accept

    def read(self, lines: list[bytes], first_line: int) -> tuple[CdrColumns, NDArray[np.int64], Sequence[int]]:
        offsets: Sequence[int] = range(first_line, first_line + len(lines))
        if b"" in lines:
            offsets = [number for number, line in zip(offsets, lines, strict=True) if line]
            lines = [line for line in lines if line]
        columns, refused = decode_cdr(RawBlock(offsets, None, lines), self._kinds, self._accept)
        self.refused += [one.refusal.reason for one in refused]
        return columns, columns.received_ms, columns.offset.tolist()


@dataclass(slots=True)
class Records:
    """Raw records of a thin stream: line numbers from 0, account ids, bytes."""

    numbers: Sequence[int]
    keys: Sequence[str]
    values: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> "Records":
        """Records `start` to `stop`."""
        return Records(self.numbers[start:stop], self.keys[start:stop], self.values[start:stop])


class ThinFile(OrderedFile[Records]):
    """Any other stream; its records are decoded, and refused, by the task of their partition."""

    def read(self, lines: list[bytes], first_line: int) -> tuple[Records, NDArray[np.int64], Sequence[int]]:
        outgoing = self.format.read(lines, first_line)
        if DEAD_LETTERS in outgoing.topics:
            outgoing = self._without_refused(outgoing)
        numbers = [first_line + line for line in outgoing.lines]
        return Records(numbers, outgoing.keys, outgoing.values), np.array(outgoing.received_ms, np.int64), numbers

    def _without_refused(self, outgoing: Outgoing) -> Outgoing:
        places = [place for place, topic in enumerate(outgoing.topics) if topic != DEAD_LETTERS]
        letters = [
            value for value, topic in zip(outgoing.values, outgoing.topics, strict=True) if topic == DEAD_LETTERS
        ]
        self.refused += [msgspec.json.decode(letter, type=DeadLetter).reason for letter in letters]
        return replace(
            outgoing,
            received_ms=[outgoing.received_ms[place] for place in places],
            topics=[outgoing.topics[place] for place in places],
            keys=[outgoing.keys[place] for place in places],
            values=[outgoing.values[place] for place in places],
            lines=[outgoing.lines[place] for place in places],
        )
