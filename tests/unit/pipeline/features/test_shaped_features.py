"""Circumstances under which lines leave: each is 0 where there is nothing to see, and the prior weighs them."""

from typing import Any

import numpy as np
import pytest

from pipeline.features.assemble import feature_matrix
from pipeline.features.catalogue import DENSE_FEATURES, PRIOR_COLUMN, SHAPED, features_for
from pipeline.features.circumstances import FAULT_DAYS, fading
from pipeline.features.companions import remember_companions
from pipeline.features.facts import facts_of
from tests.fakes.line_facts import facts
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, Run, call, care, customer, order, outcome, policy, run_of

NAMES = [feature.name for feature in features_for(list(policy().hard))]
FAULT_MENDED = [care("fault", 1, MONDAY_MS), care("fault_closed", 2, MONDAY_MS + DAY_MS // 2)]


def features_of(run: Run, line_id: str = "a1-1", now_ms: int = MONDAY_MS + DAY_MS) -> dict[str, float]:
    """All features of a line, as at a sweep."""
    state, rules = run.state, policy()
    everyone = facts_of(state.lines, state.live_rows(), now_ms, state.landmark.ms)
    remember_companions(state, rules.hard, everyone)
    matrix = feature_matrix(everyone, state, rules)
    place = everyone.rows.tolist().index(state.lines.row_of[line_id])
    return dict(zip(NAMES, matrix[place].tolist(), strict=True))


def lines_of(*line_ids: str, **changes: Any) -> list[dict[str, Any]]:
    return [customer(lines=list(line_ids), **changes)]


def probability(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))


def test_where_nothing_is_to_be_seen_the_prior_is_the_base_rate() -> None:
    found = features_of(run_of(customers=lines_of("a1-1")))
    assert {feature.name: found[feature.name] for feature in SHAPED} == {
        feature.name: float(feature.name == "no_contract") for feature in SHAPED
    }
    assert probability(found["prior"]) == pytest.approx(policy().base_rate)


def test_a_fault_is_felt_long_after_it_was_mended() -> None:
    run = run_of(customers=lines_of("a1-1"), care=FAULT_MENDED)
    later = features_of(run, now_ms=MONDAY_MS + int(FAULT_DAYS) * DAY_MS)
    assert later["hard_open_fault"] == 0.0
    assert later["fault_lately"] == pytest.approx(np.exp(-1.0))
    assert probability(later["prior"]) > policy().base_rate


def test_a_late_older_fault_does_not_replace_the_newer_one() -> None:
    run = run_of(
        care=[care("fault", 1, MONDAY_MS), care("fault", 2, MONDAY_MS - 5 * DAY_MS, received_ms=MONDAY_MS + 1)]
    )
    assert features_of(run, now_ms=MONDAY_MS)["fault_lately"] == 1.0


def test_forwarding_to_a_rival_is_remembered() -> None:
    forwarded = call(1, direction="forward", peer_operator="rival-a")
    assert features_of(run_of(cdr=[forwarded]))["forwarded_lately"] == pytest.approx(np.exp(-1.0 / 30.0))
    assert features_of(run_of(cdr=[call(1)]))["forwarded_lately"] == 0.0


@pytest.mark.parametrize(
    ("days_left", "expected"),
    [(31, (0.0, 0.0)), (30, (1.0, 0.0)), (1, (1.0, 0.0)), (0, (0.0, 1.0)), (-44, (0.0, 1.0)), (-45, (0.0, 0.0))],
)
def test_a_contract_is_ending_for_a_month_and_ended_for_six_weeks(
    days_left: int, expected: tuple[float, float]
) -> None:
    now_ms = MONDAY_MS + DAY_MS
    found = features_of(run_of(customers=lines_of("a1-1", contract_end_ms=now_ms + days_left * DAY_MS)), now_ms=now_ms)
    assert (found["contract_ending"], found["contract_ended"]) == expected


def test_another_line_that_left_counts_half_after_a_month_and_one_that_had_to_leave_not_at_all() -> None:
    done = order("termination_done", 1, MONDAY_MS, line_id="a1-2")
    forced = outcome("churn", 2, MONDAY_MS, line_id="a1-2", churn_kind="involuntary", churn_ms=MONDAY_MS)
    two = lines_of("a1-1", "a1-2")
    assert features_of(run_of(customers=two, orders=[done]), now_ms=MONDAY_MS)["others_left"] == 1.0
    month = MONDAY_MS + 30 * DAY_MS
    assert features_of(run_of(customers=two, orders=[done]), now_ms=month)["others_left"] == pytest.approx(0.5)
    assert features_of(run_of(customers=two, outcomes=[forced]), now_ms=MONDAY_MS)["others_left"] == 0.0


def test_pilot_lines_of_a_key_account_are_a_feature_of_their_own() -> None:
    key = lines_of("a1-1", "a1-2", segment="key_account")
    found = features_of(run_of(customers=key, orders=[order("termination_done", 1, line_id="a1-2")]))
    assert found["others_left"] == 0.0
    assert found["pilots_left"] > 0.9
    assert probability(found["prior"]) > 5 * policy().base_rate


def test_what_the_other_line_ordered_stirs_this_one_but_not_itself() -> None:
    run = run_of(customers=lines_of("a1-1", "a1-2"), orders=[order("port_eligibility_query", 1, line_id="a1-2")])
    assert features_of(run, "a1-1")["others_stirring"] > 0.5
    assert features_of(run, "a1-2")["others_stirring"] == pytest.approx(0.0, abs=1e-6)


def test_what_a_company_says_in_care_is_shared_by_its_lines_but_its_orders_speak_of_all() -> None:
    ids = [f"a1-{n}" for n in range(1, 5)]
    run = run_of(
        customers=lines_of(*ids, segment="business"),
        care=[care("crisis_report", 1, line_id=None)],
        orders=[order("termination", 2, line_id=None)],
    )
    found, hard = features_of(run, now_ms=MONDAY_MS), policy().hard
    assert found["hard_crisis_report"] == pytest.approx(hard["crisis_report"].strength / 4)
    assert found["hard_termination"] == pytest.approx(hard["termination"].strength)


@pytest.mark.parametrize(("now", "least", "most"), [(1.0, 0.0, 0.0), (0.5, 0.2, 2.0), (0.0, 1.0, 2.5), (2.0, 0.0, 0.0)])
def test_fading_grows_with_what_is_missing_and_is_no_rise(now: float, least: float, most: float) -> None:
    rates = {"voice_out": (4.0 * now, 4.0, 4.0), "data_sessions": (4.0 * now, 4.0, 4.0)}
    assert least <= float(fading(facts(rates))[0]) <= most


def test_fading_of_a_quiet_line_says_less_than_that_of_a_busy_one() -> None:
    busy, quiet = ({"voice_out": (0.0, rate, rate)} for rate in (5.0, 0.3))
    assert float(fading(facts(busy))[0]) > float(fading(facts(quiet))[0])


def test_a_hard_signal_raises_the_prior_by_its_weight_in_the_policy() -> None:
    rules = policy()
    found = features_of(run_of(customers=lines_of("a1-1"), orders=[order("termination", 1)]), now_ms=MONDAY_MS)
    expected = 1.0 - (1.0 - rules.base_rate) * (1.0 - rules.weight("termination") * rules.hard["termination"].strength)
    assert probability(found["prior"]) == pytest.approx(expected)


def test_the_prior_stands_where_a_learner_looks_for_it() -> None:
    assert DENSE_FEATURES[PRIOR_COLUMN].name == "prior" == NAMES[PRIOR_COLUMN]
