from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CallDetailRecord
from pipeline.sources.gpp import gpp_json
from pipeline.sources.native import NativeLines
from pipeline.sources.numbers import NumberPlan
from tests.fakes.gpp_records import (
    ALL,
    ANSWERED_MS,
    CHF,
    IN_GATEWAY,
    MO,
    MO_SMS,
    MT,
    OUT_GATEWAY,
    PGW,
    SS_ACTION,
)
from tests.fakes.native_lines import (
    CHINA,
    FIXED_LINE,
    OWN,
    OWN_2,
    RIVAL,
    as_line,
    calls,
    check_contract,
    disturbed,
    letter,
    line_of,
    reason,
    surroundings,
)

TBCD = replace(CHINA, address_strings="tbcd")


def reader(plan: NumberPlan = CHINA) -> NativeLines:
    return gpp_json("records.json", surroundings(plan))


def call(base: dict[str, Any], plan: NumberPlan = CHINA, /, **fields: Any) -> CallDetailRecord:
    """The one record of this record with these fields changed; None takes a field away."""
    value = {key: each for key, each in {**base, **fields}.items() if each is not None}
    (record,) = calls(reader(plan), as_line(value))
    return record


def test_a_call_from_a_mobile_has_every_field_in_its_place() -> None:
    record = call(MO)
    assert (record.ts_ms, record.received_ms) == (ANSWERED_MS, ANSWERED_MS + 60_000)
    assert (record.account_id, record.line_id, record.peer_id) == (line_of(OWN), line_of(OWN), line_of(RIVAL))
    assert (record.service, record.direction, record.source) == ("voice", "mo", "mo_call")
    assert (record.peer_operator, record.peer_kind) == ("rival-b", "subscriber")
    assert (record.duration_s, record.charge, record.roaming) == (60.0, 0.0, False)
    assert (record.session_id, record.partial_seq, record.forward_to_operator) == (None, None, None)


def test_the_trunk_group_of_the_other_side_tells_its_network() -> None:
    assert call(MT).peer_operator == "rival-c", "the incoming trunk 17, although the number is rival-b's"
    assert call(MO, mscOutgoingTKGP=17).peer_operator == "rival-c"
    assert call(MO, mscOutgoingTKGP={"tkgpName": "TG-X"}).peer_operator == "rival-b", "an unknown trunk: the prefix"
    assert call(MO, mscOutgoingTKGP={"tkgpName": "TG-X"}, calledNumber="8615912345678").peer_operator == "unknown"
    assert call(MO, calledNumber=OWN_2).peer_operator == "self", "also over a transit trunk"


def test_the_routing_number_of_a_ported_number_wins_over_trunk_and_prefix() -> None:
    assert call(OUT_GATEWAY).peer_operator == "rival-c"
    assert call(OUT_GATEWAY, locationRoutNum=None).peer_operator == "rival-b"
    assert call(OUT_GATEWAY, locationRoutNum="12420").peer_operator == "self", "ported in: a number of a rival's, ours"


def test_gateway_records_are_joined_by_the_number_that_is_ours() -> None:
    out, into = call(OUT_GATEWAY), call(IN_GATEWAY)
    assert (out.line_id, out.peer_id, out.direction, out.source) == (line_of(OWN), line_of(RIVAL), "mo", "out_gateway")
    assert (into.line_id, into.peer_id, into.direction, into.source) == (
        line_of(OWN),
        line_of(RIVAL),
        "mt",
        "inc_gateway",
    )
    assert reason(reader(), as_line({**IN_GATEWAY, "calledNumber": FIXED_LINE})) == "unknown_value"


def test_an_unanswered_call_has_its_seizure_time_and_no_duration() -> None:
    record = call(MO, answerTime=None, releaseTime=None, callDuration=0)
    assert (record.ts_ms, record.duration_s) == (ANSWERED_MS - 5_000, 0.0)


def test_parts_of_one_call_share_a_session_and_rise() -> None:
    first, second, other = (
        call(MO, sequenceNumber=number, callReference=reference, causeForTerm=1, answerTime=time)
        for number, reference, time in (
            (1, "77", "2603021000052B0800"), (2, "77", "2603021030052B0800"), (1, "78", "2603021000052B0800"),
        )
    )  # fmt: skip
    assert first.session_id == second.session_id != other.session_id
    assert (first.partial_seq, second.partial_seq) == (1, 2)
    assert len({first.record_id, second.record_id, other.record_id}) == 3
    assert call(MT, sequenceNumber=1, callReference="77", servedMSISDN=OWN_2).session_id != first.session_id


