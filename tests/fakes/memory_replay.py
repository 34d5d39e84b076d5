"""What a worker must come to, told without Kafka, Faust or blocks: the topics' records one at a time, as they were received."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from churnwatch.engine_parts import engine_parts
from churnwatch.settings import Settings
from pipeline.columns import RawBlock
from pipeline.events import STREAM_RANK, ChurnWarning, Stream
from pipeline.partition_task import PartitionTask, Progress
from tests.fakes.saved_state import saved_pages
from tests.fakes.topic_reader import Seen, read_topic


@dataclass(frozen=True, slots=True)
class Replayed:
    """Warnings by id and time as they must be in Kafka, and the state as it must be saved."""

    warnings: dict[str, bytes]
    pages: dict[str, bytes]


def told_at(warning: ChurnWarning) -> str:
    """A warning's id and time: that of an incident is told again, under its id, when the incident is over."""
    return f"{warning.warning_id}@{warning.ts_ms}"


class Times(msgspec.Struct):
    """When a record was received, as far as it can be told."""

    ts_ms: int
    received_ms: int | None = None


def replay_one_by_one(settings: Settings) -> Replayed:
    """Everything that is in the input topics now, through one task a partition."""
    parts = engine_parts(settings)
    topics = {stream: read_topic(settings, stream.value) for stream in Stream}
    warnings: list[ChurnWarning] = []
    stored = {}
    for partition in range(settings.kafka.partitions):
        task = parts.make_task(partition, {}, {})
        ends = {stream: _end(seen, partition) for stream, seen in topics.items()}
        for progress in _run(task, topics, partition, ends):
            warnings += progress.effects.warnings
        snapshot = task.snapshot()
        stored[partition] = {**snapshot.pages, **dict([snapshot.manifest])}
    by_id = {told_at(warning): msgspec.json.encode(warning) for warning in warnings}
    assert len(by_id) == len(warnings)
    return Replayed(by_id, saved_pages(settings, stored))


def _run(
    task: PartitionTask, topics: dict[Stream, list[Seen]], partition: int, ends: dict[Stream, int]
) -> Iterator[Progress]:
    inputs = [
        _timed(stream, [seen for seen in all_seen if seen.partition == partition])
        for stream, all_seen in topics.items()
    ]
    for (received_ms, *_), stream, seen in heapq.merge(*inputs, key=lambda item: item[0]):
        yield task.close(received_ms, 0.0)
        key = None if seen.key is None else seen.key.encode()
        yield task.on_block(stream, RawBlock([seen.offset], [key], [seen.value]), 0.0)
    for now_s in (0.0, 10.0, 20.0):
        yield task.poll(dict(ends), now_s)


def _timed(stream: Stream, records: Iterable[Seen]) -> Iterator[tuple[tuple[int, int, int], Stream, Seen]]:
    """Records with their place in the merge order; one that cannot be read goes with its predecessor."""
    latest_ms = 0
    for seen in records:
        try:
            times = msgspec.json.decode(seen.value, type=Times)
            latest_ms = max(latest_ms, times.ts_ms if times.received_ms is None else times.received_ms)
        except msgspec.MsgspecError:
            pass
        yield (latest_ms, STREAM_RANK[stream], seen.offset), stream, seen


def _end(records: Iterable[Seen], partition: int) -> int:
    return max((seen.offset + 1 for seen in records if seen.partition == partition), default=0)
