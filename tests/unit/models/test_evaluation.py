"""Figures by hand, reasons, and their laws."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from models.evaluation import RollingFigures, average_precision, log_loss, roc_auc
from pipeline.reasons import reason_shares


def test_auc_by_hand() -> None:
    churned = np.array([True, True, False, False, False])
    score = np.array([0.9, 0.3, 0.5, 0.3, 0.1])

    assert roc_auc(churned, score) == pytest.approx((3 + 1.5) / 6)


def test_average_precision_counts_equal_scores_as_one_place() -> None:
    assert average_precision(np.array([True, False, False, True]), np.full(4, 0.5)) == pytest.approx(0.5)


def test_log_loss_by_hand() -> None:
    assert log_loss(np.array([True, False]), np.array([0.5, 0.25])) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.3, 0.4])), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, float]]) -> None:
    churned, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    pairs = [(p, n) for p in score[churned] for n in score[~churned]]
    expected = np.mean([(p > n) + 0.5 * (p == n) for p, n in pairs]) if pairs else np.nan

    assert roc_auc(churned, score) == pytest.approx(expected, nan_ok=True)


def test_rolling_figures_forget_the_oldest() -> None:
    rolling = RollingFigures(examples_max=4)
    rolling.add(np.array([True, True, True]), np.array([0.1, 0.1, 0.1]))
    rolling.add(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.8, 0.1]))

    assert rolling.figures()["auc"] == 1.0
    assert rolling.figures()["examples"] == 4.0


def test_figures_that_cannot_be_told_are_left_out() -> None:
    rolling = RollingFigures()
    rolling.add(np.array([False, False]), np.array([0.1, 0.2]))

    assert "auc" not in rolling.figures()
    assert rolling.figures()["base_rate"] == 0.0


def test_reasons_speak_for_leaving_the_strongest_first() -> None:
    contributions = np.array([5.0, 4.0, 3.0, 2.0, 2.0, -9.0, 0.1])
    groups = ["a", "b", "c", "e", "d", "f", "g"]

    assert list(reason_shares(contributions, groups)) == ["a", "b", "c", "d", "e"]


def test_no_reason_where_nothing_speaks_for_leaving() -> None:
    assert reason_shares(np.array([-1.0, 0.0]), ["a", "b"]) == {}
