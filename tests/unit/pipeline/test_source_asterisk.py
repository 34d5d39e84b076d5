from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CallDetailRecord, DeadLetter
from pipeline.identity import SecretKey, pseudonymiser
from pipeline.sources.asterisk import AsteriskCsv, AsteriskOptions
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.port import DEAD_LETTERS, Outgoing
from pipeline.sources.subscribers import AccountCode
from tests.fakes.asterisk_files import asterisk_row

pseudonym = pseudonymiser(SecretKey(bytes(32)), "k1").line
BERLIN = NumberPlan(
    country_code="49",
    own_prefixes=("+49301",),
    operators={"+4915": "rival-a", "+49": "fixed"},
    competitor_hotlines={"22922": "rival-b"},
    own_hotlines=frozenset({"11833"}),
)


def read(
    *rows: bytes, plan: NumberPlan | None = None, zone: str = "UTC", accountcode: AccountCode = "account"
) -> Outgoing:
    options = AsteriskOptions(ZoneInfo(zone), plan or NumberPlan(), accountcode)
    return AsteriskCsv("Master.csv", options, pseudonym).read(list(rows), 0)


def calls(outgoing: Outgoing) -> list[CallDetailRecord]:
    assert DEAD_LETTERS not in outgoing.topics, outgoing.values
    return [msgspec.json.decode(value, type=CallDetailRecord) for value in outgoing.values]


def letter(outgoing: Outgoing) -> DeadLetter:
    (value,) = outgoing.values
    assert outgoing.topics == [DEAD_LETTERS]
    return msgspec.json.decode(value, type=DeadLetter)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_an_internal_call_is_a_record_of_each_side() -> None:
    out, into = calls(read(asterisk_row()))
    assert (out.direction, out.line_id, out.peer_id) == ("mo", pseudonym("2001"), pseudonym("2002"))
    assert (into.direction, into.line_id, into.peer_id) == ("mt", pseudonym("2002"), pseudonym("2001"))
    assert (out.source, into.source) == ("mo_call", "mt_call")
    assert {record.peer_operator for record in (out, into)} == {"self"}
    assert {record.duration_s for record in (out, into)} == {60.0}
    assert out.ts_ms == ms("2026-03-02 10:00:00")
    assert out.received_ms == ms("2026-03-02 10:01:05")


@pytest.mark.parametrize("disposition", ["NO ANSWER", "BUSY", "FAILED", "CONGESTION"])
def test_an_unanswered_call_is_a_record_of_zero_seconds(disposition: str) -> None:
    row = asterisk_row(disposition=disposition, answer="", duration=20, billsec=0)
    assert [record.duration_s for record in calls(read(row))] == [0.0, 0.0]


def test_an_answered_call_of_zero_seconds_is_a_record_too() -> None:
    assert [record.duration_s for record in calls(read(asterisk_row(billsec=0)))] == [0.0, 0.0]


def test_a_call_out_is_ours_and_a_call_in_is_ours_the_other_way_round() -> None:
    (out,) = calls(read(asterisk_row(src="030 1234", dst="015112345678", dstchannel="PJSIP/trunk-01"), plan=BERLIN))
    assert (out.direction, out.line_id, out.peer_operator) == ("mo", pseudonym("+49301234"), "rival-a")
    (into,) = calls(
        read(asterisk_row(src="004915112345678", dst="00301234"[1:], channel="PJSIP/trunk-02"), plan=BERLIN)
    )
    assert (into.direction, into.line_id, into.peer_operator) == ("mt", pseudonym("+49301234"), "rival-a")


@pytest.mark.parametrize(
    ("dst", "operator", "kind"),
    [
        ("015112345678", "rival-a", "subscriber"),
        ("08912345", "fixed", "subscriber"),
        ("0033123456789", "intl", "subscriber"),
        ("0301999", "self", "subscriber"),
        ("22922", "rival-b", "competitor_hotline"),
        ("11833", "self", "own_hotline"),
        ("s", "unknown", "other"),
        ("*43", "unknown", "other"),
    ],
)
def test_the_other_side_is_classified_by_the_numbering_plan(dst: str, operator: str, kind: str) -> None:
    record = calls(read(asterisk_row(src="0301234", dst=dst, dstchannel=""), plan=BERLIN))[0]
    assert (record.peer_operator, record.peer_kind) == (operator, kind)
    assert (record.peer_id is None) == (kind == "other")


def test_an_unknown_operator_is_said_to_be_unknown() -> None:
    (record,) = calls(read(asterisk_row(dst="93012345678", dstchannel="")))
    assert record.peer_operator == "unknown"


def test_no_number_is_in_anything_that_is_sent() -> None:
    numbers = ("0301234", "015112345678")
    for row in (asterisk_row(src=numbers[0], dst=numbers[1]), asterisk_row(3, src=numbers[0], dst=numbers[1])):
        sent = b"".join(read(row, plan=BERLIN).values) + "".join(read(row, plan=BERLIN).keys).encode()
        assert not any(number.lstrip("0").encode() in sent for number in numbers)
        assert b"Hans" not in sent


def test_the_account_is_the_accountcode_or_the_line_itself() -> None:
    row = asterisk_row(21, accountcode="ACME-7", peeraccount="ACME-8")
    assert [record.account_id for record in calls(read(row))] == ["ACME-7", "ACME-8"]
    assert [record.account_id for record in calls(read(row, accountcode="ignore"))] == [
        pseudonym("2001"),
        pseudonym("2002"),
    ]
    coded = calls(read(asterisk_row(accountcode="0301234"), plan=BERLIN, accountcode="number"))
    assert coded[0].account_id == pseudonym("+49301234")
    assert coded[1].account_id == pseudonym("2002")


