"""`churnwatch bench decode` and `bench engine`: the stages in one process, without broker and Faust."""

import time
from dataclasses import dataclass

import numpy as np

from churnwatch.bench.load import CallLoad, account_id, blocks_of
from churnwatch.engine_parts import EngineParts, engine_parts
from churnwatch.settings import Settings
from pipeline.columns import Accept, RawBlock, decode_cdr
from pipeline.events import Stream
from pipeline.kinds import KindTable
from pipeline.partition_task import PartitionTask
from pipeline.partitioning import partitions_of

#: Records of one fetch of a partition: the broker gives at most a MiB.
BLOCK_RECORDS = 3500
#: Seconds between two blocks as tasks are told: longer than any input is waited for.
BLOCK_S = 1.0


@dataclass(frozen=True, slots=True)
class DecodeFigures:
    """JSON bytes to columns, one thread."""

    records: int
    events_per_s: float
    us_per_event: float


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """Partition tasks fed from memory, one thread: CPU seconds of this process."""

    records: int
    lines: int
    events_per_s: float
    us_per_event: float
    us_per_event_decode: float
    us_per_event_known_lines: float
    snapshot_s: float
    snapshot_megabytes: float


def bench_decode(records: int) -> DecodeFigures:
    """Decode call records to columns."""
    blocks = blocks_of(CallLoad(max(1, records // 10), records), 1, BLOCK_RECORDS)
    seconds = decode_seconds(blocks)
    return DecodeFigures(records, round(records / seconds), round(seconds / records * 1e6, 3))


def bench_engine(settings: Settings, lines: int, records: int) -> EngineFigures:
    """Decode, merge, apply and decide: a first half that creates the lines, a second half that finds them there."""
    feed = EngineFeed(settings)
    first = CallLoad(lines, records, midnight_at=1.0)
    second = CallLoad(lines, records, midnight_at=0.0, first_record=records)
    cold_s = feed.take(feed.blocks(first))
    blocks = feed.blocks(second)
    warm_s = feed.take(blocks)
    started = time.process_time()
    snapshots = [task.snapshot() for task in feed.tasks]
    saved_s = time.process_time() - started
    return EngineFigures(
        records=2 * records,
        lines=feed.lines,
        events_per_s=round(2 * records / (cold_s + warm_s)),
        us_per_event=round((cold_s + warm_s) / (2 * records) * 1e6, 3),
        us_per_event_decode=round(decode_seconds(blocks) / records * 1e6, 3),
        us_per_event_known_lines=round(warm_s / records * 1e6, 3),
        snapshot_s=round(saved_s, 3),
        snapshot_megabytes=round(sum(len(page) for s in snapshots for page in s.pages.values()) / 1e6, 1),
    )


class EngineFeed:
    """All partitions' tasks as a worker has them, fed with blocks from memory."""

    def __init__(self, settings: Settings) -> None:
        parts: EngineParts = engine_parts(settings)
        self._partitions = settings.kafka.partitions
        self.tasks: list[PartitionTask] = [parts.make_task(number, {}, {}) for number in range(self._partitions)]
        self._next = [0] * self._partitions
        self._now_s = 0.0
        for task in self.tasks:
            task.poll(dict.fromkeys(Stream, 0), self._now_s)

    @property
    def lines(self) -> int:
        """Lines known."""
        return sum(len(task.engine.state.lines) for task in self.tasks)

    def lines_by_partition(self, lines: int) -> list[int]:
        """How many of the load's lines each partition has."""
        of_line = partitions_of([account_id(line) for line in range(lines)], self._partitions)
        counts: list[int] = np.bincount(of_line, minlength=self._partitions).tolist()
        return counts

    def blocks(self, load: CallLoad) -> list[tuple[int, RawBlock]]:
        """The load as blocks that go on where the last ones ended."""
        shifted = []
        for partition, block in blocks_of(load, self._partitions, BLOCK_RECORDS):
            start = self._next[partition]
            self._next[partition] += len(block)
            shifted.append((partition, RawBlock(range(start, start + len(block)), block.keys, block.values)))
        return shifted

    def take(self, blocks: list[tuple[int, RawBlock]]) -> float:
        """Hand blocks to their tasks until everything is applied; returns the CPU seconds it took."""
        started = time.process_time()
        for partition, block in blocks:
            self._now_s += BLOCK_S
            self.tasks[partition].on_block(Stream.CDR, block, self._now_s)
        self._now_s += BLOCK_S
        for task in self.tasks:
            task.poll({}, self._now_s)
        return time.process_time() - started


def decode_seconds(blocks: list[tuple[int, RawBlock]]) -> float:
    """CPU seconds to decode blocks to columns."""
    kinds, accept = KindTable(), Accept()
    started = time.process_time()
    for _, block in blocks:
        decode_cdr(block, kinds, accept)
    return time.process_time() - started
