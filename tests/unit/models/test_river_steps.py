"""The steps in numpy are River's: the same numbers, bit for bit, after thousands of rows, whatever the rows are."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from numpy.typing import NDArray
from river import compose, linear_model, optim, preprocessing

from models.learners.logistic import L2, NewtonSteps
from models.learners.mixer import ADAGRAD_EPSILON, FIRST_SHARES, INTERCEPT_LEARNING_RATE, LEARNING_RATE, Mixer
from models.learners.river_steps import ScaledRegression

RATE, COLUMNS = 0.05, 12
Rows = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]


def rivers_own() -> compose.Pipeline:
    regression = linear_model.LogisticRegression(
        optimizer=optim.AdaGrad(RATE), l2=L2, intercept_init=-3.0, intercept_lr=NewtonSteps()
    )
    return compose.Pipeline(preprocessing.StandardScaler(), regression)


def ours() -> ScaledRegression:
    return ScaledRegression(COLUMNS, RATE, L2, -3.0, NewtonSteps())


def rows(number: int, seed: int) -> Rows:
    """Features of many scales, a constant one, some missing; rare leavers; weights; offsets."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(number, COLUMNS)) * np.logspace(-3, 6, COLUMNS) + np.logspace(-2, 5, COLUMNS)
    features[:, 4] = 7.0
    features[random.random(features.shape) < 0.1] = np.nan
    features[: number // 3, 7] = np.nan
    churned = random.random(number) < 0.05 + 0.3 * (features[:, 2] > 1.0)
    return features, churned, random.choice([1.0, 0.5, 3.0, 20.0], number), random.normal(size=number)


def learnt_by_river(pipeline: compose.Pipeline, told: Rows) -> NDArray[np.float64]:
    """Learn them one by one in River; the log-odds of each just before."""
    scaler, regression = pipeline.steps.values()
    said = []
    for features, label, weight, offset in zip(*told, strict=True):
        row = {column: value for column, value in enumerate(features.tolist()) if not np.isnan(value)}
        regression.intercept += float(offset)
        said.append(regression._raw_dot_one(scaler.transform_one(row)))
        pipeline.learn_one(row, bool(label), w=float(weight))
        regression.intercept -= float(offset)
    return np.array(said)


def assert_equal(mine: ScaledRegression, pipeline: compose.Pipeline) -> None:
    scaler, regression = pipeline.steps.values()
    for numbers, rivers in (
        (mine.count, scaler.counts),
        (mine.mean, scaler.means),
        (mine.variance, scaler.vars),
        (mine.weights, regression.weights),
        (mine.squared_gradients, regression.optimizer.g2),
    ):
        own = np.array([rivers.get(column, 0.0) for column in range(COLUMNS)])
        assert np.array_equal(numbers, own)
    assert mine.intercept == regression.intercept


def test_five_thousand_rows_leave_the_numbers_that_river_has() -> None:
    mine, rivers, told = ours(), rivers_own(), rows(5000, seed=1)

    said = mine.learn(*told, tell=True)

    assert np.array_equal(said, learnt_by_river(rivers, told))
    assert_equal(mine, rivers)


def test_river_learns_on_where_the_steps_stood() -> None:
    mine = ours()
    mine.learn(*rows(800, seed=2), tell=False)
    rivers, more = mine.as_river(), rows(800, seed=3)

    learnt_by_river(rivers, more)
    mine.learn(*more, tell=False)

    assert_equal(mine, rivers)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.float64, (15, COLUMNS), elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))),
    hnp.arrays(np.bool_, 15),
    hnp.arrays(np.float64, 15, elements=st.floats(1e-3, 100.0)),
)
def test_any_rows_are_learnt_as_by_river(
    features: NDArray[np.float64], churned: NDArray[np.bool_], weight: NDArray[np.float64]
) -> None:
    mine, rivers, told = ours(), rivers_own(), (features, churned, weight, np.zeros(15))

    said = mine.learn(*told, tell=True)

    assert np.array_equal(said, learnt_by_river(rivers, told))


def test_a_row_without_any_value_moves_the_intercept_alone() -> None:
    mine = ours()
    mine.learn(*rows(100, seed=4), tell=False)
    weights, intercept = mine.weights.copy(), mine.intercept

    mine.learn(np.full((1, COLUMNS), np.nan), np.array([True]), np.ones(1), np.zeros(1), tell=False)

    assert np.array_equal(mine.weights, weights)
    assert mine.intercept > intercept


def test_the_mixer_is_rivers_regression_over_two_opinions() -> None:
    random = np.random.default_rng(5)
    opinions, churned = random.normal(-3.0, 3.0, size=(4000, 2)), random.random(4000) < 0.1
    opinions[::50] *= 6.0
    weight = random.choice([0.5, 1.0, 4.0], 4000)
    rivers = linear_model.LogisticRegression(
        optimizer=optim.AdaGrad(LEARNING_RATE, eps=ADAGRAD_EPSILON), intercept_lr=INTERCEPT_LEARNING_RATE
    )
    rivers._weights.update(dict(zip("ab", FIRST_SHARES, strict=True)))
    for (one, other), label, row_weight in zip(opinions.tolist(), churned.tolist(), weight.tolist(), strict=True):
        rivers.learn_one({"a": one, "b": other}, label, w=row_weight)

    mixer = Mixer()
    mixer.learn(opinions, churned, weight)

    assert mixer.shares == (rivers.weights["a"], rivers.weights["b"])
    assert mixer.intercept == rivers.intercept