def test_the_caller_is_taken_from_clid_where_src_is_empty() -> None:
    out, _ = calls(read(asterisk_row(src="")))
    assert out.line_id == pseudonym("2001")


def test_an_anonymous_caller_has_no_peer_id() -> None:
    (record,) = calls(read(asterisk_row(src="anonymous", clid='"Anonymous" <anonymous>', channel="SIP/trunk-1")))
    assert (record.direction, record.peer_id, record.peer_kind) == ("mt", None, "other")


def test_ids_are_the_same_in_every_run_and_differ_between_sides_and_rows_with_one_uniqueid() -> None:
    rows = (asterisk_row(dst="2002"), asterisk_row(dst="2003", dstchannel="SIP/2003-1"))
    first = [record.record_id for record in calls(read(*rows))]
    assert first == [record.record_id for record in calls(read(*rows))]
    assert len(set(first)) == 4
    assert first[0].startswith("ast-1772445600.17-")


@pytest.mark.parametrize("columns", [16, 17, 18, 21])
def test_older_and_newer_column_sets_are_read(columns: int) -> None:
    assert len(calls(read(asterisk_row(columns)))) == 2


def test_local_time_follows_the_zone_through_the_year() -> None:
    winter, summer = (
        calls(read(asterisk_row(16, start=f"2026-{month}-02 10:00:00"), zone="Europe/Berlin"))[0].ts_ms
        for month in ("01", "07")
    )
    assert (winter, summer) == (ms("2026-01-02 09:00:00"), ms("2026-07-02 08:00:00"))


def test_in_the_hour_that_comes_twice_the_uniqueid_tells_which_one_it_was() -> None:
    first, second = ms("2026-10-25 00:30:00"), ms("2026-10-25 01:30:00")

    def start_of(**fields: object) -> int:
        columns = 18 if "uniqueid" in fields else 16
        row = asterisk_row(columns, start="2026-10-25 02:30:00", **fields)
        return calls(read(row, zone="Europe/Berlin"))[0].ts_ms

    assert start_of(uniqueid=f"{first // 1000}.5") == first
    assert start_of(uniqueid=f"{second // 1000}.5") == second
    assert start_of(uniqueid=f"pbx1-{second // 1000 + 1}.5") == second
    assert start_of() == first


def test_a_time_in_the_hour_that_is_skipped_is_still_read() -> None:
    (record, _) = calls(read(asterisk_row(16, start="2026-03-29 02:30:00"), zone="Europe/Berlin"))
    assert record.ts_ms == ms("2026-03-29 01:30:00")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (asterisk_row(9), "missing_field"),
        (asterisk_row(start="yesterday"), "wrong_type"),
        (asterisk_row(start=""), "wrong_type"),
        (asterisk_row(billsec="x"), "wrong_type"),
        (asterisk_row(billsec=-3), "out_of_range"),
        (asterisk_row(duration="nan"), "out_of_range"),
        (asterisk_row(src="", clid="", dst="s"), "missing_field"),
        (asterisk_row()[:-1], "unreadable_line"),
        (b'"a"b,', "unreadable_line"),
        (b"\x00\x01\x02", "missing_field"),
    ],
)
def test_what_is_no_call_is_refused_with_its_reason(row: bytes, reason: str) -> None:
    refused = letter(read(row))
    assert (refused.reason.value, refused.file, refused.line) == (reason, "Master.csv", 1)


def test_a_call_between_strangers_is_refused_when_our_prefixes_are_known() -> None:
    row = asterisk_row(src="015112345678", dst="08912345", channel="SIP/t-1", dstchannel="SIP/t-2")
    refused = letter(read(row, plan=BERLIN))
    assert (refused.reason.value, "own_prefixes" in refused.detail) == ("unknown_value", True)


def test_a_dead_letter_shows_the_shape_of_a_line_and_nothing_of_the_customer() -> None:
    raw = letter(read(asterisk_row(src="4930123456", start="soon"))).raw
    assert "##########" in raw
    assert not any(sign.isdigit() for sign in raw)
    assert "Hans" not in raw


def test_a_header_and_blank_lines_are_no_records() -> None:
    outgoing = read(b'"accountcode","src","dst"', b"", asterisk_row(), b"  ")
    assert (len(calls(outgoing)), outgoing.blank_lines) == (2, 3)
    assert list(outgoing.lines) == [2, 2]


def test_a_last_line_without_a_line_feed_is_whole_with_as_many_columns_as_the_others() -> None:
    source = AsteriskCsv("Master.csv", AsteriskOptions(), pseudonym)
    source.read([asterisk_row(18)], 0)
    assert source.is_whole(asterisk_row(18))
    assert not source.is_whole(asterisk_row(16))
    assert not source.is_whole(asterisk_row(18)[:-1])


cells = st.text(max_size=20) | st.sampled_from(
    ["2001", "+4915112345678", "2026-10-25 02:30:00", "60", '"', '","', "ANSWERED"]
)


@given(
    st.lists(
        st.binary(max_size=60)
        | st.dictionaries(
            st.sampled_from(["src", "dst", "start", "duration", "billsec", "uniqueid"]), cells, max_size=4
        ),
        max_size=5,
    )
)
def test_no_input_brings_the_reader_down(inputs: list[bytes | dict[str, str]]) -> None:
    lines = [each if isinstance(each, bytes) else asterisk_row(18, **each) for each in inputs]
    outgoing = read(*(line.replace(b"\n", b" ") for line in lines), plan=BERLIN, zone="Europe/Berlin")
    assert len(outgoing.topics) == len(outgoing.values)
    for topic, value in zip(outgoing.topics, outgoing.values, strict=True):
        msgspec.json.decode(value, type=DeadLetter if topic == DEAD_LETTERS else CallDetailRecord)
