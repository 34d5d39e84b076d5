"""What single records do: warnings at their record, endings, churn and its taking back, accounts, sessions, silence."""

from typing import Any

import numpy as np
import pytest

from models.labels import DelayedLabels
from pipeline.events import ChurnKind, Level, OrderKind
from pipeline.state.catalogue import NEVER, NO_TIME
from pipeline.worker_metrics import LABEL_REFUSED
from tests.fakes.labels import RecordingLabels
from tests.fakes.pipeline_runs import (
    DAY_MS,
    HOUR_MS,
    MONDAY_MS,
    Run,
    call,
    care,
    column,
    customer,
    invoice,
    order,
    outcome,
    policy,
    run_of,
    topics_of,
)

NOON_MS = MONDAY_MS + 12 * HOUR_MS


def causes(run: Run) -> list[str]:
    return [warning.reasons[0] for warning in run.warnings]


def refused_labels(run: Run) -> dict[str, int]:
    return {name: count for name, count in run.effects.counts.items() if name.startswith(LABEL_REFUSED)}


def hard_record(kind: str) -> dict[str, list[dict[str, Any]]]:
    record = {"ts_ms": NOON_MS, "severity": 1}
    is_order = kind in set(OrderKind)
    return {"orders": [order(kind, ts_ms=NOON_MS)]} if is_order else {"care": [care(kind, **record)]}


#: Signals that need more than the kind of a record: a score, or time. They have tests of their own, as what is `out` has.
NEEDS_MORE = {name for name, hard in policy().hard.items() if hard.waits or hard.score_below is not None or hard.out}


@pytest.mark.parametrize("signal", sorted(set(policy().hard) - NEEDS_MORE))
def test_each_hard_signal_warns_at_its_record(signal: str) -> None:
    hard = policy().hard[signal]
    kind = (hard.started_by or (signal,))[0]
    (warning,) = run_of(None, None, **hard_record(kind)).warnings
    assert (warning.account_id, warning.line_id, warning.ts_ms) == ("a1", "a1-1", NOON_MS)
    assert warning.reasons == [signal]
    assert warning.level is hard.level_of(hard.strength_of(1, 1))
    assert warning.signals[0].origin is hard.origin
    assert warning.signals[0].since_ms == NOON_MS
    assert warning.days_left == hard.days_left
    expected = 1.0 - (1.0 - policy().base_rate) * (1.0 - hard.weight * hard.strength_of(1, 1))
    assert warning.score == pytest.approx(expected, abs=1e-6)


def test_records_that_are_no_signal_warn_of_nothing() -> None:
    kinds = [
        "upgrade",
        "renewal",
        "service_request",
        "provisioning_done",
        "resume",
        "termination_cancelled",
        "reconnect",
    ]
    assert run_of(orders=[order(kind, n) for n, kind in enumerate(kinds)]).warnings == []


def test_a_repeat_warns_only_when_the_level_rises() -> None:
    complaints = [care("complaint", n, NOON_MS + n) for n in range(5)]
    run = run_of(care=complaints)
    assert [warning.level for warning in run.warnings] == [Level.WATCH, Level.WARN]
    assert [warning.signals[0].strength for warning in run.warnings] == [0.3, 0.7]
    assert [warning.signals[0].since_ms for warning in run.warnings] == [NOON_MS, NOON_MS]
    assert len({warning.warning_id for warning in run.warnings}) == 2


def test_many_records_of_one_millisecond_never_give_one_id_two_contents() -> None:
    records = [care("complaint", n, NOON_MS, severity=1 + n % 5) for n in range(6)]
    records += [care("fault", 10, NOON_MS), care("fault_closed", 11, NOON_MS), care("fault", 12, NOON_MS, severity=5)]
    account_level = [care("complaint", 20, NOON_MS, line_id=None, account_id="a1-1")]
    run = run_of(care=records)
    other = Run(RecordingLabels())
    topics = topics_of(care=account_level)
    other.fetch_all(topics)
    ids = [warning.warning_id for warning in run.warnings + other.warnings]
    assert causes(run).count("open_fault") == 2
    assert len(set(ids)) == len(ids)


