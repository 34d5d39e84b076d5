"""Ranking figures of lists, by hand and by brute force."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from models.evaluation.daily_lists import JudgedList
from models.evaluation.list_figures import figures_of, mean_profit
from models.evaluation.ranking import found_in_top, top_count


def judged(scores: list[float], churned: list[bool], declared: list[bool] | None = None) -> JudgedList:
    return JudgedList(
        0,
        np.arange(len(scores)),
        np.array(scores),
        np.array(declared or [False] * len(scores)),
        np.array(churned),
    )


def test_figures_are_taken_per_list_and_then_averaged() -> None:
    good = judged([0.9, 0.5, 0.4, 0.3], [True, False, False, False])
    bad = judged([0.9, 0.5, 0.4, 0.3], [False, False, False, True])

    figures = figures_of([good, bad], shares=(0.25, 0.5)).as_dict()

    assert figures["precision_at"] == {"0.25": 0.5, "0.50": 0.25}
    assert figures["recall_at"] == {"0.25": 0.5, "0.50": 0.5}
    assert figures["average_precision"] == pytest.approx((1.0 + 0.25) / 2)
    assert figures["auc"] == pytest.approx(0.5)


def test_a_list_from_which_nobody_leaves_counts_for_precision_only() -> None:
    empty = judged([0.9, 0.1], [False, False])
    full = judged([0.9, 0.1], [True, False])

    figures = figures_of([empty, full], shares=(0.5,)).as_dict()

    assert figures["precision_at"] == {"0.50": 0.5}
    assert figures["recall_at"] == {"0.50": 1.0}
    assert figures["auc"] == 1.0


def test_without_lists_every_figure_is_none() -> None:
    figures = figures_of([]).as_dict()

    assert figures["auc"] is None
    assert figures["precision_at"] == {"0.01": None, "0.02": None, "0.05": None}
    assert mean_profit([]) is None


def test_declared_lines_leave_the_undeclared_list() -> None:
    day = judged([0.9, 0.8, 0.1], [True, True, False], [True, False, False])

    assert day.undeclared().scores.tolist() == [0.8, 0.1]
    assert day.undeclared().churned.tolist() == [True, False]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.3])), min_size=1, max_size=12),
    st.integers(1, 12),
)
def test_a_tie_at_the_end_of_the_list_counts_what_chance_would_find(rows: list[tuple[bool, float]], count: int) -> None:
    churned, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    count = min(count, len(rows))
    random = np.random.default_rng(1)
    tries = []
    for _ in range(300):
        shuffled = random.permutation(len(rows))
        order = shuffled[np.argsort(-score[shuffled], kind="stable")]
        tries.append(churned[order[:count]].sum())

    assert found_in_top(churned, score, count) == pytest.approx(np.mean(tries), abs=0.5)


def test_the_top_of_a_short_list_is_one_line() -> None:
    assert top_count(10, 0.01) == 1
    assert top_count(150, 0.01) == 2
    assert top_count(0, 0.02) == 0
