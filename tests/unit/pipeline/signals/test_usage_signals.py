"""Usage that falls or stops: one example worked by hand each, noise that is none, and the bounds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.signals.usage import (
    DATA_MOVED,
    INCOMING_ONLY,
    SILENCE,
    USAGE_DROP,
    data_moved,
    fallen,
    incoming_only,
    roaming_away,
    silence,
    usage_drop,
)
from pipeline.state.catalogue import QUANTITY_INDEX
from tests.fakes.line_facts import facts

WINDOW_DAYS = 3.5 / math.log(2.0)


def drop_of(now: float, before: float, age_days: float = 200.0) -> float:
    return float(usage_drop(facts({"voice_out": (now, now, before)}, age_days=age_days))[0])


def silence_of(
    gap: float, active: float = 28.0, watched: float = 28.0, age: float = 200.0, share: float = -1.0
) -> float:
    lines = facts(gap_days=gap, active_days=active, watched_days=watched, age_days=age, active_share=share)
    return float(silence(lines)[0])


def counts(service: str, seen: float, expected: float) -> float:
    """Strength when so many records were expected within the fast window, and so many came."""
    return float(usage_drop(facts({service: (seen / WINDOW_DAYS, 0.0, expected / WINDOW_DAYS)}))[0])


def test_fallen_by_hand() -> None:
    """3 events expected, 1 seen: P(Gamma(9) < 6.6) = 0.2204 against P(Gamma(8) < 4.8) = 0.1133 before looking."""
    assert float(fallen(np.array([1.0]), np.array([3.0]))[0]) == pytest.approx((0.2204 - 0.1133) / 0.8867, abs=0.004)


@pytest.mark.parametrize("service", ["voice_out", "messages", "data_sessions"])
def test_from_three_to_one_is_nothing_and_from_three_hundred_to_a_hundred_is_much(service: str) -> None:
    assert counts(service, 1, 3) < 0.2
    assert counts(service, 100, 300) > 0.8


def test_messages_come_in_chats_and_prove_less_than_as_many_calls() -> None:
    assert counts("messages", 4, 20) < counts("voice_out", 4, 20)


def test_one_service_that_stops_is_seen_beside_another_that_goes_on() -> None:
    both = facts({"voice_out": (4.0, 4.0, 4.0), "data_sessions": (0.2, 2.0, 4.0)})
    assert float(usage_drop(both)[0]) > 0.8
    small = facts({"voice_out": (20.0, 20.0, 20.0), "data_sessions": (0.0, 0.2, 0.4)})
    assert float(usage_drop(small)[0]) < 0.1


def test_a_line_that_always_comes_in_bursts_must_fall_further() -> None:
    even = facts({"voice_out": (1.0, 1.0, 3.0)})
    assert usage_drop(replace(even, burst=np.array([8.0])))[0] < usage_drop(replace(even, burst=np.array([1.0])))[0]


def test_what_the_crowd_does_too_is_no_drop() -> None:
    line = facts({"voice_out": (4.0, 6.0, 10.0)})
    change = np.ones((1, len(QUANTITY_INDEX)))
    change[0, QUANTITY_INDEX["voice_out"]] = 0.45
    assert usage_drop(line)[0] > 0.6
    assert usage_drop(replace(line, crowd_change=change))[0] < 0.05


def test_a_line_abroad_is_excused() -> None:
    line = facts({"voice_out": (0.5, 5.0, 10.0)}, gap_days=6.0)
    away = replace(line, roaming_days=np.array([1.0]))
    back = replace(line, roaming_days=np.array([9.0]))
    assert (usage_drop(away)[0], silence(away)[0], roaming_away(away)[0]) == (0.0, 0.0, 1.0)
    assert usage_drop(back)[0] == usage_drop(line)[0] > 0.9
    assert roaming_away(line)[0] == 0.0


@pytest.mark.parametrize(("now", "before"), [(0.0, 0.0), (5.0, 5.0), (9.0, 5.0), (0.1, 0.05), (4.6, 5.0)])
def test_usage_as_usual_or_above_is_no_drop(now: float, before: float) -> None:
    assert drop_of(now, before) < 0.03


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


def test_days_on_which_the_crowd_rests_are_no_silence() -> None:
    line = facts(gap_days=4.0)
    resting = replace(line, gap_chances=np.array([0.6]))
    half = replace(line, gap_chances=np.array([2.0]))
    assert silence(resting)[0] == 0.0
    assert 0.0 < silence(half)[0] < silence(line)[0]


def test_only_called_and_calling_nobody_any_more() -> None:
    rates = {"voice_out": (0.05, 1.0, 4.0), "voice_in": (3.0, 3.0, 3.0)}
    line = replace(facts(rates), own_gap_days=np.array([6.0]))
    assert incoming_only(line)[0] > 0.8
    assert incoming_only(facts(rates))[0] == 0.0
    quiet = replace(facts({**rates, "voice_in": (0.02, 1.0, 3.0)}), own_gap_days=np.array([6.0]))
    assert incoming_only(quiet)[0] < 0.2
    assert INCOMING_ONLY.evidence(line)["days_without_own_use"].tolist() == [6.0]


def test_data_gone_and_calls_stay() -> None:
    rates = {"data_sessions": (0.1, 2.0, 5.0), "voice_out": (3.0, 3.0, 3.0)}
    assert data_moved(facts(rates))[0] > 0.8
    assert data_moved(facts({**rates, "voice_out": (0.1, 1.0, 3.0)}))[0] < 0.2
    assert data_moved(facts({**rates, "data_sessions": (0.0, 0.1, 0.2)}))[0] == 0.0
    assert DATA_MOVED.evidence(facts(rates))["sessions_before_per_day"].tolist() == [5.0]


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
        "rate_now_per_day": 2.0, "rate_before_per_day": 10.0, "drop_ratio": 0.8, "voice_drop_ratio": 0.75,
        "messages_drop_ratio": 1.0, "data_drop_ratio": 0.0,
    }  # fmt: skip
    lines = facts(gap_days=3.0, active_days=14.0)
    still = SILENCE.evidence(lines)
    assert still["days_silent"].tolist() == [3.0]
    assert still["usual_gap_days"].tolist() == [29.0 / 14.5]
    np.testing.assert_allclose(still["p_alive"], 1.0 - silence(lines))