def test_a_resend_has_the_same_id_however_it_was_decoded() -> None:
    assert call(MO).record_id == call({**MO, "recordType": "moCallRecord"}, servedIMEI=None).record_id
    assert call(MO).record_id != call(MO, callDuration=61).record_id


def test_a_forwarded_leg_is_told_from_a_call() -> None:
    assert call(MO, supplServicesUsed=[{"ssCode": "2A", "ssTime": "2603021000002B0800"}]).direction == "forward"
    assert call(MO, supplServicesUsed=[{"ssCode": "11"}]).direction == "mo"


@pytest.mark.parametrize(
    ("fields", "forward_to"),
    [
        ({}, "rival-b"),
        ({"ssAction": 2}, "rival-b"),
        ({"ssAction": "registration", "supplService": "cfnry"}, "rival-b"),
        ({"ssParameters": {"forwardedToNumber": OWN_2}}, "self"),
        ({"ssParameters": {"forwardedToNumber": FIXED_LINE}}, "fixed"),
        ({"ssAction": 2, "ssParameters": None}, "unknown"),
        ({"ssAction": 1}, None),
        ({"ssAction": "deactivation"}, None),
        ({"ssAction": 4}, None),
        ({"supplService": "41"}, None),
        ({"ssActionResult": {"gsm0902MapErrorValue": 21}}, None),
    ],
)
def test_call_forwarding_that_was_set_tells_where_to(fields: dict[str, object], forward_to: str | None) -> None:
    record = call(SS_ACTION, CHINA, **fields)
    assert record.forward_to_operator == forward_to
    assert (record.source, record.direction, record.duration_s) == ("ss_action", "forward", 0.0)


def test_a_message_is_a_record_sent_or_received_also_when_it_failed() -> None:
    sent = call(MO_SMS, smsResult={"gsm0411Cause": 38})
    assert (sent.service, sent.direction, sent.source, sent.peer_operator) == ("sms", "mo", "sms", "rival-b")
    got = call(MO_SMS, recordType=7, originationTime=None, destinationNumber=None, deliveryTime="2603021000052B0800")
    assert (got.direction, got.peer_id, got.peer_kind) == ("mt", None, "other")
    assert call(MO_SMS, originationTime=None, eventTimeStamp="2603021000052B0800").ts_ms == ANSWERED_MS


def test_a_data_session_sums_its_volumes_and_joins_its_parts() -> None:
    record, second = call(PGW), call(PGW, recordSequenceNumber=2)
    assert (record.bytes_up, record.bytes_down, record.duration_s) == (150, 1500, 900.0)
    assert (record.service, record.direction, record.source, record.peer_operator) == ("data", "mo", "data", "self")
    assert record.received_ms == ANSWERED_MS + 900_000
    assert (record.session_id, record.partial_seq) == (second.session_id, 1)
    assert call(PGW, chargingID=4712).session_id != record.session_id
    assert call(PGW, recordSequenceNumber=None).session_id is None


def test_volumes_by_service_and_by_bearer_are_the_same_bytes() -> None:
    services = [{"ratingGroup": 1, "datavolumeFBCUplink": 140, "datavolumeFBCDownlink": 1400}]
    record = call(PGW, listOfServiceData=services)
    assert (record.bytes_up, record.bytes_down) == (140, 1400)


def test_a_session_of_a_5g_core_is_of_the_number_among_its_identifiers() -> None:
    record = call(CHF)
    assert (record.line_id, record.bytes_up, record.bytes_down) == (line_of(OWN_2), 11, 132)
    assert (record.partial_seq, record.roaming, record.duration_s) == (2, True, 600.0)
    inbound = {**CHF["pDUSessionChargingInformation"], "userRoamerInOut": "roamerInBound"}
    assert not call(CHF, pDUSessionChargingInformation=inbound).roaming
    gpsi = call(CHF, pDUSessionChargingInformation=None, subscriberIdentifier=f"msisdn-{OWN}")
    assert gpsi.line_id == line_of(OWN)
    assert call(CHF, sMSChargingInformation={"messageReference": "1"}).service == "sms"
    assert reason(reader(), as_line({**CHF, "pDUSessionChargingInformation": {}})) == "missing_field", "an IMSI alone"


def test_another_network_is_roaming_where_ours_are_known() -> None:
    assert call(PGW, servingNodePLMNIdentifier="64F010").roaming
    assert call(MO, location={"plmnId": "26201"}).roaming
    assert not call(MO, location={"locationAreaCode": "1A2B"}).roaming
    assert not call(PGW, replace(CHINA, own_networks=frozenset()), servingNodePLMNIdentifier="64F010").roaming


