"""Six inputs of a partition merged by reception: the order of the history, whatever the order of arrival."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch import MergedBatch
from pipeline.columns import Accept, decode_cdr, decode_thin
from pipeline.events import STREAM_RANK, Stream
from pipeline.kinds import KindTable
from pipeline.merge import Merger
from tests.fakes.pipeline_runs import MONDAY_MS, Topics, call, care, customer, invoice, order, outcome, topics_of

Key = tuple[int, int, int]
IDLE_S = 0.2
BUILDERS: dict[Stream, Callable[[int, int], dict[str, Any]]] = {
    Stream.CUSTOMERS: lambda n, ts: customer(ts),
    Stream.ORDERS: lambda n, ts: order("upgrade", n, ts),
    Stream.CARE: lambda n, ts: care("complaint", n, ts),
    Stream.BILLING: lambda n, ts: invoice(1.0, n, ts),
    Stream.CDR: call,
    Stream.OUTCOMES: lambda n, ts: outcome("return_visit", n, ts),
}
#: Few distinct times, so that ties are common; not sorted, as a topic may be.
HISTORY = st.fixed_dictionaries({stream: st.lists(st.integers(0, 12), max_size=25) for stream in Stream})


class Inputs:
    """A merger, the topics it reads, and what it has handed out."""

    def __init__(self, times: dict[Stream, list[int]], buffer_max: int = 1000) -> None:
        rows = {
            stream.value: [BUILDERS[stream](n, MONDAY_MS + ts) for n, ts in enumerate(times.get(stream, []))]
            for stream in Stream
        }
        self.topics: Topics = topics_of(**rows)
        self.merger = Merger({}, IDLE_S, buffer_max)
        self.now_s = 0.0
        self.handed: list[Key] = []
        self.until_ms = -1
        self._kinds = KindTable()

    def fetch(self, stream: Stream, records: int) -> None:
        at = self.merger.inputs[stream].position
        block = self.topics[stream].block(at, at + records)
        if not len(block):
            return
        if stream is Stream.CDR:
            self.merger.add_cdr(decode_cdr(block, self._kinds, Accept())[0], block.offsets[-1] + 1, self.now_s)
        else:
            records_in = decode_thin(stream, block, Accept())[0]
            self.merger.add_thin(stream, records_in, block.offsets[-1] + 1, self.now_s)

    def take(self) -> list[Key]:
        taken = self.merger.take(self.now_s)
        keys = keys_of(taken[0]) if taken else []
        self.handed += keys
        self.until_ms = max(self.until_ms, taken[1] if taken else -1)
        return keys

    def tell_ends(self) -> None:
        for stream, topic in self.topics.items():
            self.merger.inputs[stream].note_end(len(topic.values), self.now_s)

    def in_order(self) -> list[Key]:
        """The whole history as it is to be handed out: each topic's own order kept, times never falling within it."""
        keys = []
        for stream, topic in self.topics.items():
            latest = -1
            for offset, raw in enumerate(topic.values):
                latest = max(latest, msgspec.json.decode(raw)["ts_ms"])
                keys.append((latest, STREAM_RANK[stream], offset))
        return sorted(keys)


def keys_of(batch: MergedBatch) -> list[Key]:
    """What a batch holds, in the order of the merge."""
    rank = STREAM_RANK[Stream.CDR]
    cdr = [(ts, rank, at) for ts, at in zip(batch.cdr.received_ms.tolist(), batch.cdr.offset.tolist(), strict=True)]
    thin = [(item.received_ms, STREAM_RANK[item.stream], item.offset) for item in batch.thin]
    assert cdr == sorted(cdr)
    assert thin == sorted(thin)
    return sorted(cdr + thin)


@settings(max_examples=150, deadline=None)
@given(HISTORY, st.lists(st.tuples(st.sampled_from(Stream), st.integers(1, 25)), max_size=60))
def test_a_loaded_history_is_handed_out_in_order_however_it_is_fetched(
    times: dict[Stream, list[int]], fetches: list[tuple[Stream, int]]
) -> None:
    inputs = Inputs(times)
    for stream, records in fetches:
        inputs.fetch(stream, records)
        unfinished = [
            source.latest_ms
            for source in inputs.merger.inputs.values()
            if source.position < len(inputs.topics[source.stream].values)
        ]
        keys = inputs.take()
        assert all(key[0] <= min(unfinished) for key in keys if unfinished)
        assert_applied_is_exact(inputs)
    for stream in Stream:
        inputs.fetch(stream, 1000)
    inputs.tell_ends()
    inputs.take()
    inputs.now_s += IDLE_S
    inputs.take()
    assert inputs.handed == inputs.in_order()
    assert inputs.merger.applied() == {stream: len(topic.values) for stream, topic in inputs.topics.items()}


def assert_applied_is_exact(inputs: Inputs) -> None:
    """`applied` is for each input just behind what was handed out: never beyond it, and with nothing left out before."""
    for stream, offset in inputs.merger.applied().items():
        handed = sorted(key[2] for key in inputs.handed if key[1] == STREAM_RANK[stream])
        assert handed == list(range(offset))


def test_a_thin_topic_fetched_in_one_gulp_waits_for_the_calls() -> None:
    inputs = Inputs({stream: list(range(10)) for stream in Stream})
    for stream in Stream:
        inputs.fetch(stream, 3 if stream is Stream.CDR else 10)
    assert {key[0] - MONDAY_MS for key in inputs.take()} == {0, 1, 2}
    assert inputs.take() == []
    inputs.fetch(Stream.CDR, 7)
    assert {key[0] - MONDAY_MS for key in inputs.take()} <= set(range(2, 10))


