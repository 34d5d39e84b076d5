"""A fetch of a partition as one block is what aiokafka would have given record by record, through aiokafka's own reader."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns import RawBlock
from pipeline.whole_fetch import HURRY_MS, WAIT_MS, BlockThread, WholeFetch

PLACE = TopicPartition("cdr", 3)
GZIP = 1
#: Of a record batch, in its attributes (Kafka protocol guide, "Record Batch").
ATTRIBUTES_AT, CONTROL = 22, 0x20


def batch(base: int, records: list[tuple[int, bytes | None, bytes | None]], compression: int = 0) -> bytes:
    """A record batch: offsets relative to `base`, keys, values; time stamps are the offsets."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=compression, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0,
        batch_size=1 << 20,
    )  # fmt: skip
    for offset, key, value in records:
        assert builder.append(offset, timestamp=base + offset, key=key, value=value, headers=[]) is not None
    built = bytearray(builder.build())
    built[:8] = base.to_bytes(8, "big")
    return bytes(built)


def fetched(raw: bytes, start: int) -> PartitionRecords:
    """What aiokafka makes of an answer to a fetch from `start`."""
    return PartitionRecords(PLACE, MemoryRecords(raw), [], start, None, None, True, 0)


def one_by_one(raw: bytes, start: int) -> tuple[list[tuple[int, bytes | None, bytes | None]], int]:
    """Records as aiokafka gives them, and where it would go on."""
    records = fetched(raw, start)
    return [(record.offset, record.key, record.value) for record in records], records.next_fetch_offset


def as_block(raw: bytes, start: int) -> tuple[list[tuple[int, bytes | None, bytes | None]], int]:
    """The same of the whole fetch."""
    whole = WholeFetch(fetched(raw, start))
    blocks = list(whole)
    assert len(blocks) <= 1
    assert list(whole) == []
    rows = [row for block in blocks for row in zip(block.offsets, block.keys or (), block.values, strict=True)]
    return rows, whole.next_fetch_offset


PAYLOADS = st.one_of(st.none(), st.binary(max_size=20))
#: Batches: the gap before each, and its records with the gap that compaction left before each.
BATCHES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 5]), PAYLOADS, PAYLOADS), min_size=1, max_size=8),
        st.sampled_from([0, GZIP]),
    ),
    min_size=1,
    max_size=5,
)


@given(batches=BATCHES, share=st.floats(0.0, 1.0))
def test_a_whole_fetch_is_what_aiokafka_gives_record_by_record(batches: list[Any], share: float) -> None:
    raw, base, first_ends = b"", 100, 0
    for gap, records, compression in batches:
        offset, placed = 0, []
        for hole, key, value in records:
            offset += hole
            placed.append((offset, key, value))
            offset += 1
        raw += batch(base + gap, placed, compression)
        base += gap + offset
        first_ends = first_ends or base
    # A broker's answer begins with the batch that holds the offset asked for.
    start = 100 + int(share * (first_ends - 1 - 100))
    assert as_block(raw, start) == one_by_one(raw, start)


def test_offsets_without_holes_are_a_range_and_the_newest_record_tells_when_the_fetch_arrived() -> None:
    raw = batch(7, [(0, b"k", b"a"), (1, b"k", b"b")]) + batch(9, [(0, b"k", b"c")])
    (block,) = WholeFetch(fetched(raw, 8))
    assert (block.offsets, block.values, block.arrived_ms) == (range(8, 10), [b"b", b"c"], 9)


def test_a_control_batch_is_passed_over() -> None:
    control = bytearray(batch(8, [(0, b"\x00\x00\x00\x00", b"")]))
    control[ATTRIBUTES_AT] |= CONTROL
    raw = batch(7, [(0, b"k", b"a")]) + _with_checksum(control) + batch(9, [(0, b"k", b"c")])
    assert as_block(raw, 7) == one_by_one(raw, 7) == ([(7, b"k", b"a"), (9, b"k", b"c")], 10)


def test_a_damaged_batch_is_told_and_read_again() -> None:
    raw = bytearray(batch(7, [(0, b"k", b"a")]) + batch(8, [(0, b"k", b"b")]))
    raw[-1] ^= 1
    whole = WholeFetch(fetched(bytes(raw), 7))
    with pytest.raises(CorruptRecordException, match="cdr"):
        list(whole)
    assert list(whole) == []


def test_aiokafka_takes_a_whole_fetch_for_its_own_records() -> None:
    raw = batch(7, [(0, b"k", b"a"), (1, b"k", b"b")])
    state = SimpleNamespace(paused=False, position=7)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = cast(Any, SimpleNamespace(active=True, state_value=lambda _: state))
    result = FetchResult(
        PLACE, assignment=assignment, partition_records=cast(Any, WholeFetch(fetched(raw, 7))), backoff=0
    )
    (block,) = result.getall()
    assert isinstance(block, RawBlock)
    assert (list(block.offsets), state.position, result.has_more()) == ([7, 8], 9, False)


class FetcherWithNews:
    """aiokafka's fetcher as far as `BlockThread` asks it; `news` comes when somebody waits for it."""

    def __init__(self, news: list[bytes]) -> None:
        self._news = news
        self._here: dict[str, list[bytes]] = {}
        self._records: dict[Any, Any] = {}
        self._closed = False
        self._subscriptions = SimpleNamespace(fetch_context=nullcontext, reassignment_in_progress=None)
        self._fetch_max_wait_ms = 0
        self.waits_ms: list[int] = []

    async def fetched_records(self, *_: Any, **__: Any) -> dict[str, list[bytes]]:
        here, self._here = self._here, {}
        return here

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        self.waits_ms.append(self._fetch_max_wait_ms)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._news:
            self._here = {"cdr": [self._news.pop()]}
            waiter.set_result(None)
        return waiter


def test_the_broker_may_hold_back_an_empty_answer_only_while_nothing_else_is_to_be_done() -> None:
    thread = BlockThread.__new__(BlockThread)
    thread.consumer = cast(Any, SimpleNamespace(flow_active=True))
    fetcher = FetcherWithNews([b"block"])
    consumer = cast(Any, SimpleNamespace(_fetcher=fetcher, _closed=False))

    def fetch() -> dict[Any, list[Any]]:
        return asyncio.run(thread._fetch_records(consumer, set(), timeout=0.01))

    assert (fetch(), fetcher._fetch_max_wait_ms) == ({"cdr": [b"block"]}, HURRY_MS)
    assert (fetch(), fetcher._fetch_max_wait_ms) == ({}, WAIT_MS)
    assert fetcher.waits_ms == [WAIT_MS, WAIT_MS]


def _with_checksum(raw: bytearray) -> bytes:
    """The same batch with the checksum that fits (CRC-32C of everything from the attributes on)."""
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)
