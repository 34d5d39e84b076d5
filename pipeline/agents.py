"""The thin Faust shell: blocks from Faust into partition tasks, their effects to Kafka, their state to the table.

Order of things, so that nothing is lost: warnings are in Kafka before the pages that contain their decision, pages before
the manifest that makes them count, the manifest before the offsets are committed. A failure anywhere ends the worker
without a commit; what was not saved is read again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import faust
import msgspec
import structlog
from faust.types import TP

from pipeline.blocks import QUEUE_BLOCKS, BlockConsumer, BlockSchema, block_transport
from pipeline.columns import RawBlock, Refused
from pipeline.dead_letter_limit import DeadLetterLimit
from pipeline.events import DeadLetter, Stream
from pipeline.partition_task import PartitionTask, Progress
from pipeline.snapshot import SnapshotError, partition_of_key
from pipeline.worker_metrics import WorkerMetrics

POLL_S = 0.1
RAW_CHARS_MAX = 500_000
PENDING_MAX = 5_000
FLUSH_TIMEOUT_S = 120.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Topics:
    """Full names of the topics that the worker reads and writes."""

    inputs: Mapping[str, Stream]
    warnings: str
    views: str
    examples: str
    dead_letters: str


@dataclass(slots=True)
class Shell:
    """Everything between Faust and the tasks.

    Args:
        app: the Faust app; `attach` wires this shell into it.
        make_task: partition, saved pages of it, and the first offsets that the topics still hold -> its task.
        ready: awaited before tasks are made (models must be there first).
    """

    app: faust.App
    topics: Topics
    make_task: Callable[[int, Mapping[bytes, bytes], Mapping[Stream, int]], PartitionTask]
    ready: Callable[[], Awaitable[None]]
    metrics: WorkerMetrics
    limit: DeadLetterLimit
    commit_interval_s: float
    tasks: dict[int, PartitionTask] = field(default_factory=dict)
    failure: str = ""
    table: Any = None
    _pending: list[asyncio.Future[Any]] = field(default_factory=list)
    _paused: set[TP] = field(default_factory=set)
    _flushing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def attach(self, partitions: int) -> None:
        """Declare topic, table, agent and timers on the app."""
        app = self.app
        app.transport = block_transport(app, frozenset(self.topics.inputs), self._start_offset)
        channel = app.topic(*self.topics.inputs, schema=BlockSchema(), maxsize=QUEUE_BLOCKS)
        self.table = app.Table(
            "pages", partitions=partitions, key_type=bytes, value_type=bytes, on_recover=self._on_recovered
        )
        app.agent(channel, name="blocks")(self._consume)
        app.task(self._poll_forever)
        app.task(self._flush_forever)
        app.on_partitions_revoked.connect(cast(Any, self._on_revoked), weak=False)

    async def _consume(self, stream: faust.StreamT[RawBlock]) -> None:
        async for event in stream.events():
            await self._guard(self._take_block(event.message.tp, event.value, event.message.timestamp))

    async def _take_block(self, tp: TP, block: RawBlock, arrived_s: float) -> None:
        task = self.tasks.get(tp.partition)
        if task is None:
            log.info("block.skipped", topic=tp.topic, partition=tp.partition)
            return
        stream = self.topics.inputs[tp.topic]
        with self.metrics.block(stream, len(block)):
            progress = task.on_block(stream, block, time.monotonic())
        await self._publish(progress)
        self.metrics.taken(tp.partition, arrived_s, len(progress.effects.warnings))
        if self.limit.note(len(block), len(progress.refused)):
            raise SnapshotError(
                f"more than {self.limit.share_max:.0%} of the last {self.limit.window_records} records were refused, the last of "
                f"{tp.topic}: look at `churnwatch dlq list`, mend the producer (or worker.dead_letter_share_max), start again"
            )
        if task.merger.is_full(stream):
            self._paused.add(tp)
            self.app.consumer.pause_partitions({tp})

    async def _poll_forever(self) -> None:
        while not self.app.should_stop:
            await asyncio.sleep(POLL_S)
            await self._guard(self._poll())

    async def _poll(self) -> None:
        for partition, task in list(self.tasks.items()):
            ends = {stream: self._end(topic, partition) for topic, stream in self.topics.inputs.items()}
            await self._publish(task.poll(ends, time.monotonic()))
        for tp in [tp for tp in self._paused if self._has_room(tp)]:
            self._paused.discard(tp)
            if tp.partition in self.tasks:
                self.app.consumer.resume_partitions({tp})
        self.metrics.report(self.tasks)

    def _has_room(self, tp: TP) -> bool:
        task = self.tasks.get(tp.partition)
        return task is None or task.merger.has_room(self.topics.inputs[tp.topic])

    def _end(self, topic: str, partition: int) -> int | None:
        tp = TP(topic, partition)
        return self.app.consumer.highwater(tp) if tp in self.app.consumer.assignment() else None

    async def _flush_forever(self) -> None:
        while not self.app.should_stop:
            await asyncio.sleep(self.commit_interval_s)
            await self._guard(self.flush())

    async def flush(self) -> None:
        """Save every partition's changes and commit the offsets that are safe by then."""
        async with self._flushing:
            partitions = list(self.tasks)
            snapshots = {partition: self.tasks[partition].snapshot() for partition in partitions}
            await self._settle()
            for partition, snapshot in snapshots.items():
                for key, page in snapshot.pages.items():
                    await self._write(partition, key, page)
                self.metrics.pages_written(len(snapshot.pages))
            await self._settle()
            for partition, snapshot in snapshots.items():
                await self._write(partition, *snapshot.manifest)
            await self._settle()
            for partition, snapshot in snapshots.items():
                for key in snapshot.deletions:
                    await self._write(partition, key, None)
                for topic, stream in self.topics.inputs.items():
                    self._consumer().durable[TP(topic, partition)] = snapshot.applied[stream]
            if snapshots:
                await self._consumer().force_commit_of(self.topics.inputs)
                self.metrics.committed(time.time())

    async def _on_recovered(self) -> None:
        """Called when the table holds everything that the changelog had: build the tasks of this assignment."""
        await self._guard(self._build_tasks())

    async def _build_tasks(self) -> None:
        await self.ready()
        consumer = self.app.consumer
        assigned = {tp for tp in consumer.assignment() if tp.topic in self.topics.inputs}
        earliest = await consumer.earliest_offsets(*assigned) if assigned else {}
        partitions = sorted({tp.partition for tp in assigned})
        stored = self._stored(partitions)
        for partition in partitions:
            starts = {self.topics.inputs[tp.topic]: at for tp, at in earliest.items() if tp.partition == partition}
            self.tasks[partition] = self.make_task(partition, stored[partition], starts)
        self.metrics.assigned(partitions)
        log.info("partitions.assigned", partitions=partitions)

    def _stored(self, partitions: Iterable[int]) -> dict[int, dict[bytes, bytes]]:
        """The table's pages by partition; those of partitions that are not ours are dropped."""
        store: dict[bytes, bytes] = self.table.data.data
        found: dict[int, dict[bytes, bytes]] = {partition: {} for partition in partitions}
        for key in list(store):
            partition = partition_of_key(key)
            if partition in found:
                found[partition][key] = store[key]
            else:
                del store[key]
        return found

    async def _on_revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        """Partitions go: save what they have, so that whoever gets them goes on from here."""
        if self.tasks:
            await self._guard(self.flush())
        self.tasks.clear()
        self._paused.clear()
        self.metrics.rebalanced()

    def _start_offset(self, tp: TP) -> int | None:
        task = self.tasks.get(tp.partition)
        return None if task is None else task.merger.inputs[self.topics.inputs[tp.topic]].position

    async def _publish(self, progress: Progress) -> None:
        effects = progress.effects
        for warning in effects.warnings:
            await self._send(self.topics.warnings, warning.account_id, warning)
        for view in effects.views:
            await self._send(self.topics.views, view.line_id, view)
        for example in effects.examples:
            await self._send(self.topics.examples, example.line_id, example)
        for refused in progress.refused:
            await self._send(self.topics.dead_letters, None, self._dead_letter(refused))
        self.metrics.counted(progress)
        if len(self._pending) > PENDING_MAX:
            await self._settle()

    def _dead_letter(self, refused: Refused) -> DeadLetter:
        raw = refused.raw.decode("utf-8", "backslashreplace")[:RAW_CHARS_MAX]
        refusal = refused.refusal
        return DeadLetter(
            refused.stream, refusal.reason, raw, refusal.detail, partition=refused.partition, offset=refused.offset
        )

    async def _send(self, topic: str, key: str | None, message: msgspec.Struct) -> None:
        value = msgspec.json.encode(message)
        coming = await self.app.producer.send(topic, key.encode() if key else None, value, None, None, None)
        self._pending.append(asyncio.ensure_future(coming))

    async def _write(self, partition: int, key: bytes, value: bytes | None) -> None:
        store = self.table.data.data
        if value is None:
            store.pop(key, None)
        else:
            store[key] = value
        topic = self.table.changelog_topic.get_topic_name()
        coming = await self.app.producer.send(topic, key, value, partition, None, None)
        self._pending.append(asyncio.ensure_future(coming))

    async def _settle(self) -> None:
        """Wait until everything sent so far is acknowledged; raises when anything was not."""
        waiting, self._pending = self._pending, []
        if waiting:
            await asyncio.wait_for(asyncio.gather(*waiting), FLUSH_TIMEOUT_S)

    def _consumer(self) -> BlockConsumer:
        consumer = self.app.consumer
        assert isinstance(consumer, BlockConsumer)
        return consumer

    async def _guard(self, work: Awaitable[None]) -> None:
        """Run work; a failure ends the worker without acknowledging anything.

        An exception that escaped into Faust would acknowledge the block that raised it.
        """
        if self.failure:
            await asyncio.sleep(POLL_S)
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self.failure:
                self.failure = str(error) if isinstance(error, SnapshotError) else f"{type(error).__name__}: {error}"
                log.exception("worker.failed", error=self.failure)
                await self.app.crash(error)
