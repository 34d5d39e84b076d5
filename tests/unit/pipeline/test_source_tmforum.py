from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import BillingRecord, CallDetailRecord, CareRecord, OrderRecord, Record, Stream
from pipeline.sources.native import NativeLines
from pipeline.sources.tmforum import STREAMS, tmforum_json
from tests.fakes.native_lines import (
    OWN,
    RIVAL,
    as_line,
    check_contract,
    disturbed,
    letter,
    line_of,
    pseudonym,
    reason,
    records,
    surroundings,
)
from tests.fakes.tmf_payloads import ALL, BILL, ORDER, PRODUCT, TICKET, USAGE, event, named


def reader(accounts: dict[str, str] | None = None) -> NativeLines:
    return tmforum_json("payloads.json", surroundings(accounts=accounts))


def read(base: dict[str, Any], **fields: object) -> list[Record]:
    return records(reader(), as_line({key: each for key, each in {**base, **fields}.items() if each is not None}))


def usage(*, renamed: dict[str, str] | None = None, **fields: object) -> CallDetailRecord:
    """The record of a usage with these characteristics renamed or these fields changed."""
    value = dict(USAGE)
    if renamed is not None:
        value["usageCharacteristic"] = named(**renamed)
    (record,) = read(value, **fields)
    assert isinstance(record, CallDetailRecord)
    return record


def orders(base: dict[str, Any], **fields: object) -> list[OrderRecord]:
    found = read(base, **fields)
    assert all(isinstance(each, OrderRecord) for each in found)
    return [each for each in found if isinstance(each, OrderRecord)]


def care(**fields: object) -> list[CareRecord]:
    found = read(TICKET, **fields)
    return [each for each in found if isinstance(each, CareRecord)]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def kinds(steps: list[OrderRecord]) -> list[tuple[str, int]]:
    return [(step.kind.value, step.ts_ms) for step in steps]


def test_a_usage_has_every_field_in_its_place() -> None:
    record = usage()
    assert (record.ts_ms, record.received_ms) == (ms("2026-03-02T02:00:05Z"), ms("2026-03-02T02:02:00Z"))
    assert (record.account_id, record.line_id, record.peer_id) == ("C-9", line_of(OWN), line_of(RIVAL))
    assert (record.service, record.direction, record.source) == ("voice", "mo", "mo_call")
    assert (record.peer_operator, record.duration_s, record.charge) == ("rival-b", 90.0, 1.2)


def test_characteristics_in_use_elsewhere_are_known() -> None:
    into = usage(
        renamed={"directionCode": "Incoming", "callingNumber": RIVAL, "calledNumber": OWN, "duration": "00:01:30"}
    )
    assert (into.direction, into.line_id, into.duration_s) == ("mt", line_of(OWN), 90.0)
    minutes = usage(renamed={"aNumber": OWN, "b-number": RIVAL, "duration": "1.5", "durationUnit": "MIN"})
    assert (minutes.duration_s, minutes.peer_id) == (90.0, line_of(RIVAL))
    data = usage(renamed={"msisdn": OWN, "volume": "1.5", "unit": "MB", "roaming": "Y"}, usageType="Mobile data")
    assert (data.service, data.bytes_down, data.roaming, data.peer_operator) == ("data", 1_500_000, True, "self")
    message = usage(renamed={"msisdn": OWN}, usageType=None, usageSpecification={"id": "1", "name": "SMS usage"})
    assert (message.service, message.duration_s) == ("sms", 0.0)


def test_a_usage_without_a_number_is_of_its_product_and_one_that_was_rejected_is_none() -> None:
    assert usage(renamed={"duration": "5"}).line_id == pseudonym("P-1")
    assert read(USAGE, status="rejected") == []


def test_the_table_of_accounts_wins_over_the_payload() -> None:
    (record,) = records(reader({f"+{OWN}": "FROM-TABLE"}), as_line(USAGE))
    assert record.account_id == "FROM-TABLE"


def test_a_bill_is_an_invoice_and_its_payments() -> None:
    invoice, payment = read(BILL)
    assert isinstance(invoice, BillingRecord)
    assert isinstance(payment, BillingRecord)
    assert (invoice.kind.value, invoice.amount, invoice.balance, invoice.period) == ("invoice", 120.5, 20.5, "2026-02")
    assert (invoice.ts_ms, invoice.due_ms) == (ms("2026-03-01T00:00:00+08:00"), ms("2026-03-20T00:00:00Z"))
    assert (invoice.account_id, invoice.line_id) == ("ACME-7", None)
    assert (payment.kind.value, payment.amount, payment.ts_ms) == ("payment", 100.0, ms("2026-03-12T10:00:00Z"))
    assert invoice.received_ms == payment.received_ms == ms("2026-03-12T10:00:00Z"), "one line reaches us at once"


