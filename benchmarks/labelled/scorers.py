"""Who takes part: our learner, River's own baselines with their defaults, and batch boosting as a reference."""

from collections.abc import Callable
from math import isnan
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from river import forest, linear_model, optim, preprocessing

from benchmarks.labelled.datasets import LabelledSet
from models.calibration import OnlineCalibration
from models.learners.blend import BlendLearner
from models.learners.logistic import BASE_RATE, LogisticLearner
from models.learners.protocol import Learner
from models.training import BLOCK_ROWS, LEVEL_SHARE, TrainingRules

FOLDS = 5
LIGHTGBM_ROUNDS = 100
SEED = 1
BASE_LOG_ODDS = float(np.log(BASE_RATE / (1.0 - BASE_RATE)))


class Contestant(Protocol):
    """Scores rows, then learns rows; knows nothing else."""

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]: ...

    def learn(self, features: NDArray[np.float64], churned: NDArray[np.bool_]) -> None: ...


class Ours:
    """A learner of `models` as the trainer has it: every example with weight 1, in blocks, each told to its calibration as it
    stood before. It says nothing before it has seen a minimum of churners: until then the prior scores, which of a foreign set is
    the same for everybody, at the level that its own calibration finds.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._calibration = OnlineCalibration()
        self._level = OnlineCalibration()
        self._churners = 0

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        needed = TrainingRules().minimum_positives
        if self._churners * LEVEL_SHARE < needed:
            return np.full(len(features), BASE_RATE)
        if self._churners < needed:
            return self._level.current.probability(np.full(len(features), BASE_LOG_ODDS))
        return self._calibration.current.probability(self._learner.model().log_odds(features))

    def learn(self, features: NDArray[np.float64], churned: NDArray[np.bool_]) -> None:
        for start in range(0, len(churned), BLOCK_ROWS):
            rows, left = features[start : start + BLOCK_ROWS], churned[start : start + BLOCK_ROWS]
            weight = np.ones(len(left))
            self._level.add(np.full(len(left), BASE_LOG_ODDS), left, weight)
            self._calibration.add(self._learner.model().log_odds(rows), left, weight)
            self._learner.learn(rows, left, weight)
            self._churners += int(left.sum())


class Rivers:
    """A River classifier. A missing value is left out for linear models; trees are given the running mean."""

    def __init__(self, model: Any, *, imputes: bool) -> None:
        self._model = model
        self._imputes = imputes
        self._sum: NDArray[np.float64] | float = 0.0
        self._count: NDArray[np.int64] | int = 0

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([self._model.predict_proba_one(row).get(True, 0.0) for row in self._rows(features)])

    def learn(self, features: NDArray[np.float64], churned: NDArray[np.bool_]) -> None:
        for row, label in zip(self._rows(features), churned.tolist(), strict=True):
            self._model.learn_one(row, label)
        self._sum = self._sum + np.nansum(features, axis=0)
        self._count = self._count + (~np.isnan(features)).sum(axis=0)

    def _rows(self, features: NDArray[np.float64]) -> list[dict[int, float]]:
        if self._imputes:
            features = np.where(np.isnan(features), self._sum / np.maximum(self._count, 1), features)
        return [{column: value for column, value in enumerate(row.tolist()) if not isnan(value)} for row in features]


def river_logistic() -> Any:
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.AdaGrad())


CONTESTANTS: dict[str, Callable[[int], Contestant]] = {
    "churnwatch": lambda n_features: Ours(BlendLearner(n_features)),
    "churnwatch_logistic": lambda n_features: Ours(LogisticLearner(n_features)),
    "river_logistic": lambda _: Rivers(river_logistic(), imputes=False),
    "river_arf": lambda _: Rivers(forest.ARFClassifier(seed=SEED), imputes=True),
    "river_amf": lambda _: Rivers(forest.AMFClassifier(seed=SEED), imputes=True),
}


def lightgbm_scores(rows: LabelledSet) -> NDArray[np.float64]:
    """Each row scored by a model of the other four fifths: later rows teach earlier ones, which no live system has.

    Raises:
        ImportError: LightGBM is not installed, or the system has no OpenMP library for it.
        OSError: likewise.
    """
    import lightgbm

    random = np.random.default_rng(SEED)
    groups = np.arange(len(rows.churned)) if rows.person is None else rows.person
    _, group = np.unique(groups, return_inverse=True)
    fold = random.integers(0, FOLDS, group.max() + 1)[group]
    scores = np.empty(len(rows.churned))
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": SEED, "deterministic": True}
    for number in range(FOLDS):
        train = fold != number
        data = lightgbm.Dataset(rows.features[train], rows.churned[train])
        scores[~train] = lightgbm.train(parameters, data, LIGHTGBM_ROUNDS).predict(rows.features[~train])
    return scores
