"""What one fetch brought of a partition, as one block: offsets, keys and values, without an object of Python's a record.

aiokafka makes a frozen dataclass of each record, which is two thirds of what fetching costs (docs/performance.md). Here the
record batches are unpacked by aiokafka's compiled reader straight into columns. Everything with an underscore is private to
aiokafka 0.14: tests/unit/pipeline/test_whole_fetch.py and tests/integration/test_blocks.py tell when an upgrade breaks it.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from pipeline.columns import RawBlock

#: How long the broker may hold back an answer that has nothing to tell: while somebody waits for it, and while blocks are on
#: their way to the agent. One fetch at a time is under way; one that asks only for topics without news, because blocks of the
#: others are still here, must not keep those waiting when they are gone.
WAIT_MS, HURRY_MS = 500, 50


class WholeFetch:
    """Stands in for aiokafka's `PartitionRecords`: iterating gives one `RawBlock` of all its records, or nothing.

    `next_fetch_offset`: where the next fetch goes on, as aiokafka asks before and after the iteration.
    """

    def __init__(self, records: PartitionRecords) -> None:
        self.next_fetch_offset: int = records.next_fetch_offset
        self._batches = records._records
        self._partition = records._tp

    def __iter__(self) -> Iterator[RawBlock]:
        """The block; control batches of transactions are passed over.

        Raises:
            CorruptRecordException: a batch's checksum is wrong; iterated once more it gives nothing, and the next fetch
                brings the batch again.
        """
        records: list[Any] = []
        parts: list[Sequence[int]] = []
        while self._batches.has_next():
            batch = self._batches.next_batch()
            if not batch.validate_crc():
                raise CorruptRecordException(f"a batch of {self._partition} after {self.next_fetch_offset} is damaged")
            if not batch.is_control_batch:
                fetched, offsets = _from_offset(batch, self.next_fetch_offset)
                records += fetched
                parts.append(offsets)
            # Compaction may have taken the last records of a batch: its end counts.
            self.next_fetch_offset = max(self.next_fetch_offset, batch.next_offset)
        if records:
            yield RawBlock(
                offsets=_joined(parts),
                keys=[record.key for record in records],
                values=[record.value for record in records],
                arrived_ms=records[-1].timestamp,
            )


class BlockThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, whose fetches of block topics are `RawBlock`s: a list of one, or none, a partition."""

    block_topics: Collection[str] = ()

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[Any],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> dict[Any, list[Any]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            fetched = await self._drain(fetcher, active_partitions, max_records)
            if not fetched and timeout:
                fetcher._fetch_max_wait_ms = WAIT_MS
                if await _arrival(fetcher, timeout):
                    fetched = await self._drain(fetcher, active_partitions, max_records)
            if fetched:
                fetcher._fetch_max_wait_ms = HURRY_MS
            return fetched

    async def _drain(
        self, fetcher: Fetcher, active_partitions: set[Any], max_records: int | None
    ) -> dict[Any, list[Any]]:
        """What has been fetched so far."""
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        for place, result in fetcher._records.items():
            if place.topic in self.block_topics and isinstance(result, FetchResult):
                _make_whole(result)
        drained: dict[Any, list[Any]] = await fetcher.fetched_records(
            active_partitions, timeout=0, max_records=max_records
        )
        return drained


async def _arrival(fetcher: Fetcher, timeout_s: float) -> bool:
    """Wait until something was fetched, or failed; whether it was in time."""
    waiter = fetcher._create_fetch_waiter()
    done, _ = await asyncio.wait([waiter], timeout=timeout_s)
    if not done:
        waiter.cancel()
        return False
    waiter.result()
    return not fetcher._closed


def _make_whole(result: FetchResult) -> None:
    if isinstance(result._partition_records, PartitionRecords):
        result._partition_records = WholeFetch(result._partition_records)


def _from_offset(batch: Iterable[Any], start: int) -> tuple[list[Any], Sequence[int]]:
    """Records of a batch at `start` and after it, and their offsets: a range unless compaction left holes."""
    records = list(batch)
    if records and records[0].offset < start:
        records = [record for record in records if record.offset >= start]
    if not records:
        return [], ()
    first, last = records[0].offset, records[-1].offset
    if last - first + 1 == len(records):
        return records, range(first, last + 1)
    return records, [record.offset for record in records]


def _joined(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """Offsets of several batches, as a range where no offset is missing."""
    filled = [part for part in parts if part]
    first, count = filled[0][0], sum(map(len, filled))
    if filled[-1][-1] - first + 1 == count:
        return range(first, first + count)
    return [offset for part in filled for offset in part]
