"""The truth agrees with the records by the label rules, and every cause leaves the traces it should and no others."""

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from pipeline.events import Stream, Truth
from pipeline.sources.operator.clock import DAY_MS, START_MS
from pipeline.sources.operator.config import ChurnConfig, load_scenario
from pipeline.sources.operator.population import line_name
from pipeline.sources.operator.simulate import OperatorDay, days

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def run() -> list[OperatorDay]:
    """A market where many leave, long enough for both labels of a silent line."""
    churn = ChurnConfig(monthly=0.12, monthly_high=0.2, involuntary_monthly=0.02)
    return list(days(load_scenario("calm", customers=250, days=110, seed=5, churn=churn)))


@pytest.fixture(scope="module")
def truth(run: list[OperatorDay]) -> dict[str, Truth]:
    return {one.line_id: one for day in run for one in day.truth}


@pytest.fixture(scope="module")
def records(run: list[OperatorDay]) -> dict[Stream, Rows]:
    rows: dict[Stream, Rows] = defaultdict(list)
    for day in run:
        for stream in (Stream.ORDERS, Stream.OUTCOMES, Stream.CARE):
            rows[stream] += map(msgspec.json.decode, day.streams[stream].lines)
    return rows


@pytest.fixture(scope="module")
def last_activity(run: list[OperatorDay]) -> dict[str, int]:
    last: dict[str, int] = {}
    for day in run:
        for line in day.streams[Stream.CDR].lines:
            try:
                call = msgspec.json.decode(line)
                last[call["line_id"]] = max(last.get(call["line_id"], 0), call["ts_ms"])
            except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
                continue
    return last


def test_a_completed_order_is_the_departure_unless_the_line_comes_back(
    truth: dict[str, Truth], records: dict[Stream, Rows]
) -> None:
    back = {row["line_id"] for row in records[Stream.ORDERS] if row["kind"] == "reconnect"}
    done = [row for row in records[Stream.ORDERS] if row["kind"] in {"port_out_done", "termination_done"}]
    certain = [row for row in done if row["line_id"] not in back and row["ts_ms"] < START_MS + 80 * DAY_MS]
    missing = [row for row in certain if row["line_id"] not in truth]
    assert len(certain) > 40
    assert len(missing) <= 0.1 * len(certain)  # some come back after the last day
    assert all(truth[row["line_id"]].churn_ms == row["ts_ms"] for row in certain if row["line_id"] in truth)


def test_a_silent_line_left_at_its_last_activity_and_is_told_after_40_and_90_days(
    truth: dict[str, Truth], records: dict[Stream, Rows], last_activity: dict[str, int]
) -> None:
    silent = [row for row in records[Stream.OUTCOMES] if row["churn_kind"] == "silence"]
    assert {row["note"] for row in silent} == {"proxy", "final"}
    for row in silent:
        assert row["churn_ms"] == truth[row["line_id"]].churn_ms
        assert row["ts_ms"] >= row["churn_ms"] + (40 if row["note"] == "proxy" else 90) * DAY_MS
        if row["churn_ms"] > START_MS:
            assert row["churn_ms"] == last_activity[row["line_id"]]


def test_nobody_calls_after_leaving(truth: dict[str, Truth], last_activity: dict[str, int]) -> None:
    assert all(last_activity.get(line, 0) <= one.churn_ms for line, one in truth.items())


def test_involuntary_churn_follows_notices_and_a_suspension(
    truth: dict[str, Truth], records: dict[Stream, Rows]
) -> None:
    involuntary = [row for row in records[Stream.OUTCOMES] if row["churn_kind"] == "involuntary"]
    suspended = {
        row["line_id"] for row in records[Stream.ORDERS] if row["kind"] == "suspend" and row["origin"] == "own_billing"
    }
    assert len(involuntary) >= 3
    assert all(truth[row["line_id"]].cause == "involuntary" for row in involuntary)
    late_enough = [row for row in involuntary if row["ts_ms"] > START_MS + 30 * DAY_MS]
    assert {row["line_id"] for row in late_enough} <= suspended


def test_quiet_leavers_leave_no_order_and_no_care_record_of_their_own_before_the_last_day(
    run: list[OperatorDay], truth: dict[str, Truth], records: dict[Stream, Rows]
) -> None:
    quiet = {line_name(e.line): e.day for day in run for e in day.episodes if e.leaves and e.trace in {"fade", "none"}}
    leaving = {
        "port_eligibility_query",
        "contract_release_request",
        "ownership_transfer",
        "bundle_unbind",
        "termination",
    }
    told = [
        row
        for row in records[Stream.ORDERS]
        if row.get("line_id") in quiet
        and row["line_id"] in truth
        and row["kind"] in leaving
        and START_MS + quiet[row["line_id"]] * DAY_MS < row["ts_ms"] < truth[row["line_id"]].churn_ms - DAY_MS
    ]
    assert len(quiet) > 20
    assert told == []


def test_each_cause_leads_by_its_own_time_and_life_events_by_hardly_any(truth: dict[str, Truth]) -> None:
    lead = defaultdict(list)
    for one in truth.values():
        if one.decided_ms is not None:
            lead[one.cause].append((one.churn_ms - one.decided_ms) / DAY_MS)
    mean = {cause: sum(values) / len(values) for cause, values in lead.items()}
    assert mean["life_event"] < 6 < mean["service"]
    assert mean["fade"] > 12
    assert {"price", "service", "rival", "contagion", "fade", "life_event"} <= set(mean)


def test_deciders_show_the_traces_of_their_cause(run: list[OperatorDay], records: dict[Stream, Rows]) -> None:
    def share_with(kind: str, cause: str) -> float:
        told = {row["line_id"] for row in records[Stream.CARE] if row["kind"] == kind and "line_id" in row}
        lines = {
            line_name(e.line)
            for day in run
            for e in day.episodes
            if e.decides and e.name == cause and e.trace == "full"
        }
        return len(lines & told) / len(lines)

    assert share_with("complaint", "service") > 2 * share_with("complaint", "price")
    assert share_with("price_inquiry", "price") > 2 * share_with("price_inquiry", "service")
