"""Usage that falls or stops: one example worked by hand each, noise that is none, and the bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.signals.usage import DROPOUT_PER_DAY, OVERDISPERSION, SILENCE, USAGE_DROP, silence, usage_drop
from tests.fakes.line_facts import facts
from tests.fakes.pipeline_runs import policy


def drop_of(now: float, before: float, age_days: float = 200.0) -> float:
    return float(usage_drop(facts({"voice_out": (now, now, before)}, age_days=age_days))[0])


def silence_of(
    gap: float, active: float = 28.0, watched: float = 28.0, age: float = 200.0, share: float = -1.0
) -> float:
    lines = facts(gap_days=gap, active_days=active, watched_days=watched, age_days=age, active_share=share)
    return float(silence(lines)[0])


def test_usage_drop_by_hand() -> None:
    """From 10 a day to 2: 50.5 expected within the fast sum, 10.1 seen, spread sqrt(25.2 + 17.7^2) = 18.4, z = -2.2."""
    days = 3.5 / math.log(2.0)
    expected, seen = 10 * days, 2 * days
    z = (seen - expected) / math.sqrt(expected / 2 + (OVERDISPERSION * expected) ** 2)
    assert z == pytest.approx(-2.2, abs=0.01)
    assert drop_of(2.0, 10.0) == pytest.approx(0.8 * math.tanh(0.8 * 2.2), abs=0.002)


def test_a_few_calls_fewer_is_nothing_and_the_same_share_of_hundreds_is_more() -> None:
    days = 3.5 / math.log(2.0)
    on = policy().soft["usage_drop"].on
    assert drop_of(100 / days, 300 / days) > 1.15 * drop_of(1 / days, 3 / days)
    assert drop_of(1 / days, 3 / days) < on <= drop_of(50 / days, 300 / days)


@pytest.mark.parametrize(("now", "before"), [(0.0, 0.0), (5.0, 5.0), (9.0, 5.0), (0.1, 0.05), (4.6, 5.0)])
def test_usage_as_usual_or_above_is_no_drop(now: float, before: float) -> None:
    assert drop_of(now, before) < 0.02


def test_a_young_line_has_no_usual_to_fall_from() -> None:
    assert drop_of(0.0, 50.0, age_days=13.9) == 0.0
    assert drop_of(0.0, 50.0, age_days=14.0) > 0.9


@given(st.floats(0, 16), st.floats(1e-9, 1e6), st.floats(0, 1e4))
def test_usage_drop_is_within_bounds_and_says_nothing_of_growth(share: float, before: float, age: float) -> None:
    """The fast rate is never more than 16 times the slow one: that is the ratio of their half-lives."""
    strength = drop_of(share * before, before, age)
    assert 0.0 <= strength <= 1.0
    assert strength == 0.0 or share < 1.0


@given(st.floats(0.01, 1e5), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_deeper_the_drop_the_stronger(before: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert drop_of(low * before, before) >= drop_of(high * before, before) - 1e-12


def test_silence_by_hand() -> None:
    """Active on each of 28 days, silent for two: S(1) = 0.5/29, S(2) = S(1) 1.5/30."""
    hazard = DROPOUT_PER_DAY
    first, second = 0.5 / 29.0, 0.5 / 29.0 * 1.5 / 30.0
    alive = (1 - hazard) ** 2 * second
    gone = hazard * (1 + (1 - hazard) * first)
    assert silence_of(2.0) == pytest.approx(gone / (alive + gone), rel=1e-9)


def test_a_daily_caller_is_missed_within_days_and_a_rare_one_is_not() -> None:
    assert silence_of(4.0) > 0.85
    assert silence_of(4.0, active=4.0) < 0.05
    assert silence_of(0.99) == 0.0


@given(st.integers(0, 28), st.integers(0, 28), st.floats(0, 400), st.floats(0, 400), st.floats(-1, 1))
def test_silence_is_within_bounds_and_grows_with_the_gap(
    active: int, more: int, gap: float, longer: float, share: float
) -> None:
    watched = min(28, active + more)
    short, long = (silence_of(days, active, watched, age=500.0, share=share) for days in (gap, gap + longer))
    assert 0.0 <= short <= long + 1e-9
    assert long <= 1.0


def test_after_a_month_of_silence_the_remembered_rhythm_is_used() -> None:
    daily, rare = (silence_of(40.0, 0.0, 0.0, share=share) for share in (1.0, 0.05))
    assert daily > 0.99
    assert rare < 0.75


def test_a_line_that_never_did_anything_is_not_silent() -> None:
    assert silence_of(math.nan, 0.0, 0.0) == 0.0
    assert silence_of(5.0, 2.0, 2.0, age=6.9) == 0.0


def test_evidence_is_what_a_manager_understands() -> None:
    usage = USAGE_DROP.evidence(facts({"voice_in": (2.0, 3.0, 8.0), "messages": (0.0, 0.0, 2.0)}))
    assert {name: round(float(value[0]), 6) for name, value in usage.items()} == {
        "rate_now_per_day": 2.0, "rate_before_per_day": 10.0, "drop_ratio": 0.8,
    }  # fmt: skip
    lines = facts(gap_days=3.0, active_days=14.0)
    still = SILENCE.evidence(lines)
    assert still["days_silent"].tolist() == [3.0]
    assert still["usual_gap_days"].tolist() == [29.0 / 14.5]
    np.testing.assert_allclose(still["p_alive"], 1.0 - silence(lines))
