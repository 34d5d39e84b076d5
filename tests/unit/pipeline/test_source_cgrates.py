import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.cgrates import COLUMNS, cgrates_csv, cgrates_json
from pipeline.sources.native import NativeLines
from tests.fakes.native_lines import (
    OWN,
    OWN_2,
    RIVAL,
    as_line,
    calls,
    check_contract,
    disturbed,
    line_of,
    pseudonym,
    reason,
    surroundings,
)

#: A CDR as the exporter and GetCDRs write it.
CDR = {
    "CGRID": "dsafdsaf8a1c6a2b", "RunID": "*default", "OrderID": 123, "OriginHost": "192.168.1.1", "Source": "*sessions",
    "OriginID": "dsafdsaf", "ToR": "*voice", "RequestType": "*rated", "Tenant": "cgrates.org", "Category": "call",
    "Account": "ACME-7", "Subject": OWN, "Destination": RIVAL, "SetupTime": "2026-03-02T02:00:00Z",
    "AnswerTime": "2026-03-02T02:00:05Z", "Usage": 65_000_000_000, "ExtraFields": {"field_extr1": "val_extr1"},
    "ExtraInfo": "", "Partial": False, "PreRated": False, "CostSource": "*rals", "Cost": 1.01, "CostDetails": None,
}  # fmt: skip
ANSWERED_MS = 1_772_416_805_000


def cdr(**fields: object) -> bytes:
    return as_line({**CDR, **fields})


def csv_row(**fields: object) -> bytes:
    values = {**CDR, "Usage": "1m5s", **fields}
    return ",".join(str(values[name]) for name in COLUMNS).encode()


def reader() -> NativeLines:
    return cgrates_json("cdrs.json", surroundings())


def csv_reader(first_line: bytes = b"") -> NativeLines:
    return cgrates_csv("cdrs.csv", surroundings(), first_line)


def test_a_rated_call_becomes_a_record_of_who_is_charged() -> None:
    for source, line in ((reader(), cdr()), (csv_reader(), csv_row())):
        (record,) = calls(source, line)
        assert (record.ts_ms, record.received_ms) == (ANSWERED_MS, ANSWERED_MS + 65_000)
        assert (record.account_id, record.line_id, record.peer_id) == ("ACME-7", line_of(OWN), line_of(RIVAL))
        assert (record.peer_operator, record.direction, record.source) == ("rival-b", "mo", "mo_call")
        assert (record.duration_s, record.charge) == (65.0, 1.01)


@pytest.mark.parametrize(
    ("usage", "seconds"), [("10s", 10), ("1m10.5s", 70.5), ("1h0m0s", 3600), (10_000_000_000, 10), ("0s", 0), ("", 0)]
)
def test_usage_is_a_duration_of_go_or_nanoseconds(usage: object, seconds: float) -> None:
    (record,) = calls(reader(), cdr(Usage=usage))
    assert record.duration_s == seconds


def test_data_is_counted_in_bytes_and_a_message_lasts_no_time() -> None:
    (data,) = calls(reader(), cdr(ToR="*data", Usage=1_048_576, Destination="internet"))
    assert (data.service, data.bytes_down, data.duration_s, data.peer_operator) == ("data", 1_048_576, 0.0, "self")
    (data,) = calls(csv_reader(), csv_row(ToR="*data", Usage="1.024µs"))
    assert data.bytes_down == 1024
    (message,) = calls(reader(), cdr(ToR="*sms", Usage=1))
    assert (message.service, message.source, message.duration_s) == ("sms", "sms", 0.0)


def test_a_callee_of_ours_has_a_record_too_and_pays_nothing() -> None:
    out, into = calls(reader(), cdr(Destination=OWN_2))
    assert (out.direction, out.charge, into.direction, into.charge) == ("mo", 1.01, "mt", 0.0)
    assert into.line_id == line_of(OWN_2)


def test_only_the_default_run_counts_and_no_partial_record() -> None:
    assert calls(reader(), cdr(RunID="*raw"), cdr(RunID="reseller"), cdr(Partial=True), cdr(Partial="true")) == []
    assert len(calls(reader(), cdr(RunID=""))) == 1