def test_a_cancelled_termination_ends_it_and_a_new_one_warns_again() -> None:
    kinds = ["termination", "termination_cancelled", "termination"]
    run = run_of(orders=[order(kind, n, NOON_MS + n * HOUR_MS) for n, kind in enumerate(kinds)])
    assert causes(run) == ["termination", "termination"]
    assert run.warnings[0].warning_id != run.warnings[1].warning_id
    assert run.warnings[1].signals[0].evidence["count_90d"] == 1.0
    ended = run_of(orders=[order(kind, n, NOON_MS + n * HOUR_MS) for n, kind in enumerate(kinds[:2])])
    assert ended.state.lines.case(0).is_empty()


def test_an_ending_for_the_account_ends_the_signal_of_its_lines() -> None:
    orders = [order("termination", 1), order("termination_cancelled", 2, MONDAY_MS + 1, line_id=None)]
    run = run_of(orders=orders, customers=[customer()])
    assert run.state.lines.case(run.state.lines.row_of["a1-1"]).is_empty()


def test_a_hard_signal_ends_when_its_days_are_over() -> None:
    days = int(policy().hard["port_out_order"].days)
    orders = [order("port_out_order", 1, NOON_MS)]
    later = [call(1, NOON_MS + days * DAY_MS - HOUR_MS)], [call(1, NOON_MS + (days + 1) * DAY_MS)]
    stands, over = (run_of(orders=orders, cdr=calls) for calls in later)
    assert "port_out_order" in stands.state.lines.cases[0].episodes
    assert 0 not in over.state.lines.cases or "port_out_order" not in over.state.lines.cases[0].episodes


def test_a_drop_of_the_bill_warns_at_the_bill() -> None:
    amounts = [50.0, 52.0, 50.0, 20.0]
    bills = [invoice(amount, n, MONDAY_MS + n * 30 * DAY_MS) for n, amount in enumerate(amounts)]
    run = run_of(customers=[customer(segment="key_account")], billing=bills)
    assert causes(run) == ["spend_drop"]
    assert run.warnings[0].ts_ms == bills[-1]["ts_ms"]
    assert run.warnings[0].signals[0].evidence["drop_ratio"] == pytest.approx(0.6)