def test_nothing_is_handed_out_before_every_input_has_told_something() -> None:
    inputs = Inputs({Stream.CDR: [1, 2], Stream.ORDERS: [1]})
    inputs.fetch(Stream.CDR, 2)
    assert inputs.take() == []
    inputs.now_s += 1000.0
    assert inputs.take() == []


def test_an_idle_input_is_waited_for_its_time_and_no_longer() -> None:
    inputs = Inputs({Stream.CDR: [1, 2, 3]})
    inputs.tell_ends()
    inputs.fetch(Stream.CDR, 2)
    inputs.now_s += IDLE_S - 0.01
    assert inputs.take() == []
    inputs.now_s += 0.02
    assert len(inputs.take()) == 2


def test_what_comes_after_a_long_rest_is_held_until_the_others_had_their_time() -> None:
    """All inputs rest; then a history is loaded: the topic that is fetched first must not run away with the clock."""
    inputs = Inputs({Stream.ORDERS: [1, 9], Stream.CDR: [2, 3]})
    for stream in Stream:
        inputs.merger.inputs[stream].note_end(0, inputs.now_s)
    inputs.now_s += 1000.0
    assert inputs.take() == []
    inputs.fetch(Stream.ORDERS, 2)
    assert inputs.take() == []
    inputs.now_s += IDLE_S / 2
    inputs.fetch(Stream.CDR, 2)
    assert inputs.take() == []
    inputs.now_s += IDLE_S
    assert [key[0] - MONDAY_MS for key in inputs.take()] == [1, 2, 3, 9]


def test_an_input_with_a_new_record_is_waited_for_again() -> None:
    inputs = Inputs({Stream.CDR: [5, 20], Stream.ORDERS: [10]})
    for stream in Stream:
        if stream is not Stream.CDR:
            inputs.merger.inputs[stream].note_end(0, inputs.now_s)
    inputs.now_s += 1.0
    inputs.fetch(Stream.CDR, 2)
    inputs.now_s += 1.0
    inputs.fetch(Stream.ORDERS, 1)
    assert [key[0] - MONDAY_MS for key in inputs.take()] == [5, 10]
    inputs.now_s += IDLE_S
    assert [key[0] - MONDAY_MS for key in inputs.take()] == [20]


def test_an_input_that_has_more_to_fetch_is_never_idle() -> None:
    inputs = Inputs({Stream.CDR: [1, 2, 3], Stream.CARE: [1, 5]})
    inputs.tell_ends()
    inputs.fetch(Stream.CDR, 2)
    inputs.fetch(Stream.CARE, 2)
    inputs.now_s += 1000.0
    assert [key[0] - MONDAY_MS for key in inputs.take()] == [1, 1, 2]
    inputs.fetch(Stream.CDR, 1)
    inputs.now_s += IDLE_S
    assert [key[0] - MONDAY_MS for key in inputs.take()] == [3, 5]


def test_more_records_of_one_millisecond_than_a_buffer_holds_pass() -> None:
    """A file received at once: every record has the same reception time."""
    inputs = Inputs({Stream.CDR: [5] * 100, Stream.BILLING: [5] * 100, Stream.CARE: [9]}, buffer_max=10)
    ends = {stream: len(topic.values) for stream, topic in inputs.topics.items()}
    for _ in range(100):
        for stream in Stream:
            if not inputs.merger.is_full(stream):
                inputs.fetch(stream, 10)
            inputs.merger.inputs[stream].note_end(ends[stream], inputs.now_s)
            assert inputs.merger.inputs[stream].buffered < 20
        inputs.now_s += IDLE_S
        inputs.take()
    assert inputs.handed == inputs.in_order()


@pytest.mark.parametrize("stream", [Stream.CDR, Stream.CARE])
def test_a_full_buffer_says_so_and_has_room_again_when_half_is_taken(stream: Stream) -> None:
    inputs = Inputs({stream: list(range(12)), Stream.ORDERS: [4, 11]}, buffer_max=10)
    ends = {each: len(topic.values) for each, topic in inputs.topics.items()}
    for each, end in ends.items():
        inputs.merger.inputs[each].note_end(end, inputs.now_s)
    inputs.fetch(stream, 9)
    assert not inputs.merger.is_full(stream)
    inputs.fetch(stream, 1)
    assert inputs.merger.is_full(stream)
    assert not inputs.merger.has_room(stream)
    inputs.fetch(Stream.ORDERS, 1)
    inputs.now_s += IDLE_S
    inputs.take()
    assert inputs.merger.inputs[stream].buffered in {5, 6}
    inputs.fetch(Stream.ORDERS, 1)
    inputs.now_s += IDLE_S
    inputs.take()
    assert inputs.merger.has_room(stream)


def test_a_straggler_is_handed_out_and_time_does_not_go_back() -> None:
    inputs = Inputs({Stream.CDR: [10], Stream.ORDERS: [3]})
    inputs.merger.inputs[Stream.ORDERS].note_end(0, inputs.now_s)
    for stream in Stream:
        if stream is not Stream.ORDERS:
            inputs.merger.inputs[stream].note_end(len(inputs.topics[stream].values), inputs.now_s)
    inputs.fetch(Stream.CDR, 1)
    inputs.now_s += IDLE_S
    assert len(inputs.take()) == 1
    assert inputs.until_ms == MONDAY_MS + 10
    inputs.fetch(Stream.ORDERS, 1)
    inputs.now_s += IDLE_S
    taken = inputs.merger.take(inputs.now_s)
    assert taken is not None
    assert [item.received_ms for item in taken[0].thin] == [MONDAY_MS + 3]
    assert taken[1] == MONDAY_MS + 10


def test_refused_records_at_the_end_count_as_applied() -> None:
    merger = Merger({}, IDLE_S, 10)
    merger.add_thin(Stream.CARE, [], 7, 0.0)
    assert merger.applied()[Stream.CARE] == 7
