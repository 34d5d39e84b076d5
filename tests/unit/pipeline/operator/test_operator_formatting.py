"""Vectorised JSON lines say the same as the columns they were made from."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CallDetailRecord
from pipeline.sources.operator.calls import DATA, FORWARD, HOTLINE_NUMBER, NOBODY, OWN_LINE, VOICE, Calls
from pipeline.sources.operator.formatting import CHUNK_ROWS, call_lines

ACCOUNT_OF = np.array([0, 0, 1], np.int64)


def one_call() -> Calls:
    call = Calls.empty(1)
    call.number[:], call.ts_ms[:], call.received_ms[:] = 7_000_000_001, 1_772_409_600_123, 1_772_409_600_456
    call.line[:], call.peer_space[:], call.peer[:] = 2, OWN_LINE, 1
    return call


def decoded(calls: Calls) -> list[CallDetailRecord]:
    return [msgspec.json.decode(line, type=CallDetailRecord) for line in call_lines(calls, ACCOUNT_OF)]


def test_a_call_as_it_stands_on_the_wire() -> None:
    call = one_call()
    call.duration_s[:], call.charge[:] = 61, 1800
    assert call_lines(call, ACCOUNT_OF)[0] == (
        b'{"record_id":"c7000000001","ts_ms":1772409600123,"received_ms":1772409600456,"account_id":"A0000001",'
        b'"line_id":"L000000002","service":"voice","direction":"mo","peer_id":"L000000001","peer_operator":"self",'
        b'"peer_kind":"subscriber","duration_s":61,"bytes_up":0,"bytes_down":0,"charge":0.1800,"roaming":false,'
        b'"source":"mo_call"}'
    )


@given(
    duration=st.integers(0, 99_999),
    volume=st.integers(0, 99_999_999_999),
    charge=st.integers(0, 99_999_999_999),
    number=st.integers(0, 999_999_999_999),
)
def test_numbers_of_any_length_come_back_as_they_were(duration: int, volume: int, charge: int, number: int) -> None:
    call = one_call()
    call.duration_s[:], call.bytes_down[:], call.charge[:], call.number[:] = duration, volume, charge, number
    record = decoded(call)[0]
    assert record.duration_s == duration
    assert record.bytes_down == volume
    assert round(record.charge * 10_000) == charge
    assert record.record_id == f"c{number}"


def test_a_data_session_has_no_peer_and_a_part_names_its_session() -> None:
    session = one_call()
    session.service[:], session.peer_space[:], session.session[:], session.part[:] = DATA, NOBODY, 42, 1
    record = decoded(session)[0]
    assert record.peer_id is None
    assert (record.session_id, record.partial_seq) == ("s42", 1)


def test_forwarding_names_the_network_it_goes_to() -> None:
    action = one_call()
    action.service[:], action.direction[:], action.forward_to[:], action.operator[:] = VOICE, FORWARD, 3, 3
    action.peer_space[:] = HOTLINE_NUMBER
    record = decoded(action)[0]
    assert (record.direction, record.forward_to_operator, record.source) == ("forward", "rival-a", "ss_action")


def test_rows_with_and_without_optional_fields_mix_across_chunks() -> None:
    n = CHUNK_ROWS + 5
    calls = Calls.empty(n)
    calls.number[:] = np.arange(n)
    calls.ts_ms[:] = calls.received_ms[:] = 1_772_409_600_000
    calls.peer_space[:] = OWN_LINE
    calls.session[::2] = np.arange(n)[::2]
    records = decoded(calls)
    assert [record.record_id for record in records] == [f"c{i}" for i in range(n)]
    assert [record.session_id is not None for record in records] == [i % 2 == 0 for i in range(n)]
