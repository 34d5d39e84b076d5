"""Orders and care: repeats, unsettled matters, broken promises, low scores, and records that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CareKind, CareRecord, Level, OrderKind, OrderRecord, Origin
from pipeline.policy import HardPolicy
from pipeline.signals.cases import (
    keep_promise,
    note_event,
    note_promise,
    outlived,
    standing_strengths,
    strength_at,
    strengths_at,
)
from pipeline.state.cases import Case
from tests.fakes.pipeline_runs import DAY_MS, HOUR_MS, MONDAY_MS, Run, call, care, customer, order, policy, run_of

NOON_MS = MONDAY_MS + 12 * HOUR_MS
HARD = policy().hard
GROWING = HardPolicy(
    Origin.CUSTOMER_TO_US, 0.1, 0.30, Level.WATCH, days=45.0, days_left=25.0, per_open_day=0.1, open_days_max=5.0
)


def causes(run: Run) -> list[str]:
    return [warning.reasons[0] for warning in run.warnings]


def complaint(ts_ms: int, severity: int = 3) -> CareRecord:
    return CareRecord(f"s{ts_ms}", ts_ms, "a1", CareKind.COMPLAINT, severity, "phone")


def request(day: float, product: str | None = None) -> OrderRecord:
    kind, ts_ms = OrderKind.SERVICE_REQUEST, round(day * DAY_MS)
    return OrderRecord(f"o{day}", ts_ms, "a1", kind, Origin.CUSTOMER_TO_US, product=product)


def test_an_open_matter_grows_for_some_days_and_then_fades_by_hand() -> None:
    case = Case()
    event = note_event(case, "open_fault", GROWING, complaint(0, severity=1))
    days = (0, 3, 5, 25, 45)
    strengths = [strength_at(event, GROWING, day * DAY_MS) for day in days]
    assert strengths[-1] is None
    assert strengths[:-1] == pytest.approx([0.30, 0.60, 0.80, 0.60])


@given(st.permutations([1, 20, 60, 100, 105]))
def test_only_the_last_ninety_days_count_whatever_the_order(days: list[int]) -> None:
    case = Case()
    for day in days:
        note_event(case, "complaint", HARD["complaint"], complaint(day * DAY_MS))
    event = case.hard["complaint"]
    assert (event.count, event.last_ms, event.first_ms) == (4, 105 * DAY_MS, DAY_MS)


def test_a_complaint_is_over_when_the_customer_says_that_it_is() -> None:
    complained = care("complaint", 1, NOON_MS)
    scores = [(8.0, set()), (6.0, {"complaint"}), (None, {"complaint"})]
    for score, left in scores:
        run = run_of(care=[complained, care("satisfaction", 2, NOON_MS + DAY_MS, score=score)])
        assert set(run.state.lines.case(0).episodes) == left


def test_a_low_score_is_dissatisfaction_and_a_good_one_ends_it() -> None:
    def score(points: float, number: int) -> dict[str, object]:
        return care("satisfaction", number, NOON_MS + number, score=points)

    low = run_of(care=[score(3.0, 1)]).state.lines.case(0).episodes["dissatisfied"]
    assert low.strength == pytest.approx(0.40 + 0.15 * 2.0)
    assert low.evidence["satisfaction"] == 3.0
    assert not run_of(care=[score(5.0, 1)]).state.lines.case(0).episodes
    assert not run_of(care=[care("satisfaction", 1, NOON_MS)]).state.lines.case(0).episodes
    assert not run_of(care=[score(3.0, 1), score(7.0, 2)]).state.lines.case(0).episodes


def test_a_suspension_for_arrears_is_no_wish_of_the_customer() -> None:
    assert list(run_of(orders=[order("suspend", 1, NOON_MS)]).state.lines.case(0).episodes) == ["suspend"]
    assert not run_of(orders=[order("suspend", 1, NOON_MS, reason="arrears")]).state.lines.case(0).episodes


def test_what_proved_no_better_than_chance_is_evidence_beside_others_and_warns_of_nothing() -> None:
    run = run_of(
        orders=[order("suspend", 1, NOON_MS), order("termination", 2, NOON_MS + 1)],
        care=[care("sla_breach", 1, NOON_MS + 2)],
    )
    assert causes(run) == ["termination"]
    assert [report.name for report in run.warnings[0].signals] == ["termination"]
    assert run.warnings[0].score == run_of(orders=[order("termination", 2, NOON_MS + 1)]).warnings[0].score
    assert set(run.state.lines.case(0).episodes) == {"suspend", "termination", "sla_breach"}


def test_a_request_that_is_late_is_on_from_the_sweep_after_its_promised_day() -> None:
    asked = order("service_request", 1, NOON_MS, product="broadband")
    waiting = run_of(orders=[asked], cdr=[call(1, NOON_MS + 3 * DAY_MS)])
    assert not waiting.state.lines.case(0).episodes
    late = run_of(orders=[asked], cdr=[call(1, NOON_MS + 4 * DAY_MS)]).state.lines.case(0)
    assert late.episodes["service_request_delayed"].began_ms == MONDAY_MS + 4 * DAY_MS
    assert late.episodes["service_request_delayed"].evidence == {"open_requests": 1.0, "days_late": 0.5}
    done = order("provisioning_done", 2, NOON_MS + 4 * DAY_MS, product="broadband")
    ended = run_of(orders=[asked, done], cdr=[call(1, NOON_MS + 6 * DAY_MS)])
    assert ended.state.lines.case(0).is_empty()


def test_each_product_has_its_own_promise() -> None:
    delayed, case = HARD["service_request_delayed"], Case()
    note_promise(case, "late", delayed, request(0.0, "leased-line"))
    note_promise(case, "late", delayed, request(1.0, "broadband"))
    event, hard = case.hard["late"], {"late": delayed}
    assert event.promised_ms == {"leased-line": 15 * DAY_MS, "broadband": 4 * DAY_MS}
    assert standing_strengths(case, 3 * DAY_MS, hard) == {}
    assert outlived(strengths_at(case, 3 * DAY_MS, hard)) == []
    assert standing_strengths(case, 4 * DAY_MS, hard) == pytest.approx({"late": 0.40 + 0.20})
    assert not keep_promise(case, "late", request(5.0, "cloud-disk"))
    assert not keep_promise(case, "late", request(5.0, "broadband"))
    assert (event.count, event.first_ms) == (1, 15 * DAY_MS)
    assert keep_promise(case, "late", request(6.0))


def test_a_fault_that_stays_open_becomes_a_warning() -> None:
    run = run_of(care=[care("fault", 1, NOON_MS, severity=2)], cdr=[call(1, NOON_MS + 6 * DAY_MS)])
    assert [(warning.reasons[0], warning.level) for warning in run.warnings] == [
        ("open_fault", Level.WATCH),
        ("open_fault", Level.WARN),
    ]
    assert run.warnings[1].signals[0].evidence["days_open"] == 3.5


def test_a_termination_counts_down_to_the_day_that_the_customer_named() -> None:
    wished = order("termination", 1, NOON_MS, expires_ms=NOON_MS + 20 * DAY_MS)
    assert run_of(orders=[wished]).warnings[0].days_left == 20.0


def test_matters_of_an_account_age_as_those_of_a_line() -> None:
    fault = care("fault", 1, NOON_MS, severity=2, line_id=None)
    run = run_of(care=[fault], customers=[customer()], cdr=[call(1, NOON_MS + 6 * DAY_MS)])
    assert [(warning.line_id, warning.level) for warning in run.warnings] == [(None, Level.WATCH), (None, Level.WARN)]
