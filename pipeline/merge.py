"""Six inputs of one partition merged by the time of reception, whatever the order in which they are fetched.

As Kafka Streams merges by timestamp (KIP-353, KIP-695): what may be taken is what no input can still get ahead of: up to
the smallest of the inputs' latest times, and at that very time what stands in the merge order no later than the input that
has it. So a thin topic that arrives in one gulp cannot run ahead of the calls, and any number of records received in one
millisecond passes. An input that is caught up with its topic is waited for `idle_s` of wall time, from its last record and
from the moment when something began to wait for it, and no longer. Time is an argument; nothing here sleeps.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.batch import MergedBatch, merge_key
from pipeline.columns import CdrColumns, ThinRecord, concat, empty_cdr
from pipeline.events import STREAM_RANK, Stream

FOREVER_MS = 1 << 62
#: A rank before that of every stream.
BEFORE_ALL = -1
#: A time, and the rank of the stream up to which records of this very time are meant.
Frontier = tuple[int, int]


@dataclass(slots=True)
class Input:
    """One topic's partition: what was fetched and not yet taken, and how far fetching has come.

    `position` is the offset of the next record to fetch, `end` the end of the topic as last told (None: not told yet).
    """

    stream: Stream
    position: int = 0
    end: int | None = None
    latest_ms: int = -1
    caught_up_since: float | None = None
    cdr: deque[CdrColumns] = field(default_factory=deque)
    thin: deque[ThinRecord] = field(default_factory=deque)
    buffered: int = 0

    def is_caught_up(self) -> bool:
        """Whether everything that is in the topic was fetched."""
        return self.end is not None and self.position >= self.end

    def note_end(self, end: int | None, now_s: float) -> None:
        """The topic ends at this offset now."""
        if end is not None:
            self.end = end
        if not self.is_caught_up():
            self.caught_up_since = None
        elif self.caught_up_since is None:
            self.caught_up_since = now_s

    def is_idle(self, since_s: float, until_s: float) -> bool:
        """Caught up at `until_s` already, when something waited for it already since `since_s`, and nothing new since."""
        return self.caught_up_since is not None and max(self.caught_up_since, since_s) <= until_s


class Merger:
    """Buffers and merges the inputs of one partition."""

    def __init__(self, positions: dict[Stream, int], idle_s: float, buffer_max: int) -> None:
        self.inputs = {stream: Input(stream, positions.get(stream, 0)) for stream in Stream}
        self._idle_s = idle_s
        self._buffer_max = buffer_max
        self._taken_ms = -1
        self._waiting_since = 0.0

    def add_cdr(self, columns: CdrColumns, next_offset: int, now_s: float) -> None:
        """A decoded block of call records; `next_offset` is the offset after its last record, refused ones included."""
        source = self.inputs[Stream.CDR]
        if len(columns):
            source.cdr.append(_sorted_by_reception(columns, source.latest_ms))
            source.latest_ms = int(source.cdr[-1].received_ms[-1])
        self._advance(source, len(columns), next_offset, now_s)

    def add_thin(self, stream: Stream, records: Iterable[ThinRecord], next_offset: int, now_s: float) -> None:
        """A decoded block of a thin stream."""
        source = self.inputs[stream]
        count = 0
        for record in records:
            # A record received before its predecessor in the topic merges at the predecessor's time.
            source.latest_ms = max(source.latest_ms, record.received_ms)
            source.thin.append(replace(record, received_ms=source.latest_ms))
            count += 1
        self._advance(source, count, next_offset, now_s)

    def nothing_before(self, until_ms: int) -> None:
        """Whatever comes later was received at `until_ms` or after: a replay of files knows that, a topic never tells it."""
        for source in self.inputs.values():
            source.latest_ms = max(source.latest_ms, until_ms)

    def is_full(self, stream: Stream) -> bool:
        """Whether fetching this input should pause."""
        return self.inputs[stream].buffered >= self._buffer_max

    def has_room(self, stream: Stream) -> bool:
        """Whether fetching a paused input may go on."""
        return self.inputs[stream].buffered < self._buffer_max // 2

    def has_thin_waiting(self) -> bool:
        """Whether a record that is decided by itself waits for its turn."""
        return any(source.thin for source in self.inputs.values())

    def take(self, now_s: float, span_ms: int = FOREVER_MS) -> tuple[MergedBatch, int] | None:
        """What may be applied now and the time up to which decisions may be made; None when there is nothing new.

        `span_ms`: at most so much of stream time; what is left is for the next call.
        """
        frontier = self._frontier(now_s)
        if frontier is None:
            return None
        frontier = min(frontier, (self._first_waiting_ms() + span_ms, BEFORE_ALL))
        batch = MergedBatch(self._take_cdr(_end(Stream.CDR, frontier)), self._take_thin(frontier))
        # When all inputs are idle: decide what is known, and stay open for what comes next.
        until_ms = min(frontier[0], max(source.latest_ms for source in self.inputs.values()))
        if until_ms <= self._taken_ms and not len(batch):
            return None
        self._taken_ms = max(self._taken_ms, until_ms)
        return batch, self._taken_ms

    def _first_waiting_ms(self) -> int:
        """When the first of what waits was received, or up to when everything was taken, if that is later."""
        waiting = [int(source.cdr[0].received_ms[0]) for source in self.inputs.values() if source.cdr]
        waiting += [source.thin[0].received_ms for source in self.inputs.values() if source.thin]
        return max(self._taken_ms, min(waiting, default=FOREVER_MS))

    def applied(self) -> dict[Stream, int]:
        """For each input the offset of the next record that `take` has not handed out."""
        return {stream: _next_untaken(source) for stream, source in self.inputs.items()}

    def _advance(self, source: Input, count: int, next_offset: int, now_s: float) -> None:
        if count and not any(other.buffered for other in self.inputs.values()):
            self._waiting_since = now_s
        source.buffered += count
        source.position = next_offset
        source.caught_up_since = None
        source.note_end(None, now_s)

    def _frontier(self, now_s: float) -> Frontier | None:
        """The smallest latest time of the inputs that are waited for, and the first input that has it.

        FOREVER when all are idle; None when one has told nothing yet.
        """
        until_s = now_s - self._idle_s
        waited = [source for source in self.inputs.values() if not source.is_idle(self._waiting_since, until_s)]
        if not waited:
            return FOREVER_MS, len(STREAM_RANK)
        frontier = min((source.latest_ms, STREAM_RANK[source.stream]) for source in waited)
        return None if frontier[0] < 0 else frontier

    def _take_cdr(self, before_ms: int) -> CdrColumns:
        source = self.inputs[Stream.CDR]
        parts: list[CdrColumns] = []
        while source.cdr:
            block = source.cdr[0]
            stop = int(np.searchsorted(block.received_ms, before_ms, side="left"))
            if stop < len(block):
                if stop:
                    parts.append(block.part(0, stop))
                    source.cdr[0] = block.part(stop, len(block))
                break
            parts.append(source.cdr.popleft())
        taken = concat(parts) if parts else empty_cdr()
        source.buffered -= len(taken)
        return taken

    def _take_thin(self, frontier: Frontier) -> list[ThinRecord]:
        taken: list[ThinRecord] = []
        for source in self.inputs.values():
            before, before_ms = len(taken), _end(source.stream, frontier)
            while source.thin and source.thin[0].received_ms < before_ms:
                taken.append(source.thin.popleft())
            if source.stream is not Stream.CDR:
                source.buffered -= len(taken) - before
        taken.sort(key=merge_key)
        return taken


def _sorted_by_reception(columns: CdrColumns, at_least_ms: int) -> CdrColumns:
    """The same records with reception times that never fall: a record merges no earlier than its predecessor."""
    times = np.maximum(np.maximum.accumulate(columns.received_ms), at_least_ms)
    if np.array_equal(times, columns.received_ms):
        return columns
    return replace(columns, received_ms=times)


def _end(stream: Stream, frontier: Frontier) -> int:
    """Time before which an input's records may be taken: at the frontier itself, only those first in the merge order."""
    until_ms, rank = frontier
    return until_ms + (STREAM_RANK[stream] <= rank)


def _next_untaken(source: Input) -> int:
    if source.cdr:
        return int(source.cdr[0].offset[0])
    if source.thin:
        return source.thin[0].offset
    return source.position