def test_a_smaller_bill_of_who_calls_as_ever_is_no_drop_and_of_the_public_only_evidence() -> None:
    amounts = [50.0, 52.0, 50.0, 20.0]
    bills = [invoice(amount, n, MONDAY_MS + n * 10 * DAY_MS) for n, amount in enumerate(amounts)]
    calls = [call(n, MONDAY_MS + n * DAY_MS // 4) for n in range(120)]
    key = customer(segment="key_account")
    assert causes(run_of(customers=[key], billing=bills, cdr=calls)) == []
    (drop,) = run_of(customers=[key], billing=bills, cdr=calls[:80]).warnings
    assert drop.reasons[0] == "spend_drop"
    assert drop.signals[0].evidence["usage_ratio"] < 0.5
    public = run_of(customers=[customer()], billing=bills, cdr=calls[:80])
    assert causes(public) == []
    assert not public.state.lines.case(0).episodes["spend_drop"].told


def test_bills_count_in_the_order_of_their_own_time_also_when_one_comes_late() -> None:
    late = [
        invoice(n + 1.0, n, MONDAY_MS - day * DAY_MS, received_ms=MONDAY_MS + n) for n, day in enumerate([60, 0, 30])
    ]
    run = run_of(billing=late)
    assert column(run, "bills")[-3:].tolist() == [1.0, 3.0, 2.0]


def test_payments_and_recharges_are_no_bills() -> None:
    run = run_of(billing=[invoice(1.0, n, kind=kind) for n, kind in enumerate(["payment", "recharge", "overdue"])])
    assert run.warnings == []
    assert all(np.isnan(bills).all() for bills in run.state.lines["bills"])


def test_a_record_of_an_account_warns_of_the_account_and_counts_for_each_line() -> None:
    run = run_of(
        customers=[customer(lines=["a1-1", "a1-2"])],
        orders=[order("termination", 1, NOON_MS, line_id=None)],
        cdr=[call(1, NOON_MS), call(2, NOON_MS, line_id="a1-2"), call(3, NOON_MS + DAY_MS)],
    )
    (warning,) = [warning for warning in run.warnings if warning.reasons[0] == "termination"]
    assert (warning.account_id, warning.line_id) == ("a1", None)
    assert {view.line_id for view in run.effects.views} == {"a1-1", "a1-2"}
    assert min(column(run, "score", line) for line in ("a1-1", "a1-2")) > 0.7


def test_an_account_that_nobody_has_heard_of_is_created_by_its_record() -> None:
    run = run_of(care=[care("crisis_report", line_id=None)], cdr=[call(1, line_id="new", account_id="a1")])
    assert run.warnings[0].line_id is None
    assert run.state.accounts["known"].tolist() == [0]
    assert run.effects.counts["unknown_lines"] == 1
    assert run.state.rows_of_account("a1") == [run.state.lines.row_of["new"]]


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ({"orders": [order("port_out_done", 9, NOON_MS + DAY_MS)]}, ChurnKind.PORT_OUT),
        ({"orders": [order("termination_done", 9, NOON_MS + DAY_MS)]}, ChurnKind.TERMINATION),
        ({"outcomes": [outcome("churn", 9, NOON_MS + DAY_MS, churn_kind="involuntary")]}, ChurnKind.INVOLUNTARY),
    ],
)
def test_churn_is_told_to_the_keeper_and_stops_every_signal(records: dict[str, Any], kind: ChurnKind) -> None:
    labels = RecordingLabels()
    after = [care("complaint", n, NOON_MS + 2 * DAY_MS + n, severity=5) for n in range(3)]
    run = run_of(labels, care=[care("complaint", 7, NOON_MS), *after], cdr=[call(1, NOON_MS + 3 * DAY_MS)], **records)
    left_ms = NOON_MS + DAY_MS
    assert labels.churns == [("a1-1", left_ms, left_ms, kind)]
    assert [warning.ts_ms for warning in run.warnings] == [NOON_MS]
    assert column(run, "churned_ms") == left_ms
    assert all(case.is_empty() for case in run.state.lines.cases.values())
    assert all("a1-1" not in lines for tick, lines, _ in labels.snapshots if tick > left_ms)


def test_a_second_churn_is_the_same_event() -> None:
    labels = RecordingLabels()
    calls = [call(1, MONDAY_MS - 1)]
    orders = [order("port_out_done", 1), order("termination_done", 2, MONDAY_MS + DAY_MS)]
    run = run_of(labels, cdr=calls, orders=orders)
    assert len(labels.churns) == 1
    assert refused_labels(run) == {"label_refused_same_event": 1}


def test_a_leaving_dated_by_a_clock_ahead_of_ours_is_known_when_it_has_happened() -> None:
    run = run_of(
        DelayedLabels("s"), cdr=[call(1)], orders=[order("port_out_done", 1, NOON_MS + 1, received_ms=NOON_MS)]
    )
    assert column(run, "churned_ms") == NOON_MS + 1
    assert refused_labels(run) == {}


def test_a_leaving_that_is_still_to_come_changes_nothing() -> None:
    labels = RecordingLabels()
    run = run_of(labels, cdr=[call(1)], outcomes=[outcome("churn", 1, NOON_MS, churn_ms=NOON_MS + 30 * DAY_MS)])
    assert labels.churns == []
    assert column(run, "churned_ms") == NEVER
    assert refused_labels(run) == {"label_refused_from_the_future": 1}


def test_a_leaving_of_a_line_that_nobody_knows_or_of_long_ago_is_counted() -> None:
    outcomes = [
        outcome("churn", 1, NOON_MS, churn_ms=NOON_MS - 365 * DAY_MS),
        outcome("churn", 2, NOON_MS, line_id="ghost"),
    ]
    run = run_of(DelayedLabels("s"), customers=[customer()], outcomes=outcomes)
    assert refused_labels(run) == {"label_refused_unknown_line": 1, "label_refused_too_old": 1}


