"""What the scan of lines says is what the JSON decoder says; whatever it does not understand is odd."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.partitioning import murmur2
from pipeline.sources.jsonl import Placement
from pipeline.sources.line_scan import scan_lines

GOOD = b'{"record_id":"r1","ts_ms":1700000000000,"received_ms":1700000000500,"account_id":"A1","charge":0.0500,"roaming":false}'
PLACEMENTS = msgspec.json.Decoder(Placement)


def agrees(lines: list[bytes]) -> list[bool]:
    """Which of these lines are odd; every other one is checked against the decoder."""
    scan = scan_lines(b"\n".join(lines) + b"\n")
    text = b"\n".join(lines) + b"\n"
    assert [text[a:b] for a, b in zip(scan.start.tolist(), scan.stop.tolist(), strict=True)] == lines
    for number, line in enumerate(lines):
        if scan.odd[number]:
            continue
        placement = PLACEMENTS.decode(line)
        assert (scan.ts_ms[number], scan.account_hash[number]) == (
            placement.ts_ms,
            murmur2(placement.account_id.encode()),
        )
        assert scan.received_ms[number] == (placement.ts_ms if placement.received_ms is None else placement.received_ms)
    return [bool(odd) for odd in scan.odd]


def test_plain_lines_are_read_as_the_decoder_reads_them() -> None:
    spaced = b'{ "ts_ms": 5 ,\t"account_id": "account-1", "forward_to_operator": null, "charge": -12.5 }'
    assert agrees([GOOD, spaced, b'{"account_id":"a","ts_ms":0,"duration_s":0}']) == [False] * 3


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" " + GOOD,
        GOOD + b" ",
        GOOD + b",",
        GOOD[:-1],
        GOOD + GOOD,
        b"{}",
        b'{"ts_ms":1}',
        b'{"account_id":"a"}',
        b'{"account_id":"","ts_ms":1}',
        b'{"account_id":"' + b"a" * 129 + b'","ts_ms":1}',
        b'{"account_id":"a","ts_ms":1,"ts_ms":2}',
        b'{"account_id":"a","account_id":"b","ts_ms":1}',
        b'{"account_id":7,"ts_ms":1}',
        b'{"account_id":"a","ts_ms":-1}',
        b'{"account_id":"a","ts_ms":1.0}',
        b'{"account_id":"a","ts_ms":1e3}',
        b'{"account_id":"a","ts_ms":01}',
        b'{"account_id":"a","ts_ms":32503680000001}',
        b'{"account_id":"a","ts_ms":1,"received_ms":null}',
        b'{"account_id":"a","ts_ms":1,"received_ms":"5"}',
        b'{"account_id":"a\\u0041","ts_ms":1}',
        '{"account_id":"é","ts_ms":1}'.encode(),
        b'{"account_id":"a","ts_ms":1,"list":[1]}',
        b'{"account_id":"a","ts_ms":1,"object":{"b":2}}',
        b'{"account_id":"a","ts_ms":1,"charge":1.}',
        b'{"account_id":"a","ts_ms":1,"charge":.5}',
        b'{"account_id":"a","ts_ms":1,"charge":-}',
        b'{"account_id":"a","ts_ms":1,"charge":123456789012345678}',
        b'{"account_id":"a","ts_ms":1,"roaming":truth}',
        b'{"account_id":"a","ts_ms":1,"roaming":nul',
        b'{"account_id":"a","ts_ms":1,}',
        b'{"account_id":"a" "ts_ms":1}',
        b'{"account_id" "a","ts_ms":1}',
        b'{account_id:"a","ts_ms":1}',
        b'["account_id","ts_ms"]',
        b"\xff\xfe",
    ],
)
def test_any_other_line_is_odd_and_its_neighbours_are_not(line: bytes) -> None:
    assert agrees([GOOD, line, GOOD]) == [False, True, False]


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=2)), min_size=1, max_size=8))
def test_damaged_lines_are_odd_or_read_as_the_decoder_reads_them(damages: list[tuple[int, bytes]]) -> None:
    agrees([GOOD[:at] + damage.replace(b"\n", b" ") + GOOD[at + len(damage) :] for at, damage in damages])
