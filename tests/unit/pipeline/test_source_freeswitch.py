from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.freeswitch import freeswitch_csv
from pipeline.sources.native import NativeLines
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.times import iso_ms
from tests.fakes.native_lines import (
    FIXED_LINE,
    OWN,
    OWN_2,
    RIVAL,
    calls,
    check_contract,
    letter,
    line_of,
    pseudonym,
    reason,
    surroundings,
)

CALL = {
    "caller_id_name": "Chen Wei", "caller_id_number": f"+{OWN}", "destination_number": "13012345678",
    "context": "default", "start_stamp": "2026-03-02 10:00:00", "answer_stamp": "2026-03-02 10:00:05",
    "end_stamp": "2026-03-02 10:01:05", "duration": "65", "billsec": "60", "hangup_cause": "NORMAL_CLEARING",
    "uuid": "7f3a9a52-1c60-4d27-9d3e-0f6a4c1b2d3e", "bleg_uuid": "0b9d8c1e-aaaa-4d27-9d3e-0f6a4c1b2d3e",
    "accountcode": "ACME-7", "read_codec": "PCMA", "write_codec": "",
}  # fmt: skip


def row(*, columns: int = 15, **fields: str) -> bytes:
    """A row as the template `example` writes it: every value in quotes, and no quote inside doubled."""
    return ",".join(f'"{value}"' for value in list({**CALL, **fields}.values())[:columns]).encode()


def reader(plan: NumberPlan | None = None, zone: str = "Asia/Shanghai") -> NativeLines:
    return freeswitch_csv("Master.csv", surroundings(zone=zone) if plan is None else surroundings(plan, zone))


def ms(text: str, zone: str = "Asia/Shanghai") -> int:
    return iso_ms(text, ZoneInfo(zone))


def test_a_call_out_becomes_a_record_of_its_caller_with_every_field_in_its_place() -> None:
    (record,) = calls(reader(), row())
    assert record.record_id.startswith("fs-")
    assert (record.ts_ms, record.received_ms) == (ms("2026-03-02 10:00:00"), ms("2026-03-02 10:01:05"))
    assert (record.account_id, record.line_id, record.peer_id) == ("ACME-7", line_of(OWN), line_of(RIVAL))
    assert (record.service, record.direction, record.source) == ("voice", "mo", "mo_call")
    assert (record.peer_operator, record.peer_kind) == ("rival-b", "subscriber")
    assert (record.duration_s, record.charge, record.roaming) == (60.0, 0.0, False)


def test_a_call_in_and_an_internal_call_are_records_of_those_who_are_ours() -> None:
    (into,) = calls(reader(), row(caller_id_number=FIXED_LINE, destination_number=OWN, accountcode=""))
    assert (into.direction, into.line_id, into.peer_operator) == ("mt", line_of(OWN), "fixed")
    assert into.account_id == line_of(OWN)
    both = calls(reader(), row(destination_number=OWN_2))
    assert [(each.direction, each.peer_operator) for each in both] == [("mo", "self"), ("mt", "self")]
    assert both[1].account_id == line_of(OWN_2)


def test_an_empty_answer_stamp_is_a_call_that_nobody_answered() -> None:
    (record,) = calls(reader(), row(answer_stamp="", billsec="12", hangup_cause="NO_ANSWER"))
    assert record.duration_s == 0.0


@pytest.mark.parametrize("columns", [13, 15])
def test_the_columns_up_to_the_accountcode_suffice(columns: int) -> None:
    assert len(calls(reader(), row(columns=columns))) == 1


def test_quotes_in_a_name_which_freeswitch_does_not_double_do_not_hide_the_call() -> None:
    for name in ('Wei "the boss" Chen', 'Chen, "Wei"', '"'):
        (record,) = calls(reader(), row(caller_id_name=name))
        assert record.peer_id == line_of(RIVAL)


def test_without_prefixes_the_accountcode_or_the_caller_is_taken_for_ours() -> None:
    plan = NumberPlan(extension_digits_max=0)
    (coded,) = calls(reader(plan), row())
    assert (coded.direction, coded.account_id) == ("mo", "ACME-7")
    (bare,) = calls(reader(plan), row(accountcode=""))
    assert (bare.direction, bare.peer_operator) == ("mo", "unknown")


def test_a_resend_has_the_same_id_and_two_calls_of_one_second_have_two() -> None:
    one, again, other = (
        calls(reader(), line)[0].record_id for line in (row(), row(), row(uuid="another", context="public"))
    )
    assert one == again != other


def test_the_hour_that_comes_twice_is_told_by_the_end_of_the_call() -> None:
    late = row(start_stamp="2026-10-25 02:50:00", end_stamp="2026-10-25 03:10:00", duration="1200")
    (record,) = calls(reader(zone="Europe/Berlin"), late)
    assert record.ts_ms == ms("2026-10-25 01:50:00", "UTC")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (row(columns=12), "missing_field"),
        (row(start_stamp="soon"), "wrong_type"),
        (row(start_stamp=""), "wrong_type"),
        (row(billsec="x"), "wrong_type"),
        (row(billsec="-1"), "out_of_range"),
        (row(duration="nan"), "out_of_range"),
        (row(caller_id_number=FIXED_LINE, destination_number=RIVAL), "unknown_value"),
        (row(caller_id_number="anonymous", destination_number="conference"), "unknown_value"),
        (row(start_stamp="2031-03-02 10:00:00", end_stamp=""), "from_the_future"),
        (row(start_stamp="2000-01-01 00:03:00", end_stamp=""), "too_old"),
        (b"plain text", "missing_field"),
        (row()[:40], "unreadable_line"),
    ],
)
def test_what_is_no_call_is_refused_with_its_reason(line: bytes, expected: str) -> None:
    refused = letter(reader(), line)
    assert refused.reason.value == expected
    assert not any(sign.isdecimal() for sign in refused.raw)


def test_a_number_in_no_plan_is_a_call_to_somebody_unknown() -> None:
    (record,) = calls(reader(), row(destination_number="+99912345678"))
    assert (record.peer_operator, record.peer_kind) == ("unknown", "subscriber")
    (nobody,) = calls(reader(), row(destination_number="voicemail"))
    assert (nobody.peer_id, nobody.peer_kind) == (None, "other")


def test_a_last_row_is_whole_when_its_quotes_are_closed_and_no_column_is_missing() -> None:
    source = reader()
    calls(source, row())
    assert source.is_whole(row())
    assert not source.is_whole(row()[:-1])
    assert not source.is_whole(row()[:-3]), "a column is missing"


def test_no_number_leaves_the_reader() -> None:
    sent = b"".join(reader().read([row(), row(start_stamp="soon"), row(destination_number=OWN_2)], 0).values)
    assert not any(number.encode() in sent for number in (OWN, OWN_2, RIVAL, RIVAL[2:], "Chen"))
    assert pseudonym(f"+{OWN}").encode() in sent


values = st.text(max_size=20) | st.sampled_from([OWN, RIVAL, "2026-10-25 02:30:00", "60", '"', '","'])


@given(
    st.lists(st.binary(max_size=60) | st.dictionaries(st.sampled_from(sorted(CALL)), values, max_size=4), max_size=5)
)
def test_no_input_brings_the_reader_down(inputs: list[bytes | dict[str, str]]) -> None:
    lines = [each if isinstance(each, bytes) else row(columns=15, **each) for each in inputs]
    lines = [line.replace(b"\n", b" ") for line in lines]
    check_contract(reader().read(lines, 0), lines)


def test_reasons_are_those_of_the_contract() -> None:
    assert reason(reader(), b"\xff\xfe\x00") == "missing_field"