def test_the_account_leaves_with_all_its_lines() -> None:
    labels = RecordingLabels()
    orders = [order("termination_done", 1, NOON_MS, line_id=None)]
    run_of(labels, customers=[customer(lines=["a1-1", "a1-2"])], orders=orders)
    assert [churn[0] for churn in labels.churns] == ["a1-1", "a1-2"]


@pytest.mark.parametrize(
    ("days_later", "is_back"),
    [(1, True), (30, True), (31, True), (-1, False)],
    ids=["1", "30", "31", "before it left"],
)
def test_a_line_that_reconnects_is_with_us_again(days_later: int, is_back: bool) -> None:
    labels = RecordingLabels()
    back_ms = NOON_MS + days_later * DAY_MS
    received_ms = max(back_ms, NOON_MS + HOUR_MS)
    orders = [order("port_out_done", 1, NOON_MS), order("reconnect", 2, back_ms, received_ms=received_ms)]
    run = run_of(labels, orders=orders, care=[care("complaint", 3, received_ms + HOUR_MS)])
    assert bool(column(run, "churned_ms") == NEVER) is is_back
    assert labels.returns == ([("a1-1", back_ms)] if is_back else [])
    assert bool(run.warnings) is is_back


def test_only_a_contact_that_reached_somebody_is_told_to_the_keeper() -> None:
    labels = RecordingLabels()
    dispositions = ["no_answer", "busy", "bad_number", "not_tried", "machine", "reached_refused"]
    run_of(
        labels, outcomes=[outcome("disposition", n, MONDAY_MS + n, disposition=d) for n, d in enumerate(dispositions)]
    )
    assert labels.contacts == [("a1", "a1-1", MONDAY_MS + 5)]


def test_a_line_that_comes_back_after_a_month_begins_anew() -> None:
    labels = RecordingLabels()
    back_ms = NOON_MS + 40 * DAY_MS
    orders = [order("port_out_done", 1, NOON_MS), order("reconnect", 2, back_ms)]
    calls = [call(n, MONDAY_MS + n) for n in range(3)]
    run = run_of(labels, orders=orders, cdr=calls, billing=[invoice(30.0, 1)])
    assert column(run, "first_ms") == NO_TIME
    assert np.isnan(column(run, "bills")).all()
    assert not column(run, "sums").any()
    assert run.state.rows_of_account("a1") == [run.state.lines.row_of["a1-1"]]


def test_bills_of_an_account_are_judged_together_whatever_its_first_line_did() -> None:
    amounts = [50.0, 52.0, 50.0, 20.0]
    bills = [invoice(amount, n, MONDAY_MS + n * 30 * DAY_MS, line_id=None) for n, amount in enumerate(amounts)]
    gone = [outcome("churn", 1, MONDAY_MS + 1, churn_kind="involuntary")]
    run = run_of(customers=[customer(segment="key_account", lines=["a1-1", "a1-2"])], outcomes=gone, billing=bills)
    assert [(warning.line_id, warning.reasons[0]) for warning in run.warnings] == [(None, "spend_drop")]
    assert run.warnings[0].signals[0].evidence["bills"] == 4.0


def test_bills_of_the_account_do_not_mix_with_those_of_its_lines() -> None:
    own = [invoice(10.0, n, MONDAY_MS + n * 30 * DAY_MS) for n in range(3)]
    shared = [invoice(90.0, 10 + n, MONDAY_MS + n * 30 * DAY_MS + 1, line_id=None) for n in range(3)]
    run = run_of(customers=[customer()], billing=own + shared)
    assert column(run, "bills")[-3:].tolist() == [10.0, 10.0, 10.0]
    assert run.state.accounts["bills"][0][-3:].tolist() == [90.0, 90.0, 90.0]
    assert run.warnings == []
