"""What the synthetic operator sends: contract records, in order, with mediation's faults counted exactly."""

from collections import Counter, defaultdict
from typing import Any

import msgspec
import pytest

from pipeline.events import BillingKind, BillingRecord, CallDetailRecord, CustomerRecord, Record, Stream
from pipeline.refusals import Refusal, decode_record
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, START_MS
from pipeline.sources.operator.config import MediationConfig, load_scenario
from pipeline.sources.operator.simulate import OperatorDay, days

Arrived = list[tuple[int, bytes, Record | Refusal]]


@pytest.fixture(scope="module")
def run() -> list[OperatorDay]:
    mediation = MediationConfig(duplicate_share=0.01, malformed_share=0.003)
    return list(days(load_scenario("calm", customers=250, days=45, seed=3, mediation=mediation)))


@pytest.fixture(scope="module")
def arrived(run: list[OperatorDay]) -> dict[Stream, Arrived]:
    records: dict[Stream, Arrived] = defaultdict(list)
    for day in run:
        for stream, batch in day.streams.items():
            records[stream] += [(received, key, decode_record(stream, line)) for received, key, line in batch]
    return records


def calls_of(arrived: dict[Stream, Arrived]) -> list[tuple[int, CallDetailRecord]]:
    return [(received, record) for received, _, record in arrived[Stream.CDR] if isinstance(record, CallDetailRecord)]


def test_every_record_decodes_except_the_malformed_ones_that_were_put_in(
    run: list[OperatorDay], arrived: dict[Stream, Arrived]
) -> None:
    refused = Counter(
        record.reason for rows in arrived.values() for _, _, record in rows if isinstance(record, Refusal)
    )
    put_in: Counter[Any] = Counter()
    for day in run:
        put_in.update(day.malformed)
    assert refused == put_in
    assert len(put_in) >= 5


def test_keys_are_accounts_and_records_are_ordered_by_the_day_and_moment_they_are_received(
    run: list[OperatorDay],
) -> None:
    for day in run:
        for stream, batch in day.streams.items():
            assert batch.received_ms == sorted(batch.received_ms)
            assert all(day.day_ms <= received < day.day_ms + DAY_MS for received in batch.received_ms)
            for received, key, line in batch:
                record = decode_record(stream, line)
                if not isinstance(record, Refusal):
                    assert record.account_id.encode() == key
                    assert record.received_ms in {received, None}
                    assert record.ts_ms <= received


def test_customers_come_first_and_name_every_line(arrived: dict[Stream, Arrived]) -> None:
    known = {
        line
        for received, _, record in arrived[Stream.CUSTOMERS]
        if isinstance(record, CustomerRecord) and received == START_MS
        for line in record.lines
    }
    assert {call.line_id for _, call in calls_of(arrived)} <= known
    others = [rows[0][0] for stream, rows in arrived.items() if stream is not Stream.CUSTOMERS and rows]
    assert min(others) > START_MS - 1


def test_duplicates_and_late_records_are_as_many_as_the_count_says(
    run: list[OperatorDay], arrived: dict[Stream, Arrived]
) -> None:
    seen: set[str] = set()
    duplicates = late = 0
    for received, call in calls_of(arrived):
        if call.record_id in seen:
            duplicates += 1
        elif received - call.ts_ms - call.duration_s * 1000 > HOUR_MS:
            late += 1
        seen.add(call.record_id)
    assert duplicates == sum(day.duplicates for day in run) > 0
    assert late == sum(day.late for day in run) > 0


def test_an_invoice_is_the_rated_usage_since_the_last_one_plus_the_fee(arrived: dict[Stream, Arrived]) -> None:
    used: dict[str, list[tuple[int, int]]] = defaultdict(list)
    seen: set[str] = set()
    for _, call in calls_of(arrived):
        if call.record_id not in seen:
            used[call.account_id].append((call.ts_ms, round(call.charge * 10_000)))
        seen.add(call.record_id)
    bills = [record for _, _, record in arrived[Stream.BILLING] if isinstance(record, BillingRecord)]
    fees = {(b.account_id, b.ts_ms // DAY_MS): round(b.amount * 10_000) for b in bills if b.kind is BillingKind.CHARGE}
    checked = 0
    before: dict[str, int] = {}
    for bill in sorted(
        (b for b in bills if b.kind is BillingKind.INVOICE and b.ts_ms >= START_MS), key=lambda b: b.ts_ms
    ):
        midnight = bill.ts_ms // DAY_MS * DAY_MS
        if bill.account_id in before:
            usage = sum(c for ts, c in used[bill.account_id] if before[bill.account_id] <= ts < midnight)
            fee = fees.get((bill.account_id, bill.ts_ms // DAY_MS), 0)
            assert round(bill.amount * 10_000) == usage + fee
            checked += 1
        before[bill.account_id] = midnight
    assert checked > 50


def test_a_call_between_two_of_our_lines_stands_on_both_sides(arrived: dict[Stream, Arrived]) -> None:
    calls = [call for _, call in calls_of(arrived)]
    sides = {(c.line_id, c.peer_id, c.ts_ms, c.direction) for c in calls}
    own = [
        c
        for c in calls
        if c.peer_operator == "self" and c.peer_kind == "subscriber" and c.ts_ms < START_MS + 40 * DAY_MS
    ]
    mirrored = [(c.peer_id, c.line_id, c.ts_ms, "mt" if c.direction == "mo" else "mo") in sides for c in own]
    assert len(own) > 1000
    assert sum(mirrored) / len(mirrored) > 0.98


def test_parts_of_a_session_share_its_id_and_count_up(arrived: dict[Stream, Arrived]) -> None:
    parts: dict[str, set[int]] = defaultdict(set)
    for _, call in calls_of(arrived):
        if call.session_id is not None:
            assert call.partial_seq is not None
            parts[call.session_id].add(call.partial_seq)
    whole = [numbers for numbers in parts.values() if len(numbers) == 3]
    assert len(whole) > 0.9 * len(parts) > 0


def test_about_three_records_a_line_and_day_and_more_with_more_activity() -> None:
    def rate(activity: float) -> float:
        config = load_scenario("calm", customers=300, days=6, activity=activity)
        run = list(days(config))
        return sum(len(day.streams[Stream.CDR]) for day in run[1:]) / sum(day.live_lines for day in run[1:])

    assert 2.4 < rate(1.0) < 3.6
    assert 4.8 < rate(2.0) < 7.2


def test_bills_of_the_months_before_day_0_are_loaded_with_it(run: list[OperatorDay]) -> None:
    first = [msgspec.json.decode(line) for line in run[0].streams[Stream.BILLING].lines]
    old = [bill for bill in first if bill["kind"] == "invoice" and bill["ts_ms"] < START_MS]
    assert len({bill["account_id"] for bill in old}) > 100
    assert min(bill["ts_ms"] for bill in old) > START_MS - 89 * DAY_MS
