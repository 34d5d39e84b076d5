"""Sums by bin are those that one gets by counting, in whatever order; cuts fall where they fell."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.boosting import BoostingRules, fit_forest
from models.histograms import Bins, on_grid
from models.tree_steps import add_slopes, share_out


def lines(rows: int = 600, seed: int = 1) -> NDArray[np.float64]:
    """As ours are: many zeros, flags, missing values, a constant, a continuous one, one that is nearly always 0."""
    random = np.random.default_rng(seed)
    features = random.exponential(size=(rows, 7)) * (random.random((rows, 7)) < [0.2, 1, 0.2, 0.2, 0.2, 0.2, 0.05])
    features[:, 1], features[:, 2] = 3.0, features[:, 2] > 0
    features[:, 5] = random.normal(size=rows)
    features[::9, 5], features[::5, 0] = np.nan, np.nan
    return features


@pytest.mark.parametrize("places", [4, 64, 300])
def test_sums_by_bin_are_those_of_counting(places: int) -> None:
    features, random = lines(), np.random.default_rng(2)
    bins, chosen = Bins.of(features, places), np.array([0, 1, 2, 5, 6])
    rows, some = np.sort(random.permutation(600)[:250]), np.sort(random.permutation(250)[:90])
    slopes = np.column_stack([on_grid(random.normal(size=250), 2000.0) for _ in range(2)])
    own = bins.chosen(chosen)
    sums = np.zeros((own.start[-1] + 1, 2))

    add_slopes(rows, slopes, some, own, sums)

    assert [common >= 0 for common in bins.common] == [False, True, False, False, False, False, True]
    assert np.array_equal(
        sums[:-1],
        [
            slopes[some][bins.codes[rows[some], column] == code].sum(axis=0)
            for column in chosen.tolist()
            for code in range(len(bins.edges[column]) + 2)
        ],
    )


def test_rows_are_shared_out_in_their_order() -> None:
    codes, rows, places = (
        np.array([[1, 5], [1, 9], [1, 7], [1, 2]], np.uint8),
        np.array([3, 1, 0, 2]),
        np.array([0, 1, 3, 2]),
    )

    left = share_out(codes, rows, 1, 5, places, np.empty(5, np.int64))

    assert left == 2
    assert places.tolist() == [0, 2, 1, 3]


def test_sums_on_the_grid_are_equal_in_any_order() -> None:
    random = np.random.default_rng(3)
    values = on_grid(random.normal(size=50_000), 100_000.0)

    assert len({float(random.permutation(values).sum()) for _ in range(20)}) == 1
    assert float(np.add.accumulate(values)[-1]) == float(values.sum())


def test_a_value_goes_right_of_the_edges_that_it_is_above() -> None:
    bins = Bins.of(np.array([[1.0], [2.0], [2.0], [9.0], [np.nan]]), 64)

    assert bins.edges[0].tolist() == [1.5, 5.5]
    assert bins.codes.tolist() == [[1], [2], [2], [3], [0]]


def test_zeros_that_were_not_sorted_stand_in_their_place() -> None:
    features = lines()
    features[:, 3] -= 0.2
    for column in range(7):
        present = np.sort(features[~np.isnan(features[:, column]), column])
        values = np.unique(present)

        edges = Bins.of(features, 700).edges[column]

        assert np.array_equal(edges, (values[:-1] + values[1:]) / 2.0 if len(values) > 1 else values)


def test_the_trees_do_not_depend_on_the_order_of_equal_sums() -> None:
    """One tree on all rows and features: the rows in another order give the same cuts and values, to the last bit."""
    features, random = lines(), np.random.default_rng(4)
    churned, weight, other = random.random(600) < 0.3, random.choice([0.3, 1.0, 2.0], 600), random.permutation(600)
    rules = BoostingRules(trees=1, row_share=1.1, feature_share=1.0)
    margin = random.normal(size=600)

    one = fit_forest(features, churned, weight, rules, margin)
    two = fit_forest(features[other], churned[other], weight[other], rules, margin[other])

    assert np.array_equal(one.feature, two.feature)
    assert np.array_equal(one.threshold, two.threshold)
    assert np.array_equal(one.value, two.value)
