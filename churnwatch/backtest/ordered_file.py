"""A file of records read in the order of reception, as far as it is asked for."""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.directory import BLOCK_BYTES
from churnwatch.errors import UserError
from pipeline.events import RefusalReason, Stream
from pipeline.sources.files import LineFile, UnreadableFileError
from pipeline.sources.jsonl import JsonLines

#: A file may be out of order by so much; a record then counts at its predecessor's time.
DISORDER_MAX_MS = 3_600_000


class Cuttable(Protocol):
    """Records in file order."""

    def __len__(self) -> int: ...

    def part(self, start: int, stop: int) -> Self:
        """Records `start` to `stop`."""
        ...


Content = TypeVar("Content", bound=Cuttable)


@dataclass(slots=True)
class Part(Generic[Content]):
    """Records with the times by which they are read: each its own `received_ms`, but never before its predecessor's."""

    times: NDArray[np.int64]
    records: Content

    def part(self, start: int, stop: int) -> "Part[Content]":
        """Records `start` to `stop`."""
        return Part(self.times[start:stop], self.records.part(start, stop))


@dataclass(frozen=True, slots=True)
class Reading(Generic[Content]):
    """What some lines hold: our records with their line numbers, and of all lines that count for the order of the file,
    also those of others, when they were received and their numbers, ascending.
    """

    content: Content
    own_numbers: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    numbers: NDArray[np.int64]


class OrderedFile(ABC, Generic[Content]):
    """One stream's file. `refused`: why lines were not taken; `half_line`: it ended in half a record, left out;
    `latest_ms`: when the newest record read was received.

    Raises (from every method that reads):
        UserError: it cannot be read, or is out of order by more than an hour.
    """

    def __init__(self, stream: Stream, path: Path, max_record_bytes: int) -> None:
        self.stream = stream
        self.path = path
        self.refused: list[RefusalReason] = []
        self.half_line = False
        self.format = JsonLines(path.name, stream, max_record_bytes)
        try:
            self._file = LineFile(path, BLOCK_BYTES)
        except UnreadableFileError as error:
            raise UserError(str(error)) from None
        self._stretches = self._file.stretches()
        self._ended = False
        self._first_ms: int | None = None
        self.latest_ms = 0
        self._taken_until_ms = 0
        self._waiting: deque[Part[Content]] = deque()

    @abstractmethod
    def read(self, text: bytes, first_line: int) -> Reading[Content]:
        """What these whole lines hold, each with its line feed; refusals are noted."""

    def first_ms(self) -> int | None:
        """When the first record was received; None for an empty file."""
        while self._first_ms is None and not self._ended:
            self._read_on()
        return self._first_ms

    def take(self, before_ms: int) -> list[Part[Content]]:
        """Our records received before this moment that were not taken yet."""
        while not self._ended and self.latest_ms < before_ms:
            self._read_on()
        self._taken_until_ms = before_ms
        taken: list[Part[Content]] = []
        while self._waiting:
            part = self._waiting[0]
            stop = int(np.searchsorted(part.times, before_ms, side="left"))
            if stop < len(part.times):
                if stop:
                    taken.append(part.part(0, stop))
                    self._waiting[0] = part.part(stop, len(part.times))
                break
            taken.append(self._waiting.popleft())
        return taken

    def is_through(self) -> bool:
        """Whether everything was taken, others' records included: replays of different partitions end on the same day."""
        return self._ended and self.latest_ms < self._taken_until_ms

    def bytes_read(self) -> int:
        """Of the file as it lies on the disk."""
        return self._file.raw_bytes_read()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _read_on(self) -> None:
        try:
            stretch = next(self._stretches, None)
        except UnreadableFileError as error:
            raise UserError(str(error)) from None
        if stretch is None:
            self._ended = True
            return
        text = stretch.text
        if stretch.half:
            self.half_line = not self.format.is_whole(stretch.half)
            text = b"" if self.half_line else stretch.half + b"\n"
        if not text:
            return
        reading = self.read(text, stretch.first_line)
        if not len(reading.numbers):
            return
        times = self._in_order(reading.received_ms, reading.numbers)
        if len(reading.content):
            own = np.searchsorted(reading.numbers, reading.own_numbers)
            self._waiting.append(Part(times[own], reading.content))

    def _in_order(self, received_ms: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        times = np.maximum(np.maximum.accumulate(received_ms), self.latest_ms)
        wrong = np.flatnonzero(times - received_ms > DISORDER_MAX_MS)
        if len(wrong):
            place = int(wrong[0])
            hours = (times[place] - received_ms[place]) / 3_600_000
            raise UserError(
                f"{self.path}: line {numbers[place] + 1} was received {hours:.1f} hours before a line above it; files must be "
                "ordered by received_ms (ts_ms where it is missing), at most an hour off. Sort the file by it"
            )
        if self._first_ms is None:
            self._first_ms = int(times[0])
        self.latest_ms = int(times[-1])
        return times
