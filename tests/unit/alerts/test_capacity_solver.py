"""The best assignment, against every assignment there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.capacity_solver import Options, assign

GAINS = st.floats(min_value=-2, max_value=20, allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), GAINS), max_size=9)


def options(rows: list[tuple[int, int, float]]) -> Options:
    items, owners, gains = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return Options(np.array(items, np.int64), np.array(owners, np.int64), np.array(gains, np.float64))


def best_of_all(rows: list[tuple[int, int, float]], capacity: list[int]) -> float:
    best = 0.0
    for taken in product((False, True), repeat=len(rows)):
        chosen = [row for row, take in zip(rows, taken, strict=True) if take]
        items = [item for item, _, _ in chosen]
        fits = all(sum(owner == one for _, owner, _ in chosen) <= most for one, most in enumerate(capacity))
        if fits and len(items) == len(set(items)):
            best = max(best, sum(gain for _, _, gain in chosen))
    return best


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, capacity=st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_no_assignment_brings_more_and_none_of_the_limits_is_passed(
    rows: list[tuple[int, int, float]], capacity: list[int]
) -> None:
    found = assign(options(rows), np.array(capacity, np.int64))
    chosen = [rows[number] for number in found.chosen]
    assert len({item for item, _, _ in chosen}) == len(chosen)
    assert all(sum(owner == one for _, owner, _ in chosen) <= most for one, most in enumerate(capacity))
    assert found.gain == pytest.approx(best_of_all(rows, capacity), abs=1e-6)
    assert found.bound == pytest.approx(found.gain, abs=1e-6)


def test_the_shadow_price_by_hand() -> None:
    """Three customers, one contact: the second best waits, so one more contact would bring what it brings."""
    rows = options([(0, 0, 9.0), (1, 0, 5.0), (2, 0, 2.0)])
    found = assign(rows, np.array([1]))
    assert found.chosen.tolist() == [0]
    assert 5.0 <= found.prices[0] <= 9.0
    assert assign(rows, np.array([3])).prices[0] <= 2.0
    assert assign(rows, np.array([0])).prices.tolist() == [9.0]


def test_the_same_options_are_always_taken_in_the_same_way() -> None:
    dice = np.random.default_rng(5)
    rows = [
        (int(item), int(owner), 1.0)
        for item, owner in zip(dice.integers(0, 300, 900), dice.integers(0, 9, 900), strict=True)
    ]
    capacity = np.full(9, 12)
    first = assign(options(rows), capacity).chosen.tolist()
    assert all(assign(options(rows), capacity).chosen.tolist() == first for _ in range(3))
    assert len(first) == 108


def test_more_options_than_are_looked_at_first_still_end_in_the_optimum() -> None:
    """Owner 0 is everybody's best; who goes to owner 1 instead shows only in the prices."""
    count = 400
    rows = [(item, 0, 100.0 + item / 10) for item in range(count)] + [
        (item, 1, 90.0 - item / 10) for item in range(count)
    ]
    found = assign(options(rows), np.array([100, 100]))
    kept = sorted(rows[number][:2] for number in found.chosen)
    assert kept == [(item, 1) for item in range(100)] + [(item, 0) for item in range(300, 400)]
