"""Boosted trees and the blend: they bend, they travel, they do not depend on batches."""

import copy
import time
from typing import Any

import numpy as np
import pytest

from models.bodies import READERS, ModelRefusal, WrongBodyError, read_forest
from models.boosting import BoostingRules, fit_forest
from models.evaluation import log_loss, roc_auc
from models.learners.blend import BlendLearner
from models.learners.boosted import BoostedLearner
from models.learners.logistic import LogisticLearner


def crossed(rows: int = 1500, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Churn where two features have the same sign: no linear model sees it."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 4))
    churned = random.random(rows) < np.where(features[:, 0] * features[:, 1] > 0, 0.5, 0.05)
    features[random.random((rows, 4)) < 0.05] = np.nan
    return features, churned, np.ones(rows)


@pytest.fixture(scope="module")
def blend() -> BlendLearner:
    learner = BlendLearner(4)
    learner.learn(*crossed())
    return learner


def test_trees_see_what_a_linear_model_cannot(blend: BlendLearner) -> None:
    features, churned, _ = crossed(seed=2)
    linear = LogisticLearner(4)
    linear.learn(*crossed())

    assert roc_auc(churned, linear.score(features)) < 0.6
    assert roc_auc(churned, blend.score(features)) > 0.7
    assert log_loss(churned, blend.score(features)) < log_loss(churned, linear.score(features))


def test_batches_do_not_change_the_blend(blend: BlendLearner) -> None:
    features, churned, weight = crossed()
    pieces = BlendLearner(4)
    for start in range(0, len(features), 173):
        part = slice(start, start + 173)
        pieces.learn(features[part], churned[part], weight[part])

    assert pieces.export() == blend.export()


def test_before_the_first_fit_the_blend_is_the_regression_alone() -> None:
    features, churned, weight = crossed(100)
    learner, linear = BlendLearner(4), LogisticLearner(4)
    learner.learn(features, churned, weight)
    linear.learn(features, churned, weight)

    assert np.array_equal(learner.score(features), linear.score(features))


def test_the_wire_changes_no_score(blend: BlendLearner) -> None:
    features, _, _ = crossed(seed=3)
    features[0, 0], features[1, 1] = np.inf, -np.inf

    read = READERS["blend"](blend.export(), 4)

    assert np.array_equal(read.score(features), blend.score(features))
    assert np.allclose(BlendLearner.load(blend.export()).score(features), blend.score(features), atol=1e-12)
    assert np.isfinite(read.score(features)).all()


def test_contributions_of_the_trees_add_up(blend: BlendLearner) -> None:
    forest = blend.model().forest
    assert forest is not None
    features, _, _ = crossed(20, seed=4)
    start = forest.base + forest.value[:, 0].sum()

    sums = [start + forest.contributions(row).sum() for row in features]

    assert np.allclose(sums, forest.log_odds(features))


def test_a_row_alone_scores_as_in_a_batch(blend: BlendLearner) -> None:
    features, _, _ = crossed(5000, seed=5)
    batch = blend.model().log_odds(features)

    assert np.allclose([blend.model().log_odds(row[None, :])[0] for row in features[::500]], batch[::500], atol=1e-12)


def test_rows_of_no_weight_and_wild_values_leave_the_blend_sound() -> None:
    learner = BlendLearner(4)
    features, churned, weight = crossed(600)
    features[::7, 2], features[::11, 3] = np.inf, 1e308
    weight[::5], weight[1::50] = 0.0, np.nan
    learner.learn(features, churned, weight)

    assert learner.is_finite()
    assert np.isfinite(learner.score(features)).all()


def test_fitting_is_deterministic_and_weights_count() -> None:
    features, churned, weight = crossed(800)
    one = fit_forest(features, churned, weight)
    again = fit_forest(features, churned, weight)
    heavy = fit_forest(features, churned, np.where(churned, 5.0, 1.0))

    assert np.array_equal(one.value, again.value)
    assert heavy.log_odds(features).mean() > one.log_odds(features).mean() + 0.5


def test_one_cut_by_hand() -> None:
    """Four rows, one feature, one tree of depth 1: gradients at p = 1/2 are +-1/2, hessians 1/4, l2 = 1."""
    rules = BoostingRules(
        trees=1, depth=1, learning_rate=1.0, child_weight_minimum=0.0, row_share=1.1, feature_share=1.0
    )
    forest = fit_forest(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([False, False, True, True]), np.ones(4), rules)

    assert forest.threshold.tolist() == [[2.5]]
    assert forest.log_odds(np.array([[0.0], [9.0]])) == pytest.approx([-1.0 / 1.5, 1.0 / 1.5])


def test_the_trees_keep_only_the_newest_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.learners.boosted.KEPT_ROWS_MAX", 400)
    learner = BoostedLearner(4, BoostingRules(trees=5))
    for seed in range(4):
        learner.learn(*crossed(500, seed=seed))

    assert learner._kept < 1000


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("boosted", {"feature": [[0, 9, 1]]}, ModelRefusal.WRONG_SHAPE),
        ("boosted", {"feature": []}, ModelRefusal.WRONG_SHAPE),
        ("boosted", {"feature": [[0, 1]]}, ModelRefusal.WRONG_SHAPE),
        ("boosted", {"base": None}, ModelRefusal.NOT_FINITE),
        ("boosted", {"value": [[1.0]]}, ModelRefusal.WRONG_SHAPE),
        ("mix", {"intercept": None}, ModelRefusal.NOT_FINITE),
        ("logistic", {"weights": [1.0]}, ModelRefusal.WRONG_SHAPE),
    ],
)
def test_a_wrong_part_is_refused(blend: BlendLearner, part: str, change: dict[str, Any], reason: ModelRefusal) -> None:
    body = copy.deepcopy(blend.export())
    body[part].update(change)

    with pytest.raises(WrongBodyError) as refused:
        READERS["blend"](body, 4)

    assert refused.value.reason is reason


def test_a_million_lines_are_scored_by_the_linear_model_within_two_seconds() -> None:
    learner = LogisticLearner(20)
    random = np.random.default_rng(1)
    learner.learn(random.normal(size=(200, 20)), random.random(200) < 0.5, np.ones(200))
    features = random.normal(size=(1_000_000, 20))
    started = time.perf_counter()
    learner.linear_model().score(features)

    assert time.perf_counter() - started < 2.0


def test_a_forest_must_be_complete() -> None:
    with pytest.raises(WrongBodyError, match="no complete tree"):
        read_forest({"feature": [[0, 0]], "threshold": [[0, 0]], "value": [[0]], "base": 0.0}, 1)
