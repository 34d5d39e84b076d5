"""Forward-decayed sums: order is irrelevant, the landmark is invisible, a constant rate is found again."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.state.catalogue import HALF_LIVES_DAYS
from pipeline.state.decay import DAY_MS, LANDMARK_DAYS, Floats, Landmark, decayed, effective_days, per_day, weights

START_MS = 20_000 * DAY_MS
#: Happenings between 90 days before the landmark and a month and a day after it, as the engine lets them in.
TIMES = st.integers(START_MS - 90 * DAY_MS, START_MS + 29 * DAY_MS)
EVENTS = st.lists(st.tuples(TIMES, st.floats(0.0, 1e6)), min_size=1, max_size=60)


def summed(events: list[tuple[int, float]], landmark_ms: int = START_MS) -> Floats:
    """Sums as the engine adds them up: one after the other."""
    sums = np.zeros(len(HALF_LIVES_DAYS))
    times = np.array([ts for ts, _ in events], np.int64)
    for weight, (_, amount) in zip(weights(times, landmark_ms), events, strict=True):
        sums += weight * amount
    return sums


def test_a_value_halves_in_its_half_life() -> None:
    sums = summed([(START_MS, 8.0)])
    assert decayed(sums, START_MS + 14 * DAY_MS, START_MS).tolist() == pytest.approx([0.5, 4.0, 8.0 * 2 ** (-0.25)])


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter_up_to_rounding(events: list[tuple[int, float]], dice: Random) -> None:
    shuffled = list(events)
    dice.shuffle(shuffled)
    np.testing.assert_allclose(summed(shuffled), summed(events), rtol=1e-12)


@given(EVENTS, st.integers(0, 60))
def test_two_halves_added_equal_the_whole_up_to_rounding(events: list[tuple[int, float]], cut: int) -> None:
    np.testing.assert_allclose(summed(events[:cut]) + summed(events[cut:]), summed(events), rtol=1e-12)


@given(st.lists(TIMES, min_size=1, max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_weights_have_the_same_bits_however_a_block_is_cut(times: list[int], cuts: list[int]) -> None:
    whole = weights(np.array(times, np.int64), START_MS)
    edges = [0, *sorted(cuts), len(times)]
    parts = [weights(np.array(times[a:b], np.int64), START_MS) for a, b in pairwise(edges)]
    assert np.vstack(parts).tobytes() == whole.tobytes()


@given(EVENTS, st.integers(LANDMARK_DAYS, 120))
def test_moving_the_landmark_changes_no_rate(events: list[tuple[int, float]], later_days: int) -> None:
    now_ms = START_MS + later_days * DAY_MS
    age = np.array([200.0])
    sums = summed(events)[None, :]
    before = per_day(sums, now_ms, START_MS, age)
    landmark = Landmark(START_MS)
    moved = sums * landmark.move(now_ms)
    assert landmark.ms == now_ms
    np.testing.assert_allclose(per_day(moved, now_ms, landmark.ms, age), before, rtol=1e-12)


def test_the_landmark_is_due_after_four_weeks_to_the_millisecond() -> None:
    landmark = Landmark(START_MS)
    assert not landmark.due(START_MS + LANDMARK_DAYS * DAY_MS - 1)
    assert landmark.due(START_MS + LANDMARK_DAYS * DAY_MS)


@pytest.mark.parametrize("age_days", [0.5, 3, 14, 60, 400])
@pytest.mark.parametrize("per_day_true", [0.2, 5.0, 300.0])
def test_a_constant_rate_is_found_again_for_young_and_old_lines(age_days: float, per_day_true: float) -> None:
    steps = 4000
    times = (START_MS - (np.arange(steps) + 0.5) * age_days * DAY_MS / steps).astype(np.int64)
    amount = per_day_true * age_days / steps
    sums = weights(times, START_MS).sum(axis=0)[None, :] * amount
    rates = per_day(sums, START_MS, START_MS, np.array([age_days]))
    np.testing.assert_allclose(rates, per_day_true, rtol=1e-4)


def test_a_line_of_one_minute_has_no_rate_of_thousands() -> None:
    one_call = weights(np.array([START_MS], np.int64), START_MS)
    rates = per_day(one_call, START_MS + 60_000, START_MS, np.array([1.0 / 1440.0]))
    assert rates.max() < 25.0


@given(st.floats(0.0, 5000.0))
def test_effective_days_are_positive_and_never_more_than_the_age_or_the_half_life_allow(age: float) -> None:
    days = effective_days(np.array([age]))[0]
    assert (days > 0).all()
    assert (days <= np.maximum(age, 1.0 / 24.0) * (1 + 1e-9)).all()
    assert (days <= np.array(HALF_LIVES_DAYS) / np.log(2.0)).all()


def test_weights_stay_within_digits_for_every_time_the_engine_lets_in() -> None:
    extremes = weights(np.array([START_MS - 90 * DAY_MS, START_MS + 30 * DAY_MS], np.int64), START_MS)
    assert extremes.min() > 1e-9
    assert extremes.max() < 1e3
