"""The benchmark on real sets is honest: nothing is learnt before the clock allows it, the data are read as they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.labelled.datasets import SHARED_DATA, LabelledSet, snapshot_sets
from benchmarks.labelled.prequential import LabelClock, scores_by_clock, scores_in_order
from benchmarks.labelled.scorers import Ours
from models.learners.logistic import LogisticLearner


class Notary:
    """Scores by the number of rows that it has learnt; the feature of a row is its number."""

    def __init__(self) -> None:
        self.learnt: list[int] = []
        self.learnt_before: dict[int, list[int]] = {}

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        for number in features[:, 0].astype(int).tolist():
            self.learnt_before[number] = list(self.learnt)
        return np.zeros(len(features))

    def learn(self, features: NDArray[np.float64], churned: NDArray[np.bool_]) -> None:
        self.learnt.extend(features[:, 0].astype(int).tolist())


@pytest.fixture
def dated() -> LabelledSet:
    """A churner of day 5 (left on day 7), stayers of days 5, 20 and 33, a churner of day 33 that leaves much later."""
    return LabelledSet(
        "dated",
        np.arange(5, dtype=np.float64)[:, None],
        np.array([True, False, False, False, False]),
        np.array([5, 5, 20, 33, 33]),
        np.array([7, 0, 0, 0, 90]),
    )


def test_a_label_is_learnt_when_it_is_known(dated: LabelledSet) -> None:
    notary = Notary()
    scores_by_clock(dated, notary, LabelClock.AS_KNOWN)

    assert notary.learnt_before == {0: [], 1: [], 2: [0], 3: [0, 1], 4: [0, 1]}


def test_by_the_clock_of_the_product_a_stayer_is_learnt_on_its_drawn_day_and_a_leaver_twice_at_most() -> None:
    days = np.arange(60)
    left = np.where(days % 3 == 0, days + 20, 0)
    many = LabelledSet("many", days.astype(float)[:, None], left > 0, days, left)
    notary = Notary()
    scores_by_clock(many, notary, LabelClock.DRAWN)

    for number, before in notary.learnt_before.items():
        assert all(row + 1 <= number for row in before)
        leavers = [row for row in before if left[row] and number >= left[row]]
        assert len(leavers) >= sum(1 for row in range(0, number - 19, 3))
        assert max((before.count(row) for row in before), default=0) <= 2
        assert all(before.count(row) <= 1 for row in before if not left[row])


def test_both_classes_may_wait_for_the_horizon(dated: LabelledSet) -> None:
    notary = Notary()
    scores_by_clock(dated, notary, LabelClock.AFTER_HORIZON)

    assert notary.learnt_before == {0: [], 1: [], 2: [], 3: [0, 1], 4: [0, 1]}


def test_each_row_is_scored_before_it_is_learnt(dated: LabelledSet) -> None:
    notary = Notary()
    scores_in_order(dated, notary)

    assert notary.learnt_before == {number: list(range(number)) for number in range(5)}


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the shared data sets are not beside the project")
def test_the_snapshot_sets_have_their_known_rows_and_base_rates() -> None:
    told = {rows.name: (len(rows.churned), round(float(rows.churned.mean()), 3)) for rows in snapshot_sets()}

    assert told == {"ibm_telco": (7043, 0.265), "mlc_churn": (5000, 0.141), "iranian_churn": (3150, 0.157)}


def test_ours_says_the_same_of_everybody_until_it_has_seen_the_minimum_of_churners() -> None:
    ours, rows = Ours(LogisticLearner(1)), np.array([[-1.0], [1.0]])
    for churners in (29, 1):
        assert len(set(ours.score(rows).tolist())) == 1
        ours.learn(np.ones((churners, 1)), np.ones(churners, np.bool_))
        ours.learn(-np.ones((300, 1)), np.zeros(300, np.bool_))

    assert ours.score(rows)[0] < ours.score(rows)[1]
