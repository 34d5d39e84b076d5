"""A Faust transport that hands an agent a whole fetch of a partition as one event.

Faust's cost is per stream event, about 70 microseconds; a fetch holds thousands of records. Topics named in
`BlockConsumer.block_topics` arrive as `RawBlock`s; all others (changelogs above all) record by record as ever.

What is committed is not what agents acknowledged but what `durable` says: the offset up to which the state is safe.
Everything here that starts with an underscore in Faust is private to Faust 0.15: tests/integration/test_blocks.py tells
when an upgrade breaks it.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, ClassVar, cast

import faust
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, AppT, ConsumerMessage, Message

from pipeline.columns import RawBlock

#: Blocks that may wait for the agent; with 1 MiB a fetch this bounds the queue's memory.
QUEUE_BLOCKS = 8


class BlockConsumer(Consumer):
    """Faust's consumer with blocks and commits by `durable`."""

    #: Topics whose fetches are handed over whole.
    block_topics: ClassVar[frozenset[str]] = frozenset()
    #: Where a partition should start instead of its committed offset, when the state knows better.
    start_offset: ClassVar[Callable[[TP], int | None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Next offset to read after a restart, by partition: everything before it is in the saved state.
        self.durable: dict[TP, int] = {}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """One message a partition and fetch for block topics, one a record for the others."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for tp, fetched in records.items():
            for message in self._messages(tp, fetched):
                if not self.flow_active or self.app.consumer_generation_id != generation:
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

    def _messages(self, tp: TP, fetched: list[Any]) -> list[Message]:
        if tp.topic not in self.block_topics:
            return [self._to_message(tp, record) for record in fetched]
        return [self._to_block(tp, fetched)] if fetched else []

    def _to_block(self, tp: TP, fetched: list[Any]) -> Message:
        block = RawBlock(
            offsets=[record.offset for record in fetched],
            keys=[record.key for record in fetched],
            values=[record.value for record in fetched],
        )
        last = fetched[-1]
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000.0, last.timestamp_type, None, None, cast(Any, block),
            None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.block_topics:
            return super()._new_offset(tp)
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.durable.get(tp)

    async def force_commit_of(self, topics: Iterable[str]) -> None:
        """Commit what is durable of these topics now, whether or not an agent acknowledged anything since."""
        for tp in self.assignment():
            if tp.topic in topics and tp in self.durable:
                # A partition without acknowledgements would not be looked at.
                self._acked.setdefault(tp, [])
        await self.force_commit(set(topics))

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, or to where the restored state says it stands."""
        await super().perform_seek()
        for tp in self.assignment():
            offset = type(self).start_offset(tp) if tp.topic in self.block_topics else None
            if offset is not None:
                await self.seek(tp, offset)

    def on_buffer_full(self, tp: TP) -> None:
        """Block topics have small queues on purpose; a full one only makes the fetcher wait."""
        if tp.topic not in self.block_topics:
            super().on_buffer_full(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was durable once the application has let go of its partitions."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.durable.pop(tp, None)


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
