"""What is not as the contract says is refused with its reason."""

import json
from typing import Any

import msgspec
import pytest

from pipeline.events import RefusalReason, Stream
from pipeline.refusals import MAX_RECORD_BYTES, Refusal, decode_record, is_finite
from tests.fakes.pipeline_runs import call, care, customer, invoice, outcome

GOOD = json.dumps(call())


def with_text(field: str, text: str) -> bytes:
    """The good call with a field replaced by raw JSON text."""
    record = json.loads(GOOD)
    record[field] = "@"
    return json.dumps(record).replace('"@"', text).encode()


def reason_of(raw: bytes | None, stream: Stream = Stream.CDR) -> RefusalReason | None:
    record = decode_record(stream, raw)
    return record.reason if isinstance(record, Refusal) else None


CASES: list[tuple[str, bytes | None, RefusalReason]] = [
    ("no value", None, RefusalReason.EMPTY),
    ("empty", b"", RefusalReason.EMPTY),
    ("blanks", b"  \n ", RefusalReason.INVALID_JSON),
    ("truncated", GOOD[:70].encode(), RefusalReason.INVALID_JSON),
    ("trailing text", GOOD.encode() + b"x", RefusalReason.INVALID_JSON),
    ("two records", GOOD.encode() * 2, RefusalReason.INVALID_JSON),
    ("an array", b"[]", RefusalReason.NOT_AN_OBJECT),
    ("null", b"null", RefusalReason.NOT_AN_OBJECT),
    ("a number", b"12", RefusalReason.NOT_AN_OBJECT),
    ("nothing in it", b"{}", RefusalReason.MISSING_FIELD),
    ("NaN", with_text("duration_s", "NaN"), RefusalReason.INVALID_JSON),
    ("infinity", with_text("charge", "-Infinity"), RefusalReason.INVALID_JSON),
    ("a number beyond float", with_text("duration_s", "1e999"), RefusalReason.OUT_OF_RANGE),
    ("thirty digits", with_text("ts_ms", "9" * 30), RefusalReason.OUT_OF_RANGE),
    ("five thousand digits", with_text("ts_ms", "9" * 5000), RefusalReason.OUT_OF_RANGE),
    ("five thousand digits as money", with_text("charge", "9" * 5000), RefusalReason.OUT_OF_RANGE),
    ("negative duration", with_text("duration_s", "-0.5"), RefusalReason.OUT_OF_RANGE),
    ("negative volume", with_text("bytes_up", "-1"), RefusalReason.OUT_OF_RANGE),
    ("before 1970", with_text("ts_ms", "-1"), RefusalReason.OUT_OF_RANGE),
    ("microseconds", with_text("ts_ms", "1772409600000000"), RefusalReason.OUT_OF_RANGE),
    ("an empty id", with_text("record_id", '""'), RefusalReason.OUT_OF_RANGE),
    ("a very long id", with_text("record_id", f'"{"x" * 129}"'), RefusalReason.OUT_OF_RANGE),
    ("text for a time", with_text("ts_ms", '"1772409600000"'), RefusalReason.WRONG_TYPE),
    ("a fraction for a time", with_text("ts_ms", "1.5"), RefusalReason.WRONG_TYPE),
    ("true for a time", with_text("ts_ms", "true"), RefusalReason.WRONG_TYPE),
    ("null for an id", with_text("line_id", "null"), RefusalReason.WRONG_TYPE),
    ("an object for an id", with_text("line_id", "{}"), RefusalReason.WRONG_TYPE),
    ("unknown service", with_text("service", '"fax"'), RefusalReason.UNKNOWN_VALUE),
    ("unknown direction", with_text("direction", '"MO"'), RefusalReason.UNKNOWN_VALUE),
    ("half a surrogate pair", with_text("record_id", r'"\ud800"'), RefusalReason.INVALID_JSON),
    ("a line feed in a text", with_text("record_id", '"a\nb"'), RefusalReason.INVALID_JSON),
    ("UTF-16", GOOD.encode("utf-16"), RefusalReason.INVALID_JSON),
    ("UTF-32", GOOD.encode("utf-32"), RefusalReason.INVALID_JSON),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), RefusalReason.INVALID_JSON),
    ("Latin-1", GOOD.replace("c0", "é").encode("latin-1"), RefusalReason.NOT_UTF8),
    ("GB 18030", GOOD.replace("c0", "中国").encode("gb18030"), RefusalReason.NOT_UTF8),
    ("overlong UTF-8", GOOD.encode().replace(b"c0", b"\xc0\xaf"), RefusalReason.NOT_UTF8),
    ("ten megabytes", GOOD.replace("c0", "x" * 10_000_000).encode(), RefusalReason.TOO_LARGE),
    ("arrays in arrays", with_text("zz", "[" * 100_000 + "]" * 100_000), RefusalReason.INVALID_JSON),
    ("objects in objects", b'{"a":' * 100_000, RefusalReason.INVALID_JSON),
]