@pytest.mark.parametrize(
    "wrap",
    [
        lambda fields: {"mOCallRecord": fields},
        lambda fields: {"moCallRecord": {key: value for key, value in fields.items() if key != "recordType"}},
        lambda fields: {"CallEventRecord": {"moCallRecord": fields}},
        lambda fields: {**fields, "recordType": "moCallRecord"},
        lambda fields: [fields],
    ],
)
def test_a_record_is_known_in_every_wrapping(wrap: Any) -> None:
    (record,) = calls(reader(), as_line(wrap(MO)))
    assert record == call(MO)


def test_the_charging_record_is_known_by_its_names() -> None:
    fields = {key: value for key, value in CHF.items() if key != "recordType"}
    for value in ({"chargingFunctionRecord": fields}, {**fields, "recordType": "chargingFunctionRecord"}):
        assert len(calls(reader(), as_line(value))) == 1


def test_numbers_are_read_as_octets_where_the_settings_say_so() -> None:
    record = call(MO, TBCD, servedMSISDN="91683108100005F0", calledNumber="A13110325476F8")
    assert (record.line_id, record.peer_id) == (line_of(OWN), line_of("8613012345678"))


def test_a_typed_address_says_itself_whether_it_is_international() -> None:
    assert call(MO, calledNumber={"ton": 1, "npi": 1, "digits": "4915112345678"}).peer_operator == "intl"
    assert call(MO, calledNumber={"natureOfAddress": "national", "address": "13012345678"}).peer_id == line_of(RIVAL)
    assert call(MO, calledNumber="10010").peer_kind == "competitor_hotline"


def test_each_record_has_a_clock_with_an_offset_of_its_own() -> None:
    times = ("2603021000052B0800", "2603020200052B0000", "2603012100052D0500", "2603020200052D0000")
    assert {call(MO, answerTime=time, releaseTime=None).ts_ms for time in times} == {ANSWERED_MS}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({**MO, "servedMSISDN": None}, "missing_field"),
        ({**MO, "servedMSISDN": "anonymous"}, "missing_field"),
        ({**MO, "answerTime": "2613991000052B0800"}, "wrong_type"),
        ({**MO, "answerTime": "", "seizureTime": ""}, "missing_field"),
        ({**MO, "answerTime": "2703021000052B0800", "releaseTime": "2703021001052B0800"}, "from_the_future"),
        ({**MO, "answerTime": "0003021000052B0800", "releaseTime": ""}, "too_old"),
        ({**MO, "answerTime": "2503021000052B0800"}, "out_of_range"),
        ({**MO, "callDuration": -3}, "out_of_range"),
        ({**MO, "callDuration": "long"}, "wrong_type"),
        ({**PGW, "recordOpeningTime": None}, "wrong_type"),
        ({**PGW, "listOfTrafficVolumes": [{"dataVolumeGPRSUplink": -1}]}, "out_of_range"),
        ({**PGW, "listOfTrafficVolumes": [{"dataVolumeGPRSUplink": 2**60}]}, "out_of_range"),
        ({**SS_ACTION, "ssActionTime": ""}, "missing_field"),
        ({"recordType": "pizzaRecord"}, "unknown_value"),
        ({"a": 1, "b": 2}, "missing_field"),
        ({}, "missing_field"),
    ],
)
def test_what_is_no_record_is_refused_with_its_reason(value: dict[str, object], expected: str) -> None:
    assert reason(reader(), as_line(value)) == expected


def test_records_of_other_types_tell_nothing_and_are_no_mistake() -> None:
    assert calls(reader(), as_line({"recordType": 14, "servedIMSI": "1"}), as_line({"hLRIntRecord": {"x": 1}})) == []


def test_no_number_leaves_the_reader() -> None:
    lines = [as_line(each) for each in ALL] + [
        as_line({**each, "servedMSISDN": OWN, "recordType": "x"}) for each in ALL
    ]
    sent = b"".join(reader().read(lines, 0).values)
    assert not any(number.encode() in sent for number in (OWN, OWN_2, RIVAL, "460001234567890", "8613800000001"))
    assert not any(sign.isdecimal() for sign in letter(reader(), as_line({**MO, "callDuration": "x"})).raw)


@given(st.lists(st.binary(max_size=40) | disturbed(ALL), min_size=1, max_size=3))
def test_no_input_brings_the_reader_down(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    for plan in (CHINA, TBCD):
        check_contract(reader(plan).read(lines, 0), lines)
