"""River's logistic regression behind guards, and its copy in numpy."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from models.evaluation import roc_auc
from models.exchange import ArrayScorer
from models.learners.logistic import LogisticLearner


def made_up(rows: int = 2000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(loc=[0.0, 100.0, -3.0], scale=[1.0, 20.0, 0.1], size=(rows, 3))
    churned = random.random(rows) < 1.0 / (1.0 + np.exp(-(2.0 * features[:, 0] - 2.0)))
    return features, churned, np.ones(rows)


def trained() -> LogisticLearner:
    learner = LogisticLearner(3)
    learner.learn(*made_up())
    return learner


def test_it_learns_what_separates_the_classes() -> None:
    features, churned, _ = made_up(seed=2)

    assert roc_auc(churned, trained().score(features)) > 0.85


def test_numpy_scores_equal_rivers_own_within_1e_9() -> None:
    learner = trained()
    features, _, _ = made_up(seed=3)
    features[::7, 1] = np.nan
    features[::11, 0] = 1e6

    ours = ArrayScorer("v", learner.linear_model()).score(features)
    pipeline = learner.as_river()
    rivers = [pipeline.predict_proba_one(learner.river_row(row))[True] for row in features]

    assert np.abs(ours - np.array(rivers)).max() < 1e-9


def test_batches_do_not_change_what_is_learnt() -> None:
    features, churned, weight = made_up()
    pieces = LogisticLearner(3)
    for start in range(0, len(features), 137):
        part = slice(start, start + 137)
        pieces.learn(features[part], churned[part], weight[part])

    assert pieces.export() == trained().export()


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float64, (20, 3), elements=st.floats(allow_nan=True, allow_infinity=True, width=64)))
def test_no_value_however_wild_poisons_the_model(wild: np.ndarray) -> None:
    learner = LogisticLearner(3)
    learner.learn(*made_up(500))
    learner.learn(wild, np.arange(20) % 2 == 0, np.ones(20))
    features, churned, weight = made_up(1000, seed=4)
    learner.learn(features, churned, weight)

    assert learner.is_finite()
    assert np.isfinite(learner.score(wild)).all()
    assert roc_auc(churned, learner.score(features)) > 0.8


def test_one_missing_value_changes_nothing_for_the_other_features() -> None:
    learner = trained()
    before = learner.export()
    learner.learn(np.full((1, 3), np.nan), np.array([True]), np.ones(1))

    assert learner.export()["weights"] == before["weights"]
    assert np.isfinite(learner.score(np.array([[np.nan, np.nan, np.nan]]))).all()


def test_a_row_of_no_weight_is_not_learnt() -> None:
    learner = trained()
    before = learner.export()
    for weight in (0.0, -1.0, np.nan, np.inf):
        learner.learn(np.ones((1, 3)), np.array([True]), np.array([weight]))

    assert learner.export() == before


def test_a_loaded_learner_scores_and_learns_on_as_the_exported_one() -> None:
    learner = trained()
    loaded = LogisticLearner.load(learner.export())
    for each in (learner, loaded):
        each.learn(*made_up(300, seed=5))
    features, _, _ = made_up(seed=6)

    assert np.allclose(loaded.score(features), learner.score(features), atol=1e-12)


def test_contributions_add_up_to_the_log_odds() -> None:
    learner = trained()
    features, _, _ = made_up(5, seed=7)
    model = learner.linear_model()

    sums = [learner.explain(row).sum() + model.intercept for row in features]

    assert np.allclose(sums, model.log_odds(features))
