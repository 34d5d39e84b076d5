"""Files merged by `received_ms`, ties by the order of the files, then by line (CONTRACT.md section 1).

A file's own order is never changed: a line that is older than its neighbour before it goes with that neighbour.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.files import LineFile, Position
from pipeline.sources.port import DEAD_LETTERS, LineFormat, Outgoing, first_reason

Times = NDArray[np.int64]
NO_TIMES: Times = np.zeros(0, np.int64)


class Feed:
    """One file with what was read of it and not yet taken.

    Attributes:
        half_line: True when the file ended in half a line, which was left for the next run.
        blank_lines: how many lines held nothing.
    """

    def __init__(self, file: LineFile, line_format: LineFormat) -> None:
        self.file = file
        self.half_line = False
        self.blank_lines = 0
        self.ended = False
        self._format = line_format
        self._lines_before = file.position().lines
        self._stretches = file.stretches()
        self._lines: list[bytes] = []
        self._is_half = False
        self._outgoing = Outgoing()
        self._times = NO_TIMES
        self._taken = 0
        self._lines_taken = 0
        self._latest_ms = 0

    def fill(self) -> bool:
        """Have something to take, unless the file is at its end; returns whether there is."""
        while self._taken == len(self._outgoing) and not self.ended:
            self._pass_lines(len(self._lines))
            stretch = next(self._stretches, None)
            if stretch is None:
                self.ended = True
                break
            lines = stretch.lines
            if stretch.half:
                lines = self._whole(stretch.half)
            self._load(lines, stretch.first_line)
        return self._taken < len(self._outgoing)

    def wrong_format(self) -> str:
        """Why the file is no such format: the first reason, when there are lines at its start and none is a record."""
        if not self.fill() or self._lines_before or any(topic != DEAD_LETTERS for topic in self._outgoing.topics):
            return ""
        return first_reason(self._outgoing.values)

    def last_ms(self) -> int:
        """The latest time that is known of this file; whatever is read later is not before it."""
        return self._latest_ms

    def count_until(self, horizon_ms: int, *, inclusive: bool) -> int:
        """How many of the waiting records are before the horizon (or at it)."""
        side = "right" if inclusive else "left"
        return int(np.searchsorted(self._times[self._taken :], horizon_ms, side=side))  # type: ignore[call-overload]  # numpy asks for a literal side

    def waiting(self) -> int:
        """How many records wait to be taken."""
        return len(self._outgoing) - self._taken

    def take(self, count: int) -> tuple[Outgoing, Times]:
        """The next `count` records and their times, made monotone."""
        cut = slice(self._taken, self._taken + count)
        outgoing = self._outgoing
        self._taken += count
        if self._taken == len(outgoing):
            self._lines_taken = len(self._lines)
        else:
            self._lines_taken = outgoing.lines[self._taken]
        part = Outgoing(
            outgoing.received_ms[cut],
            outgoing.topics[cut],
            outgoing.keys[cut],
            outgoing.values[cut],
            outgoing.lines[cut],
        )
        return part, self._times[cut]

    def position(self) -> Position:
        """Where the file stands once everything taken so far has been acknowledged."""
        self._pass_lines(self._lines_taken)
        return self.file.position()

    def _pass_lines(self, count: int) -> None:
        if not count:
            return
        if self._is_half:
            self.file.advance_half(self._lines[0])
        else:
            self.file.advance(self._lines[:count])
        del self._lines[:count]
        outgoing = self._outgoing
        keep = slice(self._taken, None)
        lines = [line - count for line in outgoing.lines[keep]]
        self._outgoing = Outgoing(
            outgoing.received_ms[keep], outgoing.topics[keep], outgoing.keys[keep], outgoing.values[keep], lines
        )
        self._times = self._times[keep]
        self._taken = self._lines_taken = 0

    def _load(self, lines: list[bytes], first_line: int) -> None:
        self._lines = lines
        self._outgoing = self._format.read(lines, first_line) if lines else Outgoing()
        self._taken = self._lines_taken = 0
        self.blank_lines += self._outgoing.blank_lines
        times = np.array(self._outgoing.received_ms, np.int64)
        if len(times):
            times[0] = max(int(times[0]), self._latest_ms)
            times = np.maximum.accumulate(times)
            self._latest_ms = int(times[-1])
        self._times = times

    def _whole(self, half: bytes) -> list[bytes]:
        if self._format.is_whole(half):
            self._is_half = True
            return [half]
        self.half_line = True
        return []


def merged(feeds: Sequence[Feed]) -> Iterator[Outgoing]:
    """Batches in the order of the merge. After each one, every feed's `position()` stands behind what it gave to it."""
    while True:
        filled = [feed.fill() for feed in feeds]
        if not any(filled):
            return
        yield _next_batch(feeds)


def _next_batch(feeds: Sequence[Feed]) -> Outgoing:
    """Everything up to the earliest of the latest times of the files that go on.

    The first file that ends at this horizon gives all it has, those before it give what is at it, those behind it only
    what is earlier: they come later at a tie, and the first one may have more of the same time.
    """
    going = [(feed.last_ms(), rank) for rank, feed in enumerate(feeds) if not feed.ended]
    horizon_ms, first = min(going, default=(np.iinfo(np.int64).max, len(feeds)))
    parts = []
    for rank, feed in enumerate(feeds):
        count = feed.count_until(horizon_ms, inclusive=rank <= first)
        if count:
            parts.append(feed.take(count))
    if len(parts) == 1:
        return parts[0][0]
    return _interleaved(parts)


def _interleaved(parts: Sequence[tuple[Outgoing, Times]]) -> Outgoing:
    order = np.argsort(np.concatenate([times for _, times in parts]), kind="stable").tolist()
    received_ms, topics, keys, values = (
        [item for part, _ in parts for item in getattr(part, name)]
        for name in ("received_ms", "topics", "keys", "values")
    )
    return Outgoing(
        [received_ms[place] for place in order],
        [topics[place] for place in order],
        [keys[place] for place in order],
        [values[place] for place in order],
        range(len(order)),
    )