@pytest.mark.parametrize(("raw", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bad_call_record_is_refused_with_its_reason(raw: bytes | None, reason: RefusalReason) -> None:
    assert reason_of(raw) is reason


THIN_CASES: list[tuple[str, Stream, dict[str, Any], RefusalReason]] = [
    ("unknown bill", Stream.BILLING, invoice(1.0, kind="bill"), RefusalReason.UNKNOWN_VALUE),
    ("money beyond all", Stream.BILLING, invoice(1e16), RefusalReason.OUT_OF_RANGE),
    ("severity 6", Stream.CARE, care("complaint", severity=6), RefusalReason.OUT_OF_RANGE),
    ("unknown disposition", Stream.OUTCOMES, outcome("disposition", disposition="x"), RefusalReason.UNKNOWN_VALUE),
    ("star 6", Stream.CUSTOMERS, customer(star=6), RefusalReason.OUT_OF_RANGE),
    ("a line that is a number", Stream.CUSTOMERS, customer(lines=[7]), RefusalReason.WRONG_TYPE),
    ("consent as text", Stream.CUSTOMERS, customer(consent="yes"), RefusalReason.WRONG_TYPE),
    ("tenure beyond 64 bits", Stream.CUSTOMERS, customer(tenure_start_ms=10**30), RefusalReason.OUT_OF_RANGE),
    ("tenure before the telephone", Stream.CUSTOMERS, customer(tenure_start_ms=-(10**15)), RefusalReason.OUT_OF_RANGE),
]


@pytest.mark.parametrize(
    ("stream", "record", "reason"), [case[1:] for case in THIN_CASES], ids=[c[0] for c in THIN_CASES]
)
def test_a_bad_thin_record_is_refused_with_its_reason(
    stream: Stream, record: dict[str, Any], reason: RefusalReason
) -> None:
    assert reason_of(json.dumps(record).encode(), stream) is reason


def test_each_missing_field_is_named() -> None:
    for name in call():
        record = {key: value for key, value in call().items() if key != name}
        refusal = decode_record(Stream.CDR, json.dumps(record).encode())
        assert isinstance(refusal, Refusal)
        assert refusal.reason is RefusalReason.MISSING_FIELD
        assert name in refusal.detail


def test_a_refusal_never_repeats_what_the_customer_wrote() -> None:
    for raw in (with_text("service", '"13800138000"'), with_text("ts_ms", '"13800138000"'), with_text("zz", "1380x0")):
        refusal = decode_record(Stream.CDR, raw)
        assert isinstance(refusal, Refusal)
        assert "1380" not in refusal.detail


def test_unknown_fields_are_ignored() -> None:
    assert reason_of(msgspec.json.encode(call(colour="red", nested={"a": [1, {"b": None}]}))) is None


def test_the_limit_of_a_record_is_exact() -> None:
    room = MAX_RECORD_BYTES - len(msgspec.json.encode(call(zz="")))
    assert reason_of(msgspec.json.encode(call(zz="x" * room))) is None
    assert reason_of(msgspec.json.encode(call(zz="x" * (room + 1)))) is RefusalReason.TOO_LARGE


def test_only_finite_numbers_may_enter_the_state() -> None:
    assert [is_finite(value) for value in (None, 0.0, float("nan"), float("inf"))] == [True, True, False, False]
