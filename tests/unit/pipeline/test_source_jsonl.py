import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import DeadLetter, Stream
from pipeline.sources.jsonl import JsonLines
from pipeline.sources.port import DEAD_LETTERS, Outgoing


def order(account: str = "a1", ts_ms: int = 1000, **more: object) -> bytes:
    record = {"record_id": "o1", "ts_ms": ts_ms, "account_id": account, "kind": "renewal", "origin": "customer_to_us"}
    return json.dumps({**record, **more}).encode()


def read(*lines: bytes, first_line: int = 0, max_record_bytes: int = 1000) -> Outgoing:
    return JsonLines("orders.jsonl", Stream.ORDERS, max_record_bytes).read(list(lines), first_line)


def letters(outgoing: Outgoing) -> list[DeadLetter]:
    places = [place for place, topic in enumerate(outgoing.topics) if topic == DEAD_LETTERS]
    return [msgspec.json.decode(outgoing.values[place], type=DeadLetter) for place in places]


def test_good_lines_pass_byte_for_byte_with_key_and_time() -> None:
    lines = [order("a1", 5), order("ü", 7, received_ms=9, text='with {"braces"} in it')]
    outgoing = read(*lines)
    assert outgoing.values == lines
    assert outgoing.keys == ["a1", "ü"]
    assert outgoing.received_ms == [5, 9]
    assert outgoing.topics == ["orders", "orders"]


def test_a_bad_line_becomes_a_dead_letter_with_file_line_and_reason_and_the_others_pass() -> None:
    outgoing = read(order("a1"), b'{"ts_ms": 1}', order("a2"), first_line=10)
    assert outgoing.topics == ["orders", DEAD_LETTERS, "orders"]
    assert list(outgoing.lines) == [0, 1, 2]
    (letter,) = letters(outgoing)
    assert (letter.file, letter.line, letter.reason, letter.stream) == ("orders.jsonl", 12, "missing_field", "orders")
    assert letter.raw == '{"ts_ms": 1}'


def test_each_kind_of_bad_line_has_its_reason() -> None:
    reasons = {
        b"not json": "invalid_json",
        b"[1]": "not_an_object",
        order("a1") + order("a2"): "invalid_json",
        order("a1", ts_ms=-1): "out_of_range",
        order(""): "out_of_range",
        order("a" * 2000): "too_large",
        order("a").replace(b'"a"', b"7"): "wrong_type",
        order("a").replace(b'"a"', b'"\xff"'): "not_utf8",
    }
    assert {line: letter.reason.value for line, letter in zip(reasons, letters(read(*reasons)), strict=True)} == reasons


def test_undecodable_bytes_are_kept_as_escapes() -> None:
    (letter,) = letters(read(b"caf\xe9"))
    assert letter.raw == "caf\\xe9"


def test_blank_lines_and_carriage_returns_are_no_records() -> None:
    outgoing = read(order("a1") + b"\r", b"", b"  \r", order("a2"))
    assert outgoing.values == [order("a1"), order("a2")]
    assert list(outgoing.lines) == [0, 3]
    assert outgoing.blank_lines == 2


def test_an_object_over_two_lines_beside_two_objects_on_one_is_not_mistaken_for_two_records() -> None:
    outgoing = read(b'{"account_id": "a1",', b'"ts_ms": 1}', order("a2") + order("a3"), order("a4"))
    assert outgoing.keys[outgoing.topics.index("orders")] == "a4"
    assert len(letters(outgoing)) == 3


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(order())), min_size=1, max_size=8))
def test_every_line_is_a_record_a_dead_letter_or_blank_whatever_it_holds(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    outgoing = read(*lines)
    assert len(outgoing) + outgoing.blank_lines == len(lines)


def test_half_an_object_is_not_whole() -> None:
    source = JsonLines("orders.jsonl", Stream.ORDERS)
    assert source.is_whole(order())
    assert not source.is_whole(order()[:-1])
