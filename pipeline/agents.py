"""The thin Faust shell: blocks from Faust into partition tasks, their effects to Kafka, their state to the table.

Order of things, so that nothing is lost: warnings are in Kafka before the pages that contain their decision, pages before
the manifest that makes them count, the manifest before the offsets are committed. The commit is also how the broker tells
that the partitions were still ours; nothing that an older snapshot needs is deleted before. A failure anywhere ends the
worker without a commit; what was not saved is read again.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import faust
import msgspec
import structlog
from faust.types import TP

from pipeline.blocks import QUEUE_BLOCKS, BlockConsumer, BlockSchema, Fetched, block_transport
from pipeline.columns import DAY_MS, RawBlock
from pipeline.dead_letter_limit import DeadLetterLimit
from pipeline.dead_letters import dead_letter
from pipeline.events import Stream
from pipeline.feed_watch import FeedWatch
from pipeline.memory import give_back
from pipeline.outbox import Outbox
from pipeline.page_store import page_table
from pipeline.partition_task import PartitionTask, Progress
from pipeline.save_round import SaveRound
from pipeline.snapshot import Snapshot, SnapshotError
from pipeline.stall import StallWatch
from pipeline.worker_metrics import WorkerMetrics

POLL_S = 0.05
REPORT_S = 0.25
#: Of stream time in one step: months of a thin topic, fetched in one gulp, would keep the worker from answering for minutes.
SPAN_MS = DAY_MS
PENDING_MAX = 5_000
#: Partitions are saved together up to this size of their pages.
TOGETHER_BYTES = 64 << 20
WATCH_S = 1.0
#: How often a broker that takes nothing is told of.
NOTICE_S = 10.0

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
        stall_timeout_s: being behind without progress, or waiting for the broker, for so long ends the worker.
        feeds: told of every block; what it says is reported.
    """

    app: faust.App
    topics: Topics
    make_task: Callable[[int, Mapping[bytes, bytes], Mapping[Stream, int]], PartitionTask]
    ready: Callable[[], Coroutine[Any, Any, None]]
    metrics: WorkerMetrics
    limit: DeadLetterLimit
    commit_interval_s: float
    stall_timeout_s: float
    feeds: FeedWatch
    tasks: dict[int, PartitionTask] = field(default_factory=dict)
    failure: str = ""
    table: Any = None
    outbox: Outbox = field(init=False)
    _pending: list[asyncio.Future[Any]] = field(default_factory=list)
    _written: list[asyncio.Future[Any]] = field(default_factory=list)
    _paused: set[TP] = field(default_factory=set)
    #: Keys to delete from the table as soon as the broker has confirmed that the partition is ours.
    _owed: dict[int, set[bytes]] = field(default_factory=dict)
    _leaving: bool = False
    _flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: A snapshot must not fall between a decision and the sending of its warnings.
    _deciding: asyncio.Lock = field(default_factory=asyncio.Lock)

    def attach(self, partitions: int) -> None:
        """Declare topic, table, agent and timers on the app."""
        app = self.app
        self.outbox = Outbox(app)
        app.transport = block_transport(app, frozenset(self.topics.inputs), self._start_offset)
        channel = app.topic(*self.topics.inputs, schema=BlockSchema(), maxsize=QUEUE_BLOCKS)
        self.table = page_table(app, "pages", partitions, self._on_recovered)
        app.agent(channel, name="blocks")(self._consume)
        app.task(self._poll_forever)
        app.task(self._flush_forever)
        app.task(self._watch_forever)
        app.on_partitions_revoked.connect(cast(Any, self._on_revoked), weak=False)

    async def _consume(self, stream: faust.StreamT[Fetched]) -> None:
        async for event in stream.events():
            await self._guard(self._take_block(event.message.tp, event.value, event.message.timestamp))

    async def _take_block(self, tp: TP, fetched: Fetched, arrived_s: float) -> None:
        async with self._deciding:
            if self._consumer().is_current(fetched):
                await self._decide_block(tp, fetched.block, arrived_s)

    async def _decide_block(self, tp: TP, block: RawBlock, arrived_s: float) -> None:
        task = self.tasks.get(tp.partition)
        if task is None:
            log.info("block.skipped", topic=tp.topic, partition=tp.partition)
            return
        stream = self.topics.inputs[tp.topic]
        with self.metrics.block(stream, len(block)):
            progress = task.on_block(stream, block, time.monotonic(), SPAN_MS)
        await self._publish(progress)
        self.metrics.taken(tp.partition, arrived_s, len(progress.effects.warnings))
        self.feeds.note(stream, time.monotonic())
        if self.limit.note(len(block), len(progress.refused)):
            raise SnapshotError(
                f"more than {self.limit.share_max:.0%} of the last {self.limit.window_records} records were refused, the last of "
                f"{tp.topic}: look at `churnwatch dlq list`, mend the producer (or worker.dead_letter_share_max), start again"
            )
        if task.merger.is_full(stream):
            self._paused.add(tp)
            self.app.consumer.pause_partitions({tp})

    async def _poll_forever(self) -> None:
        reported_s = 0.0
        while not self.app.should_stop:
            await asyncio.sleep(POLL_S)
            await self._guard(self._poll())
            if time.monotonic() - reported_s >= REPORT_S:
                reported_s = time.monotonic()
                self.metrics.report(self.tasks)

    async def _poll(self) -> None:
        assigned = self.app.consumer.assignment()
        # Whoever has an order waiting goes first, and blocks may come in between: else a tick of all partitions, which falls
        # in one go, would hold up the order for all of it.
        for partition, task in sorted(self.tasks.items(), key=lambda item: not item[1].merger.has_thin_waiting()):
            await asyncio.sleep(0)
            async with self._deciding:
                if self.tasks.get(partition) is task:
                    await self._publish(task.poll(self._ends(partition, assigned), time.monotonic(), SPAN_MS))
        for tp in [tp for tp in self._paused if self._has_room(tp)]:
            self._paused.discard(tp)
            if tp.partition in self.tasks:
                self.app.consumer.resume_partitions({tp})

    def _has_room(self, tp: TP) -> bool:
        task = self.tasks.get(tp.partition)
        return task is None or task.merger.has_room(self.topics.inputs[tp.topic])

    def _ends(self, partition: int, assigned: set[TP]) -> dict[Stream, int | None]:
        """Where the topics of a partition end now; None: not known."""
        places = {stream: TP(topic, partition) for topic, stream in self.topics.inputs.items()}
        return {stream: self.app.consumer.highwater(tp) if tp in assigned else None for stream, tp in places.items()}

    async def _flush_forever(self) -> None:
        """Save one partition after the other, spread over the interval: all at once would hold up every order."""
        while not self.app.should_stop:
            round_of = SaveRound()
            for partition in list(self.tasks):
                await asyncio.sleep(self.commit_interval_s / len(self.tasks) if self.tasks else 0.0)
                await self._guard(self._save_one(partition, round_of))
            if round_of.partitions:
                self._ended(round_of)
            else:
                await asyncio.sleep(self.commit_interval_s)

    async def _save_one(self, partition: int, round_of: SaveRound) -> None:
        async with self._flushing:
            if partition in self.tasks:
                await self._save_changes([partition], round_of)

    async def flush(self) -> None:
        """Save every partition's changes and commit the offsets that are safe by then."""
        async with self._flushing:
            round_of = SaveRound()
            await self._save_changes(list(self.tasks), round_of)
            if round_of.partitions:
                self._ended(round_of)

    def _ended(self, round_of: SaveRound) -> None:
        if round_of.is_ours:
            self.metrics.committed(time.time())
        round_of.tell()

    async def _save_changes(self, partitions: Sequence[int], round_of: SaveRound) -> None:
        """Save what changed in these partitions when all their warnings are in Kafka.

        Together, since each step waits for the broker; but only so many at once, because until the broker has them their
        pages are in memory twice.
        """
        snapshots: dict[int, Snapshot] = {}
        warned: list[asyncio.Future[Any]] = []
        for partition in partitions:
            async with self._deciding:
                snapshots[partition] = self.tasks[partition].snapshot()
                sent, self._pending = self._pending, []
            warned += sent
            if partition == partitions[-1] or sum(snapshot.size for snapshot in snapshots.values()) >= TOGETHER_BYTES:
                await self.outbox.acknowledged(warned)
                is_ours = await self._save(snapshots)
                for snapshot in snapshots.values():
                    round_of.note(snapshot, is_ours=is_ours)
                snapshots, warned = {}, []

    async def close(self, timeout_s: float) -> None:
        """The worker leaves: save and commit, unless it failed; not being able to in time is a failure."""
        self._leaving = True
        try:
            if not self.failure:
                await asyncio.wait_for(self.flush(), timeout_s)
        except TimeoutError:
            self.failure = f"Kafka has not taken the state within {timeout_s:g} s; what is not saved will be read again"
        except Exception as error:
            self.failure = f"the state could not be saved: {type(error).__name__}: {error}"
            log.exception("worker.failed", error=self.failure)

    async def _save(self, snapshots: Mapping[int, Snapshot]) -> bool:
        """Write snapshots whose warnings are in Kafka; then, if the partitions are still ours, commit and tidy up.

        Returns whether they are.
        """
        for partition, snapshot in snapshots.items():
            owed = self._owed.setdefault(partition, set())
            owed.difference_update(snapshot.pages)
            owed.update(snapshot.deletions)
            await self._write(partition, snapshot.pages)
            self.metrics.pages_written(len(snapshot.pages))
        await self._settle()
        for partition, snapshot in snapshots.items():
            await self._write(partition, dict([snapshot.manifest]))
        await self._settle()
        with self.outbox.waiting():
            is_ours = await self._consumer().commit_durable(self._offsets(snapshots))
        if is_ours:
            for partition in snapshots:
                await self._write(partition, dict.fromkeys(self._owed.pop(partition)))
            await self._settle()
        return is_ours

    def _offsets(self, snapshots: Mapping[int, Snapshot]) -> dict[TP, int]:
        return {
            TP(topic, partition): snapshot.applied[stream]
            for partition, snapshot in snapshots.items()
            for topic, stream in self.topics.inputs.items()
        }

    async def _watch_forever(self) -> None:
        watch, told_s, stopped = StallWatch(self.stall_timeout_s), 0.0, False
        while not self.app.should_stop:
            await asyncio.sleep(WATCH_S)
            stopped = self._watch_feeds(told=stopped)
            waiting_s = self.outbox.waiting_s()
            if waiting_s - told_s >= NOTICE_S:
                log.warning("broker.awaited", seconds=round(waiting_s))
                told_s = waiting_s
            elif not waiting_s:
                told_s = 0.0
            await self._guard(self._check_progress(watch, waiting_s))

    def _watch_feeds(self, *, told: bool) -> bool:
        """Report how long each feed has been silent; say once when the calls stop and when they come again."""
        silent_s = self.feeds.silent_s(time.monotonic())
        self.metrics.feeds_silent(silent_s)
        stopped = self.feeds.has_stopped(time.monotonic())
        if stopped and not told:
            log.warning("feed.stopped", stream=Stream.CDR.value, seconds=round(silent_s[Stream.CDR]))
        elif told and not stopped:
            log.info("feed.resumed", stream=Stream.CDR.value)
        return stopped

    async def _check_progress(self, watch: StallWatch, waiting_s: float) -> None:
        if waiting_s >= self.stall_timeout_s:
            raise SnapshotError(
                f"Kafka has taken nothing for {waiting_s:.0f} s; nothing was committed since. Start the worker again when the "
                "broker is back (it gives up after worker.stall_timeout_s)"
            )
        inputs = [source for task in self.tasks.values() for source in task.merger.inputs.values()]
        mark = tuple((source.position, source.buffered) for source in inputs)
        behind = any(source.buffered or (source.end is not None and not source.is_caught_up()) for source in inputs)
        if watch.is_stalled(mark, behind=behind, now_s=time.monotonic()):
            raise SnapshotError(
                f"nothing was read for {self.stall_timeout_s:g} s although the topics hold more. Start the worker again; if "
                "it comes back, look at the broker (worker.stall_timeout_s)"
            )

    async def _on_recovered(self) -> None:
        """Called when the table holds everything that the changelog had: build the tasks of this assignment.

        Or when a rebalance cut the reading short, which Faust 0.15 takes for its end: then the next recovery has begun.
        """
        recovery = cast(Any, self.app.tables).recovery
        if recovery.signal_recovery_start.is_set() or recovery.need_recovery():
            log.info("recovery.overtaken")
            return
        await self._guard(self._build_tasks())

    async def _build_tasks(self) -> None:
        await self.ready()
        consumer = self.app.consumer
        assigned = {tp for tp in consumer.assignment() if tp.topic in self.topics.inputs}
        earliest = await consumer.earliest_offsets(*assigned) if assigned else {}
        partitions = sorted({tp.partition for tp in assigned})
        stored = self.table.data.hand_over(partitions)
        for partition in partitions:
            starts = {self.topics.inputs[tp.topic]: at for tp, at in earliest.items() if tp.partition == partition}
            self.tasks[partition] = self.make_task(partition, stored.pop(partition), starts)
        # Whoever had them before may still be writing: from here on only what follows this counts.
        async with self._flushing:
            if await self._save({partition: task.snapshot() for partition, task in self.tasks.items()}):
                self.metrics.committed(time.time())
        give_back()
        self.metrics.assigned(partitions)
        log.info("partitions.assigned", partitions=partitions)

    async def _on_revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        """Partitions go: save what they have, so that whoever gets them goes on from here."""
        if self.tasks:
            await self._guard(self.flush())
        self.tasks.clear()
        self._owed.clear()
        self._paused.clear()
        self.feeds.forget()
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
            await self._send(self.topics.dead_letters, None, dead_letter(refused))
        self.metrics.counted(progress)
        if len(self._pending) > PENDING_MAX:
            sent, self._pending = self._pending, []
            await self.outbox.acknowledged(sent)

    async def _send(self, topic: str, key: str | None, message: msgspec.Struct) -> None:
        value = msgspec.json.encode(message)
        self._pending.append(await self.outbox.send(topic, key.encode() if key else None, value, None))

    async def _write(self, partition: int, pages: Mapping[bytes, bytes | None]) -> None:
        """Pages (None: delete) into the table's changelog; `_settle` waits for them."""
        topic = self.table.changelog_topic.get_topic_name()
        for key, page in pages.items():
            self._written.append(await self.outbox.send(topic, key, page, partition))

    async def _settle(self) -> None:
        """Wait until all pages written so far are in the changelog; raises when any was refused."""
        written, self._written = self._written, []
        await self.outbox.acknowledged(written)

    def _consumer(self) -> BlockConsumer:
        consumer = self.app.consumer
        assert isinstance(consumer, BlockConsumer)
        return consumer

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work; a failure ends the worker, and nothing is taken in, saved or committed after it.

        An exception that escaped into Faust would acknowledge the block that raised it.
        """
        if self.failure or self._leaving:
            work.close()
            await asyncio.sleep(POLL_S)
            return
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self.failure:
                self.failure = str(error) if isinstance(error, SnapshotError) else f"{type(error).__name__}: {error}"
                log.exception("worker.failed", error=self.failure)
                await self.app.crash(error)
