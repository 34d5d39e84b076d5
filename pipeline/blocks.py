"""A Faust transport that hands an agent a whole fetch of a partition as one event.

Faust's cost is per stream event, about 70 microseconds; a fetch holds thousands of records. Topics named in
`BlockConsumer.block_topics` arrive as `RawBlock`s; all others (changelogs above all) record by record as ever.

What agents acknowledge commits nothing: `commit_durable` does, up to where the state is safe.
Everything here that starts with an underscore in Faust is private to Faust 0.15: tests/integration/test_blocks.py tells
when an upgrade breaks it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import faust
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, RebalanceInProgressError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, AppT, ConsumerMessage, Message

from pipeline.columns import RawBlock
from pipeline.whole_fetch import BlockThread

log = structlog.get_logger()

#: Blocks that may wait for the agent; with 1 MiB a fetch this bounds the queue's memory.
QUEUE_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class Fetched:
    """One fetch of a partition, and after which seek it was asked for: see `BlockConsumer.is_current`."""

    block: RawBlock
    epoch: int


class BlockConsumer(Consumer):
    """Faust's consumer with blocks, committed when their state is durable."""

    #: Topics whose fetches are handed over whole.
    block_topics: ClassVar[frozenset[str]] = frozenset()
    #: Where a partition should start instead of its committed offset, when the state knows better.
    start_offset: ClassVar[Callable[[TP], int | None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Odd until all partitions stand where their state does, even from then on; never the same again.
        self.epoch = 1
        self._one_move = asyncio.Lock()
        #: Where recovery last put the changelogs, and how often it began or ended to do so.
        self._changelog_starts: dict[TP, int] = {}
        self._changelog_seeks = 0

    def _new_consumer_thread(self) -> BlockThread:
        thread = BlockThread(self, loop=self.loop, beacon=self.beacon)
        thread.block_topics = self.block_topics
        return thread

    def is_current(self, fetched: Fetched) -> bool:
        """Whether this follows what was fetched before it, without a hole.

        What was asked for before a seek may be of before or after it; what is left of an older assignment lies in queues.
        """
        return fetched.epoch == self.epoch and self.epoch % 2 == 0

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """One message a partition and fetch for block topics, one a record for the others."""
        epoch, seeks = self.epoch, self._changelog_seeks
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        if epoch != self.epoch and self.epoch % 2 == 0 and any(place.topic in self.block_topics for place in records):
            await self._seek_again()
        if seeks != self._changelog_seeks and (places := self._changelogs_among(records)):
            await self.seek_wait({tp: self._changelog_starts[tp] for tp in places})
            records = {place: fetched for place, fetched in records.items() if place not in places}
        for place, fetched in records.items():
            tp = TP(place.topic, place.partition)
            for message in self._messages(tp, fetched, epoch):
                if self._is_stale(generation):
                    return
                if tp.topic in self.block_topics:
                    # Handed over even if the agent paused the partition since: what is fetched is fetched, and a dropped
                    # block would be a hole in the state, because nobody seeks back.
                    # Else the drain loop takes the records inside the block for a gap in the log.
                    self._read_offset[tp] = message.offset
                elif active is not None and tp not in active:
                    break
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                yield tp, message

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Put changelogs where recovery begins to read.

        A fetch that was under way may bring records of before or after: they are dropped and read again, or recovery would
        take the first it sees for the last it knows, and skip what lies between.
        """
        self._changelog_seeks += 1
        self._changelog_starts.update({TP(tp.topic, tp.partition): offset for tp, offset in partitions.items()})
        await super().seek_wait(partitions)
        self._changelog_seeks += 1

    def _changelogs_among(self, records: Iterable[TP]) -> set[TP]:
        return {TP(place.topic, place.partition) for place in records} & self._changelog_starts.keys()

    def _is_stale(self, generation: int) -> bool:
        """Whether the flow was stopped, or the group changed, since the fetch."""
        return not self.flow_active or self.app.consumer_generation_id != generation

    async def _seek_back(self) -> None:
        """What was fetched while the flow stood still is not handed over: read it again."""
        try:
            async with self._one_move:
                await self._seek_to_state()
        except (TimeoutError, KafkaError) as error:
            # A rebalance is going on; it ends with a seek of its own.
            log.info("seek.postponed", problem=str(error))

    async def _seek_again(self) -> None:
        """Partitions were moved while records were on their way: whatever those are, read on from the state."""
        async with self._moving():
            await self._seek_blocks(self.assignment())

    @asynccontextmanager
    async def _moving(self) -> AsyncIterator[None]:
        """While partitions are moved nothing is current; after it, unless a rebalance began meanwhile, it is.

        Nothing is as long as the state of a partition is not there, either: a recovery that was cut short ends with a seek.
        """
        async with self._one_move:
            self._nothing_current()
            moved = self.epoch
            yield
            mine = [tp for tp in self.assignment() if tp.topic in self.block_topics]
            if self.epoch == moved and all(type(self).start_offset(tp) is not None for tp in mine):
                self.epoch += 1

    def _nothing_current(self) -> None:
        self.epoch += 1 + self.epoch % 2

    async def _seek_to_state(self) -> None:
        await super().perform_seek()
        await self._seek_blocks(self.assignment())

    async def _seek_blocks(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            offset = type(self).start_offset(tp) if tp.topic in self.block_topics else None
            if offset is not None:
                await self.seek(tp, offset)

    def _messages(self, tp: TP, fetched: list[Any], epoch: int) -> list[Message]:
        if tp.topic not in self.block_topics:
            return [self._to_message(tp, record) for record in fetched]
        if epoch != self.epoch or epoch % 2:
            return []
        return [self._to_block(tp, block, epoch) for block in fetched]

    def _to_block(self, tp: TP, block: RawBlock, epoch: int) -> Message:
        arrived_s = (block.arrived_ms or 0) / 1000.0
        return ConsumerMessage(
            tp.topic, tp.partition, block.offsets[-1], arrived_s, 0, None, None,
            cast(Any, Fetched(block, epoch)), None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.block_topics:
            return super()._new_offset(tp)
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return None

    async def commit_durable(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets before which everything is in the saved state; whether the group still counts us in.

        True proves that at this moment the partitions were ours. Waits while the broker is away.
        """
        mine = {tp: offset for tp, offset in offsets.items() if tp in self.assignment()}
        if len(mine) < len(offsets):
            return False
        agreed: bool = await self._thread.call_thread(self._commit_in_thread, mine)
        return agreed

    async def _commit_in_thread(self, offsets: Mapping[TP, int]) -> bool:
        thread = self._thread
        try:
            await thread._ensure_consumer().commit(
                {
                    TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
                    for tp, offset in offsets.items()
                }
            )
        except (CommitFailedError, RebalanceInProgressError, IllegalStateError) as error:
            log.info("commit.refused", problem=type(error).__name__)
            return False
        # Faust complains of partitions that are never committed.
        thread.tp_last_committed_at.update(dict.fromkeys(offsets, time.monotonic()))
        return True

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, or to where the restored state says it stands."""
        async with self._moving():
            await self._seek_to_state()

    def stop_flow(self) -> None:
        """A rebalance begins (or the end): whatever comes until the next seek belongs to nobody."""
        self._nothing_current()
        super().stop_flow()

    def on_buffer_full(self, tp: TP) -> None:
        """Block topics have small queues on purpose; a full one only makes the fetcher wait."""
        if tp.topic not in self.block_topics:
            super().on_buffer_full(tp)


class BlockTransport(Transport):
    """Faust's transport with `BlockConsumer`."""

    Consumer: ClassVar[type[Any]] = BlockConsumer


class BlockSchema(faust.Schema[Any, Any]):
    """Leaves keys and values as they came: bytes for records, a `RawBlock` for blocks."""

    def compile(self, app: AppT, **_: Any) -> Any:
        """A decoder that cannot fail: a record Faust cannot decode would stop its agent for seconds and be lost."""
        create_event = app.create_event

        async def decode(message: Message, **_: Any) -> Any:
            return create_event(message.key, message.value, message.headers, message)

        return decode


def block_transport(app: AppT, topics: frozenset[str], start_offset: Callable[[TP], int | None]) -> BlockTransport:
    """A transport for this app that delivers these topics as blocks."""
    consumer = type(
        "AppBlockConsumer", (BlockConsumer,), {"block_topics": topics, "start_offset": staticmethod(start_offset)}
    )
    transport = type("AppBlockTransport", (BlockTransport,), {"Consumer": consumer})
    made: BlockTransport = transport(app.conf.broker_consumer, app)
    return made


__all__ = ["QUEUE_BLOCKS", "BlockConsumer", "BlockSchema", "BlockTransport", "block_transport"]
