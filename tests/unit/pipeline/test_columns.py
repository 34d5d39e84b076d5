"""Blocks into columns: what is good is taken, what is bad is refused, nothing else is lost."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import columns as columns_module
from pipeline.columns import Accept, CdrColumns, RawBlock, Refused, concat, decode_cdr, decode_thin, empty_cdr
from pipeline.events import RefusalReason, Stream, Volume
from pipeline.kinds import KIND_FACTS, REMEMBERED_MAX, RIVAL_PLACES, KindTable
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, block_of, call, care, customer, invoice, order, outcome

Damage = Callable[[bytes, random.Random], bytes]
BAD_RECORDS = 100_000
#: The first of the damages spoil a record of any stream.
DAMAGES_OF_ANY = 7


def _replace(old: bytes, new: bytes) -> Damage:
    return lambda raw, _: raw.replace(old, new, 1)


DAMAGES: list[Damage] = [
    lambda raw, dice: raw[: dice.randrange(1, len(raw))],
    lambda raw, dice: raw[dice.randrange(1, len(raw)) :],
    lambda raw, _: raw + b"}",
    lambda raw, _: raw + raw,
    lambda raw, _: b"[" + raw + b"]",
    lambda raw, _: raw.decode().encode("utf-16"),
    lambda _raw, dice: dice.randbytes(dice.randrange(0, 60)),
    _replace(b'"duration_s":', b'"duration_s":-1'),
    _replace(b'"duration_s":', b'"duration_s":1e999,"x":'),
    _replace(b'"charge":', b'"charge":NaN,"x":'),
    _replace(b'"ts_ms":', b'"ts_ms":99999999999999999999'),
    _replace(b'"ts_ms":', b'"ts_ms":"x","x":'),
    _replace(b'"voice"', b'"telex"'),
    _replace(b'"mo"', b'"\xff"'),
    _replace(b'"roaming":false', b'"roaming":0'),
    _replace(b'"line_id"', b'"line"'),
    _replace(b'"a1-1"', b'""'),
    _replace(b"}", b',"deep":' + b"[" * 3000 + b"}"),
    _replace(b'"record_id":"', b'"record_id":"a\n'),
    _replace(b'"peer_operator":"self"', b'"peer_operator":null'),
]


def decoded(
    values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None
) -> tuple[CdrColumns, list[Refused]]:
    return decode_cdr(block_of(values, keys=keys), KindTable(), Accept())


def raw_call(number: int, **changes: Any) -> bytes:
    return msgspec.json.encode(call(number, **changes))


def test_among_a_hundred_thousand_bad_records_exactly_the_good_ones_become_columns() -> None:
    dice = random.Random(11)
    kinds = KindTable()
    made = bad = 0
    while bad < BAD_RECORDS:
        bad_share = dice.choice([0.0, 0.001, 0.3, 1.0, 1.0])
        good: list[int] = []
        values: list[bytes] = []
        for place in range(1000):
            raw = raw_call(made + place)
            if dice.random() < bad_share:
                values.append(dice.choice(DAMAGES)(raw, dice))
            else:
                values.append(raw)
                good.append(place)
        columns, refused = decode_cdr(block_of(values), kinds, Accept())
        assert columns.offset.tolist() == good
        assert sorted(item.offset for item in refused) == sorted(set(range(1000)) - set(good))
        assert all(item.raw == values[item.offset] for item in refused)
        made, bad = made + 1000, bad + len(refused)


@pytest.mark.parametrize("stream", [stream for stream in Stream if stream is not Stream.CDR])
def test_among_bad_records_of_a_thin_stream_exactly_the_good_ones_are_taken(stream: Stream) -> None:
    dice = random.Random(12)
    sound = {
        Stream.CUSTOMERS: customer(), Stream.ORDERS: order("termination"), Stream.CARE: care("complaint"),
        Stream.BILLING: invoice(10.0), Stream.OUTCOMES: outcome("disposition", disposition="reached_saved"),
    }[stream]  # fmt: skip
    raw = msgspec.json.encode(sound)
    values = [dice.choice(DAMAGES[:DAMAGES_OF_ANY])(raw, dice) if dice.random() < 0.9 else raw for _ in range(5_000)]
    taken, refused = decode_thin(stream, block_of(values), Accept())
    assert [record.offset for record in taken] == [place for place, value in enumerate(values) if value == raw]
    assert [item.offset for item in refused] == [place for place, value in enumerate(values) if value != raw]


ADVERSARIAL_SPLITS: list[list[bytes]] = [
    [raw_call(1) + b" " + raw_call(2), b"   "],
    [raw_call(1) + raw_call(2), b"\t"],
    [raw_call(1)[:30], raw_call(1)[30:], raw_call(2) + raw_call(3)],
    [raw_call(1)[:-1] + b',"x":{}', b',"y":{}}', raw_call(2) + b" " + raw_call(3)],
    [raw_call(1)[:-1] + b',"x":"}', b'{"}', raw_call(2) + raw_call(3)],
    [raw_call(1) + b"\n", raw_call(2)],
    [b"\n" + raw_call(1), raw_call(2)],
    [raw_call(1).replace(b",", b",\n"), raw_call(2)],
    [raw_call(1) + b"\n" + raw_call(2), b""],
    [raw_call(1) + b"\r", b"\r" + raw_call(2) + raw_call(3), b"\r"],
]


@pytest.mark.parametrize("values", ADVERSARIAL_SPLITS, ids=range(len(ADVERSARIAL_SPLITS)))
def test_decoding_together_equals_decoding_one_by_one_however_values_are_split(
    values: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_joined_equals_single(values, monkeypatch)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                raw_call(1),
                raw_call(2),
                raw_call(3)[:40],
                raw_call(3)[40:],
                b"{",
                b"}",
                b" ",
                b"\n",
                b"\r\n",
                b'"',
                b",",
                b"{}",
            ]
        ),
        min_size=1,
        max_size=8,
    ),
    st.data(),
)
def test_decoding_together_equals_decoding_one_by_one_for_any_pieces(pieces: list[bytes], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pieces)), max_size=4)))
    edges = [0, *cuts, len(pieces)]
    values = [b"".join(pieces[start:stop]) for start, stop in pairwise(edges)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert_joined_equals_single(values, monkeypatch)


def assert_joined_equals_single(values: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    together, refused_together = decoded(values)
    monkeypatch.setattr(columns_module, "_decode_joined", lambda *_: None)
    singly, refused_singly = decoded(values)
    assert together.offset.tolist() == singly.offset.tolist()
    assert together.record_hash.tolist() == singly.record_hash.tolist()
    assert refused_together == refused_singly


def test_good_blocks_are_decoded_together() -> None:
    values = [raw_call(number) for number in range(50)]
    taken = columns_module._decode_joined(values, 1_000_000)
    assert taken is not None
    assert [record.record_id for record in taken] == [f"c{number}" for number in range(50)]


@pytest.mark.parametrize("key", [None, b"", b"a2", b"A1", b"a1 ", "a1".encode("utf-16")])
def test_a_record_under_a_wrong_key_is_refused_and_the_others_are_taken(key: bytes | None) -> None:
    columns, refused = decoded([raw_call(1), raw_call(2), raw_call(3)], [b"a1", key, b"a1"])
    assert columns.offset.tolist() == [0, 2]
    assert [(item.offset, item.refusal.reason) for item in refused] == [(1, RefusalReason.WRONG_KEY)]
    thin, refused = decode_thin(Stream.BILLING, block_of([msgspec.json.encode(invoice(5.0))], keys=[key]), Accept())
    assert not thin
    assert refused[0].refusal.reason is RefusalReason.WRONG_KEY


def test_a_block_of_nothing_but_garbage_gives_refusals_only() -> None:
    columns, refused = decoded([b"\x00", None, b"garbage", b"{}"])
    assert len(columns) == 0
    assert [item.raw for item in refused] == [b"\x00", b"", b"garbage", b"{}"]


def test_an_empty_block_gives_nothing() -> None:
    columns, refused = decoded([])
    assert len(columns) == 0
    assert not refused


def test_records_too_old_or_from_the_future_are_refused_to_the_millisecond() -> None:
    accept = Accept(retention_ms=90 * DAY_MS, future_ms=DAY_MS)
    received = MONDAY_MS
    happened = [received - 90 * DAY_MS, received - 90 * DAY_MS - 1, received + DAY_MS, received + DAY_MS + 1]
    values = [raw_call(place, ts_ms=ts, received_ms=received) for place, ts in enumerate(happened)]
    columns, refused = decode_cdr(block_of(values), KindTable(), accept)
    assert columns.offset.tolist() == [0, 2]
    assert [item.refusal.reason for item in refused] == [RefusalReason.TOO_OLD, RefusalReason.FROM_THE_FUTURE]
    thin_values = [
        msgspec.json.encode(invoice(1.0, place, ts_ms=ts, received_ms=received)) for place, ts in enumerate(happened)
    ]
    thin, refused = decode_thin(Stream.BILLING, block_of(thin_values), accept)
    assert [record.offset for record in thin] == [0, 2]
    assert [item.raw for item in refused] == [thin_values[1], thin_values[3]]


def test_reference_data_may_be_of_any_age() -> None:
    value = msgspec.json.encode(customer(ts_ms=0, received_ms=MONDAY_MS))
    thin, refused = decode_thin(Stream.CUSTOMERS, block_of([value]), Accept())
    assert [record.received_ms for record in thin] == [MONDAY_MS]
    assert not refused


def test_columns_hold_what_the_records_say() -> None:
    value = raw_call(
        7, received_ms=MONDAY_MS + 5, bytes_up=1_500_000, bytes_down=500_000, session_id="s", duration_s=90
    )
    columns, _ = decoded([raw_call(6), value])
    assert columns.received_ms.tolist() == [MONDAY_MS, MONDAY_MS + 5]
    assert columns.megabytes.tolist() == [0.0, 2.0]
    assert columns.duration_s.tolist() == [60.0, 90.0]
    assert columns.session_hash[0] == 0
    assert columns.session_hash[1] != 0
    assert msgspec.convert(2**53, Volume) == 2**53


def test_cutting_and_joining_columns_changes_nothing() -> None:
    columns, _ = decoded([raw_call(number) for number in range(9)])
    joined = concat([columns.part(0, 4), empty_cdr(), columns.part(4, 9)])
    for name in CdrColumns.__dataclass_fields__:
        assert list(getattr(joined, name)) == list(getattr(columns, name))
    assert columns.rows(np.array([8, 0])).offset.tolist() == [8, 0]


def test_operators_that_are_free_text_stop_nothing_and_fill_no_memory() -> None:
    kinds = KindTable()
    numbers = {
        kinds.code(("voice", "mo", f"text-{n}", "subscriber", False, False)) for n in range(REMEMBERED_MAX + 1000)
    }
    assert len(numbers) == RIVAL_PLACES
    assert len(kinds.codes) == REMEMBERED_MAX
    own = kinds.code(("voice", "mo", "self", "subscriber", False, False))
    facts = dict(zip(KIND_FACTS, kinds.facts[own].tolist(), strict=True))
    assert (facts["voice_out"], facts["to_own_network"], facts["to_rival"]) == (1, 1, 0)


def test_a_block_keeps_offsets_with_gaps() -> None:
    block = RawBlock([3, 7, 1000], [b"a1"] * 3, [raw_call(1), b"bad", raw_call(2)])
    columns, refused = decode_cdr(block, KindTable(), Accept())
    assert columns.offset.tolist() == [3, 1000]
    assert [item.offset for item in refused] == [7]


def test_a_reception_ahead_of_the_brokers_clock_is_refused_since_it_would_move_everybodys_time() -> None:
    now_ms = MONDAY_MS + 40 * DAY_MS
    calls = [raw_call(1, ts_ms=now_ms), raw_call(2, ts_ms=now_ms + 2 * DAY_MS)]
    block = RawBlock([0, 1], [b"a1", b"a1"], calls, arrived_ms=now_ms)
    columns, refused = decode_cdr(block, KindTable(), Accept())
    assert columns.offset.tolist() == [0]
    assert [(one.offset, one.refusal.reason) for one in refused] == [(1, RefusalReason.FROM_THE_FUTURE)]


def test_a_thin_record_of_next_year_is_refused_too() -> None:
    bill = b'{"record_id":"b1","ts_ms":%d,"account_id":"a1","kind":"invoice","amount":5}' % (MONDAY_MS + 400 * DAY_MS)
    taken, refused = decode_thin(Stream.BILLING, RawBlock([0], [b"a1"], [bill], arrived_ms=MONDAY_MS), Accept())
    assert taken == []
    assert [one.refusal.reason for one in refused] == [RefusalReason.FROM_THE_FUTURE]