def test_the_bill_of_category_last_says_that_somebody_leaves() -> None:
    *_, order = read(BILL, category="last")
    assert isinstance(order, OrderRecord)
    assert (order.kind.value, order.origin.value, order.reason) == ("termination", "own_billing", "final_bill")


def test_a_duplicate_and_a_later_state_of_a_bill_have_its_id() -> None:
    first, copy = read(BILL)[0], read(BILL, id="B-2", category="duplicate", state="settled")[0]
    assert isinstance(first, BillingRecord)
    assert isinstance(copy, BillingRecord)
    assert first.record_id == copy.record_id


def test_a_delete_is_a_termination_and_noChange_is_nothing() -> None:  # noqa: N802  # the action is called so
    (step,) = orders(ORDER)
    assert kinds([step]) == [("termination", ms("2026-03-02T02:00:00Z"))]
    assert (step.account_id, step.line_id, step.product) == ("ACME-7", line_of(OWN), "Mobile 10000")
    assert step.origin.value == "customer_to_us"


def item(action: str, **fields: object) -> dict[str, object]:
    first = ORDER["productOrderItem"][0]
    return {**ORDER, "productOrderItem": [{**first, "state": None, "action": action}], **fields}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (item("delete", state="completed", completionDate="2026-03-09T00:00:00Z"),
         [("termination", "2026-03-02T02:00:00Z"), ("termination_done", "2026-03-09T00:00:00Z")]),
        (item("delete", state="cancelled", cancellationDate="2026-03-04T00:00:00Z"),
         [("termination", "2026-03-02T02:00:00Z"), ("termination_cancelled", "2026-03-04T00:00:00Z")]),
        (item("add"), [("service_request", "2026-03-02T02:00:00Z")]),
        (item("add", state="completed", completionDate="2026-03-09T00:00:00Z"),
         [("service_request", "2026-03-02T02:00:00Z"), ("provisioning_done", "2026-03-09T00:00:00Z")]),
        (item("modify", state="failed"), [("service_request", "2026-03-02T02:00:00Z")]),
        (item("noChange"), []),
    ],
)  # fmt: skip
def test_an_item_has_taken_the_steps_of_its_state(value: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert kinds(orders(value)) == [(kind, ms(time)) for kind, time in expected]


def test_each_step_of_an_order_has_one_id_in_all_its_states() -> None:
    (asked,) = orders(item("delete"))
    again, done = orders(item("delete", state="completed", completionDate="2026-03-09T00:00:00Z"))
    assert asked.record_id == again.record_id != done.record_id


def test_orders_of_version_2_and_events_around_an_order_are_read() -> None:
    old = {**ORDER, "orderItem": ORDER["productOrderItem"], "productOrderItem": None}
    assert kinds(orders(old)) == kinds(orders(ORDER))
    done = event("ProductOrderStateChangeEvent", "productOrder", item("delete", state="completed"))
    assert kinds(orders(done))[1] == ("termination_done", ms("2026-03-05T00:00:00Z")), "the time of the event"


@pytest.mark.parametrize(
    ("fields", "kind", "time"),
    [
        ({}, "termination", "2026-03-02T02:00:00Z"),
        ({"status": "suspended"}, "suspend", "2026-03-02T02:00:00Z"),
        (
            {"status": "terminated", "terminationDate": "2026-03-01T00:00:00Z"},
            "termination_done",
            "2026-03-01T00:00:00Z",
        ),
        ({"status": "active"}, "provisioning_done", "2024-01-01T00:00:00Z"),
        ({"status": "pendingActive", "startDate": "2026-03-01T00:00:00Z"}, "service_request", "2026-03-01T00:00:00Z"),
    ],
)
def test_the_state_of_a_product_tells_a_step(fields: dict[str, object], kind: str, time: str) -> None:
    (step,) = orders(PRODUCT, **fields)
    assert kinds([step]) == [(kind, ms(time))]
    assert (step.account_id, step.line_id, step.product) == ("ACME-7", line_of(OWN), "Mobile 10000")


def test_a_product_that_becomes_active_long_after_its_start_was_resumed() -> None:
    back = event("ProductStateChangeEvent", "product", {**PRODUCT, "status": "active"})
    new = event(
        "ProductStateChangeEvent", "product", {**PRODUCT, "status": "active", "startDate": "2026-03-04T00:00:00Z"}
    )
    assert [orders(each)[0].kind.value for each in (back, new)] == ["resume", "provisioning_done"]


def test_a_product_that_never_was_tells_nothing_and_a_state_without_a_time_is_refused() -> None:
    assert orders(PRODUCT, status="cancelled") == []
    assert reason(reader(), as_line({**PRODUCT, "lastUpdate": ""})) == "missing_field"


def test_a_ticket_is_what_its_type_says_without_the_number_in_its_text() -> None:
    (fault,) = care()
    assert (fault.kind.value, fault.severity, fault.channel, fault.account_id) == ("fault", 5, "Self Service", "ACME-7")
    assert fault.text == "Line dead since Monday, call me on +#"
    assert fault.ts_ms == ms("2026-03-02T02:00:00Z")
    (complaint,) = care(ticketType="Complaint", severity=None, priority="Low")
    assert (complaint.kind.value, complaint.severity) == ("complaint", 2)
    assert care(ticketType="competitor offer")[0].kind.value == "competitor_contact"
    assert care(ticketType="other", name="other")[0].kind.value == "complaint"


def test_a_closed_fault_and_a_broken_promise_are_records_of_their_own() -> None:
    late = care(status="closed", resolutionDate="2026-03-03T02:00:00Z")
    assert [(each.kind.value, each.ts_ms) for each in late] == [
        ("fault", ms("2026-03-02T02:00:00Z")),
        ("fault_closed", ms("2026-03-03T02:00:00Z")),
        ("sla_breach", ms("2026-03-02T10:00:00Z")),
    ]
    in_time = care(status="resolved", resolutionDate="2026-03-02T09:00:00Z")
    assert [each.kind.value for each in in_time] == ["fault", "fault_closed"]
    assert care(status="cancelled") == []


def test_a_list_and_a_mixture_of_apis_go_to_their_streams() -> None:
    outgoing = reader().read([as_line(list(ALL))], 0)
    assert set(outgoing.topics) == {stream.value for stream in STREAMS}
    assert {Stream.ORDERS, Stream.CARE, Stream.BILLING, Stream.CDR} == STREAMS
    assert len(set(outgoing.received_ms)) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({**USAGE, "usageType": "pizza", "@type": "x"}, "wrong_type"),
        ({**USAGE, "usageCharacteristic": named(msisdn=OWN, duration="5", unit="fortnights")}, "wrong_type"),
        ({**USAGE, "usageDate": "soon", "usageCharacteristic": named(msisdn=OWN)}, "wrong_type"),
        ({**USAGE, "id": "", "href": ""}, "missing_field"),
        ({**USAGE, "usageCharacteristic": [], "ratedProductUsage": []}, "missing_field"),
        ({**USAGE, "ratedProductUsage": [{"taxIncludedRatingAmount": -1, "productRef": {"id": "P"}}]}, "out_of_range"),
        ({**BILL, "taxIncludedAmount": {"value": "much"}}, "wrong_type"),
        ({**BILL, "billDate": ""}, "missing_field"),
        ({**BILL, "billingAccount": None, "relatedParty": []}, "missing_field"),
        ({**BILL, "billDate": "2031-03-01T00:00:00Z"}, "from_the_future"),
        ({**ORDER, "productOrderItem": []}, "missing_field"),
        (item("explode"), "wrong_type"),
        (item("delete", state="completed", orderDate=""), "missing_field"),
        ({**PRODUCT, "status": "dreaming"}, "wrong_type"),
        ({**TICKET, "creationDate": "1999-01-01T00:00:00Z"}, "too_old"),
        ({"hello": "world"}, "unknown_value"),
        ({"event": {"party": {"id": "1"}}}, "unknown_value"),
    ],
)
def test_what_is_no_resource_is_refused_with_its_reason(value: dict[str, object], expected: str) -> None:
    assert reason(reader(), as_line(value)) == expected


def test_no_number_and_no_name_leaves_the_reader() -> None:
    sent = b"".join(reader().read([as_line(each) for each in ALL], 0).values)
    assert not any(word.encode() in sent for word in (OWN, OWN[2:], RIVAL, RIVAL[2:], "Chen", "0010 0500"))
    assert not any(sign.isdecimal() for sign in letter(reader(), as_line({**BILL, "billDate": OWN})).raw)


@given(st.lists(st.binary(max_size=40) | disturbed(ALL), min_size=1, max_size=3))
def test_no_input_brings_the_reader_down(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    check_contract(reader().read(lines, 0), lines)
