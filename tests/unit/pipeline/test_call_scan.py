"""What the scan of call records says is what the decoders say; whatever it does not understand it leaves to them."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns import Accept, CdrColumns, RawBlock, decode_cdr
from pipeline.events import CallDetailRecord
from pipeline.kinds import KindTable
from pipeline.partitioning import murmur2
from pipeline.sources.call_fields import WORDS
from pipeline.sources.call_scan import CallScanner
from pipeline.sources.jsonl import Placement
from pipeline.xxh3 import SIZE_MAX, xxh3_64

CALL: dict[str, Any] = {
    "record_id": "c1000018156", "ts_ms": 1772409638499, "received_ms": 1772409644309, "account_id": "A0004498",
    "line_id": "L000006425", "service": "voice", "direction": "mo", "peer_id": "L000006462", "peer_operator": "self",
    "peer_kind": "subscriber", "duration_s": 61.25, "bytes_up": 10, "bytes_down": 0, "charge": 0.05, "roaming": False,
    "source": "mo_call", "session_id": "s1", "partial_seq": 0, "forward_to_operator": "rival-c",
}  # fmt: skip
GOOD = json.dumps(CALL, separators=(",", ":")).encode()
PLACEMENTS = msgspec.json.Decoder(Placement)
ALL = np.ones(8, np.bool_)
VALUES = [
    "null", "true", "false", "0", "-0", "-1", "7", "1.0", "0.1", "-0.5", "1e3", "1E-2", "01", "1.", ".5", "123456789012345",
    "12345678901234.5", "1234567890123456789", "9007199254740993", "1e999", "NaN", '"x"', '""', '"voice"', '"mo"', '"other"',
    '"a\\u0041"', '"é"', '"' + "i" * 64 + '"', '"' + "i" * 65 + '"', '"' + "i" * 129 + '"', "[]", "{}", "[1]", '{"a":"b"}',
    '"self"',
    "32503680000001", "1772409638499", " 5 ", "\t5", '"a\tb"', "",
]  # fmt: skip
KEYS = [*CALL, "extra", "ts_ms ", "line\\u005fid", ""]


def scanner_that_knows(lines: Sequence[bytes]) -> CallScanner:
    """One that has met the combinations of all those of these lines that the decoder accepts."""
    scanner = CallScanner(ALL, 1_000_000)
    agrees(scanner, [line for line in lines if b"\n" not in line])
    return scanner


def agrees(scanner: CallScanner, lines: list[bytes]) -> list[str]:
    """What the scan makes of each line; everything it says was checked against the decoders."""
    text = b"\n".join(lines) + b"\n"
    scan, columns = scanner.scan(text)
    assert [text[a:b] for a, b in zip(scan.start.tolist(), scan.stop.tolist(), strict=True)] == lines
    kinds = KINDS
    expected, _ = decode_cdr(
        RawBlock(range(len(lines)), None, lines), kinds, Accept(retention_ms=1 << 60, future_ms=1 << 60)
    )
    accepted = np.isin(columns.offset, expected.offset)
    assert accepted.all(), "a record was taken that the contract refuses"
    same_columns(columns, expected.rows(np.flatnonzero(np.isin(expected.offset, columns.offset))))
    assert set(columns.offset.tolist()) == set(np.flatnonzero(scan.has_columns).tolist())
    for number in np.flatnonzero(~scan.odd).tolist():
        placement = PLACEMENTS.decode(lines[number])
        received = placement.ts_ms if placement.received_ms is None else placement.received_ms
        assert (scan.ts_ms[number], scan.received_ms[number]) == (placement.ts_ms, received)
        assert scan.account_hash[number] == murmur2(placement.account_id.encode())
    left = expected.rows(np.flatnonzero(~scan.has_columns[expected.offset]))
    scanner.learn(scan.combination[left.offset], left.kind)
    return [
        "odd" if odd else "columns" if own else "closer" for odd, own in zip(scan.odd, scan.has_columns, strict=True)
    ]


KINDS = KindTable()


def same_columns(found: CdrColumns, expected: CdrColumns) -> None:
    for name in CdrColumns.__dataclass_fields__:
        one, other = getattr(found, name), getattr(expected, name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, name
            assert one.tobytes() == other.tobytes(), name
        else:
            assert list(one) == list(other), name


def line_of(fields: Sequence[tuple[str, str]], space: str = "") -> bytes:
    return ("{" + ",".join(f'{space}"{key}"{space}:{space}{value}{space}' for key, value in fields) + "}").encode()


PAIRS = [(key, json.dumps(value)) for key, value in CALL.items()]


def test_plain_records_become_columns_once_the_decoder_has_accepted_their_words() -> None:
    scanner = CallScanner(ALL, 1_000_000)
    shuffled = line_of([*reversed(PAIRS), ("extra", "null")], " ")
    lines = [GOOD, shuffled, GOOD.replace(b'"mo"', b'"mt"')]
    assert agrees(scanner, lines) == ["closer"] * 3
    assert agrees(scanner, lines) == ["columns"] * 3


def test_words_that_the_contract_does_not_know_never_become_columns() -> None:
    scanner = scanner_that_knows([GOOD])
    wrong = [
        GOOD.replace(old, new) for old, new in ((b'"voice"', b'"telex"'), (b"false", b"null"), (b'"mo_call"', b'"mo"'))
    ]
    for _ in range(2):
        assert agrees(scanner, wrong) == ["closer"] * 3


def test_only_own_lines_become_columns() -> None:
    scanner = CallScanner(np.arange(8) == (murmur2(b"A0004498") & 0x7FFFFFFF) % 8, 1_000_000)
    other = GOOD.replace(b"A0004498", b"A0004499")
    agrees(scanner, [GOOD])
    assert scanner.scan(other + b"\n" + GOOD + b"\n")[1].offset.tolist() == [1]


def test_lines_over_the_limit_are_odd() -> None:
    assert agrees(CallScanner(ALL, len(GOOD) - 1), [GOOD]) == ["odd"]


@pytest.mark.parametrize(
    "line",
    [
        b"", b" " + GOOD, GOOD + b" ", GOOD + b",", GOOD[:-1], GOOD + GOOD, b"{}", b'{"ts_ms":1}', b'{"account_id":"a"}',
        b'{"account_id":"","ts_ms":1}', b'{"account_id":"' + b"a" * 129 + b'","ts_ms":1}',
        b'{"account_id":"a","ts_ms":1,"ts_ms":2}', b'{"account_id":"a","account_id":"b","ts_ms":1}',
        b'{"account_id":7,"ts_ms":1}', b'{"account_id":"a","ts_ms":-1}', b'{"account_id":"a","ts_ms":1.0}',
        b'{"account_id":"a","ts_ms":1e3}', b'{"account_id":"a","ts_ms":01}', b'{"account_id":"a","ts_ms":32503680000001}',
        b'{"account_id":"a","ts_ms":1,"received_ms":null}', b'{"account_id":"a","ts_ms":1,"received_ms":"5"}',
        b'{"account_id":"a\\u0041","ts_ms":1}', '{"account_id":"é","ts_ms":1}'.encode(),
        b'{"account_id":"a","ts_ms":1,"list":[1]}', b'{"account_id":"a","ts_ms":1,"object":{"b":2}}',
        b'{"account_id":"a","ts_ms":1,"charge":1.}', b'{"account_id":"a","ts_ms":1,"charge":.5}',
        b'{"account_id":"a","ts_ms":1,"charge":-}', b'{"account_id":"a","ts_ms":1,"charge":123456789012345678}',
        b'{"account_id":"a","ts_ms":1,"roaming":truth}', b'{"account_id":"a","ts_ms":1,"roaming":nul',
        b'{"account_id":"a","ts_ms":1,}', b'{"account_id":"a" "ts_ms":1}', b'{"account_id" "a","ts_ms":1}',
        b'{account_id:"a","ts_ms":1}', b'["account_id","ts_ms"]', b"\xff\xfe",
    ],
)  # fmt: skip
def test_any_other_line_is_odd_and_its_neighbours_are_not(line: bytes) -> None:
    scanner = scanner_that_knows([GOOD])
    assert agrees(scanner, [GOOD, line, GOOD]) == ["columns", "odd", "columns"]


@pytest.mark.parametrize("key", [key for key in CALL if key not in ("ts_ms", "account_id")])
def test_a_field_that_is_there_twice_is_left_to_the_decoder(key: str) -> None:
    twice = line_of([*PAIRS, (key, json.dumps(CALL[key]))])
    scanner = scanner_that_knows([GOOD, twice])
    assert agrees(scanner, [twice]) == ["odd" if key == "received_ms" else "closer"]


@given(
    st.lists(
        st.tuples(
            st.permutations(PAIRS),
            st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=2),
            st.sets(st.sampled_from(list(CALL)), max_size=2),
            st.sampled_from(["", "", "", " ", "\t", "\r"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_changed_records_are_read_as_the_decoder_reads_them(
    changes: list[tuple[list[tuple[str, str]], list[tuple[str, str]], set[str], str]],
) -> None:
    lines = []
    for pairs, replaced, dropped, space in changes:
        new = dict(replaced)
        fields = [(key, new.pop(key, value)) for key, value in pairs if key not in dropped]
        lines.append(line_of([*fields, *new.items()], space))
    scanner = scanner_that_knows([GOOD, *lines])
    agrees(scanner, [GOOD, *lines, GOOD])


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=2)), min_size=1, max_size=8))
def test_damaged_lines_are_read_as_the_decoder_reads_them(damages: list[tuple[int, bytes]]) -> None:
    lines = [GOOD[:at] + damage.replace(b"\n", b" ") + GOOD[at + len(damage) :] for at, damage in damages]
    scanner = scanner_that_knows([GOOD, *lines])
    agrees(scanner, lines)


@given(st.decimals(0, 10**14, allow_nan=False, places=6), st.integers(0, 2**53 + 2), st.integers(0, 10**16))
def test_numbers_have_the_bits_that_the_decoder_gives(amount: Any, volume: int, seconds: int) -> None:
    line = line_of(
        [*PAIRS[:10], ("duration_s", str(seconds)), ("charge", str(amount)), ("bytes_up", str(volume)), *PAIRS[14:]]
    )
    agrees(scanner_that_knows([GOOD, line]), [line])


def test_every_field_of_the_contract_is_known_to_the_scan() -> None:
    """A field that is new to the contract needs its rule in `pipeline/sources/call_scan.py`, or wrong values would be taken."""
    words = {CallDetailRecord.__struct_fields__[field - 1] for field in WORDS.tolist()}
    numbers = {"ts_ms", "received_ms", "duration_s", "charge", "bytes_up", "bytes_down", "partial_seq"}
    texts = {"record_id", "account_id", "line_id", "peer_id", "session_id"}
    assert words | numbers | texts == set(CallDetailRecord.__struct_fields__)


@given(st.binary(min_size=1, max_size=SIZE_MAX))
def test_the_hash_is_that_of_the_library(text: bytes) -> None:
    assert int(xxh3_64(np.frombuffer(b"x" + text, np.uint8), 1, 1 + len(text))) == xxhash.xxh3_64_intdigest(text)