def test_what_could_not_be_rated_costs_nothing_and_an_unanswered_call_has_its_setup_time() -> None:
    (record,) = calls(reader(), cdr(Cost=-1, AnswerTime="0001-01-01T00:00:00Z", Usage="0s"))
    assert (record.charge, record.ts_ms) == (0.0, ANSWERED_MS - 5_000)


def test_zones_may_be_mixed_and_local_times_take_the_zone_of_the_file() -> None:
    times = ("2026-03-02T02:00:05Z", "2026-03-02T10:00:05+08:00", "2026-03-01T21:00:05-05:00", "2026-03-02T10:00:05")
    assert {calls(reader(), cdr(AnswerTime=time))[0].ts_ms for time in times} == {ANSWERED_MS}


def test_an_account_that_is_no_number_is_a_line_by_its_name() -> None:
    (record,) = calls(reader(), cdr(Subject="trunk-acme"))
    assert (record.account_id, record.line_id) == ("ACME-7", pseudonym("ACME-7"))


def test_a_header_tells_other_columns_and_is_no_record() -> None:
    header = b"Account,Destination,SetupTime,Usage,ToR"
    row = f"{OWN},{RIVAL},2026-03-02T02:00:00Z,10s,*voice".encode()
    source = csv_reader(header)
    (record,) = calls(source, header, row)
    assert (record.line_id, record.duration_s) == (line_of(OWN), 10.0)
    again = csv_reader(header).read([row], 7)
    assert len(again) == 1, "also when an ingest goes on in the middle of the file"


def test_one_call_has_one_id_however_often_and_wherever_it_is_exported() -> None:
    ids = {calls(source, line)[0].record_id for source, line in ((reader(), cdr()), (csv_reader(), csv_row()))}
    assert len(ids) == 1
    without = calls(reader(), cdr(CGRID="")), calls(reader(), cdr(CGRID="", OriginID="x"))
    assert without[0][0].record_id != without[1][0].record_id


def test_an_array_in_one_line_and_an_array_over_many_lines_are_read() -> None:
    both = b"[" + cdr(CGRID="a") + b"," + cdr(CGRID="b") + b"]"
    assert len(calls(reader(), both)) == 2
    assert len(calls(reader(), b"[", cdr(CGRID="a") + b",", cdr(CGRID="b"), b"]")) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (cdr(ToR="*generic"), "unknown_value"),
        (cdr(Usage="long"), "wrong_type"),
        (cdr(Usage=-5), "wrong_type"),
        (cdr(Usage=10**17), "out_of_range"),
        (cdr(AnswerTime="soon"), "wrong_type"),
        (cdr(AnswerTime="", SetupTime=""), "wrong_type"),
        (cdr(AnswerTime="2031-03-02T02:00:05Z"), "from_the_future"),
        (cdr(Account=None), "missing_field"),
        (b'{"CGRID":', "invalid_json"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (cdr()[:-1], "invalid_json"),
    ],
)
def test_what_is_no_record_is_refused_with_its_reason(line: bytes, expected: str) -> None:
    assert reason(reader(), line) == expected


def test_a_row_with_other_columns_is_refused() -> None:
    assert reason(csv_reader(), csv_row() + b",more") == "missing_field"
    assert reason(csv_reader(), b'"a"b,') == "unreadable_line"


def test_a_last_row_that_could_be_cut_short_waits_for_its_line_feed() -> None:
    assert not csv_reader().is_whole(csv_row()), "its cost may lack a digit"
    assert csv_reader().is_whole(csv_row(Cost='"1.01"'))
    assert reader().is_whole(cdr())
    assert not reader().is_whole(cdr()[:-1])


@given(st.lists(st.binary(max_size=40) | disturbed([CDR]), min_size=1, max_size=4))
def test_no_json_brings_the_reader_down(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    check_contract(reader().read(lines, 0), lines)


cells = st.text(max_size=12) | st.sampled_from([OWN, "10s", "2026-03-02T02:00:00Z", "*data", '"'])


@given(st.lists(st.binary(max_size=40) | st.dictionaries(st.sampled_from(COLUMNS), cells, max_size=4), max_size=4))
def test_no_csv_brings_the_reader_down(inputs: list[bytes | dict[str, str]]) -> None:
    lines = [each if isinstance(each, bytes) else csv_row(**each) for each in inputs]
    lines = [line.replace(b"\n", b" ") for line in lines]
    check_contract(csv_reader().read(lines, 0), lines)
