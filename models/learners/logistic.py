"""River's StandardScaler | LogisticRegression, guarded: bad values never reach it, and it exports to numpy.

Its steps are taken in numpy (`river_steps.py`); `as_river` is the same as River's own pipeline.
"""

from typing import Any, Self

import numpy as np
from river import compose, optim

from models.bodies import PRIOR_KIND
from models.learners.protocol import BoolVector
from models.learners.river_steps import ScaledRegression
from models.scorers import LinearModel, prior_of
from pipeline.ports import FloatMatrix, FloatVector

LEARNING_RATE = 0.05
CORRECTING_RATE = 0.01  # where a prior is corrected: what it says took years to find out
L2 = 1e-5
BASE_RATE = 0.02  # where the intercept starts: churn within 30 days at a usual operator (DOMAIN.md section 6)
CLIP_DEVIATIONS = 8.0
CLIP_REFRESH_ROWS = 64
CLIP_MINIMUM_ROWS = 64
VALUE_LIMIT = 1e12
TAKE_BACK_WEIGHT_MAX = 20.0


class NewtonSteps(optim.base.Scheduler):
    """Rate of the intercept: a Newton step's 1 / (sum of p (1 - p)) at the usual base rate, after a start worth four
    such rows, and never below a floor that lets it follow a drift of the base rate: a memory of 10,000 rows, about a
    horizon of an operator of 1,500 customers (docs/adr/0067-the-level-is-remembered-for-a-horizon.md).
    """

    START, CURVATURE, FLOOR = 4.0, 0.02, 0.005

    def get(self, t: int) -> float:
        return max(self.FLOOR, 1.0 / (self.START + self.CURVATURE * t))


class LogisticLearner:
    """Online logistic regression. A missing value counts as the mean and teaches nothing; a value beyond eight standard
    deviations is clipped, so that one wild number cannot drive the weights away.

    `prior_column`: a feature that is the log-odds to start from. Before the first label the learner says just that, and
    what it learns is how to correct it.
    """

    kind = "logistic"

    def __init__(
        self,
        n_features: int,
        base_rate: float = BASE_RATE,
        learning_rate: float | None = None,
        prior_column: int | None = None,
    ) -> None:
        if learning_rate is None:
            learning_rate = LEARNING_RATE if prior_column is None else CORRECTING_RATE
        self._prior_column = -1 if prior_column is None else prior_column
        intercept = float(np.log(base_rate / (1.0 - base_rate))) if prior_column is None else 0.0
        self._regression = ScaledRegression(n_features, learning_rate, L2, intercept, NewtonSteps())
        self._low = np.full(n_features, -VALUE_LIMIT)
        self._high = np.full(n_features, VALUE_LIMIT)
        self._model: LinearModel | None = None

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        """Learn rows in order; a row of weight 0 or of a weight that is no number is passed over."""
        self.learn_and_tell(features, churned, weight, tell=False)

    def take_back(self, features: FloatMatrix, weight: FloatVector) -> None:
        """Learn them as stayers, so much heavier that the step made for the churner is made back.

        "Churned" moved the log-odds' gradient by p - 1, "stayed" moves it by p: (1 - p) / p of the one undo the other;
        limited where p is small.
        """
        score = self.score(features)
        undoing = np.minimum((1.0 - score) / np.maximum(score, 1e-12), TAKE_BACK_WEIGHT_MAX)
        self.learn(features, np.zeros(len(features), dtype=np.bool_), weight * undoing)

    def learn_and_tell(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, *, tell: bool
    ) -> FloatVector:
        """Learn rows in order; the log-odds of each just before it was learnt, shape (n,), zeros unless `tell`."""
        usable = (weight > 0.0) & (weight < VALUE_LIMIT)
        rows, told = np.flatnonzero(usable), np.zeros(len(features))
        prior = prior_of(features, self._prior_column) if self._prior_column >= 0 else told.copy()
        while len(rows):
            if self._regression.rows % CLIP_REFRESH_ROWS == 0:
                self._refresh_limits()
            until_refresh = CLIP_REFRESH_ROWS - self._regression.rows % CLIP_REFRESH_ROWS
            part, rows = rows[:until_refresh], rows[until_refresh:]
            clipped = np.clip(features[part], self._low, self._high)
            told[part] = self._regression.learn(clipped, churned[part], weight[part], prior[part], tell=tell)
        self._model = None
        return told

    def score(self, features: FloatMatrix) -> FloatVector:
        return self.linear_model().score(features)

    def explain(self, features: FloatVector) -> FloatVector:
        return self.linear_model().contributions(features)

    def is_finite(self) -> bool:
        model = self.linear_model()
        return bool(np.isfinite([*model.weights, *model.mean, *model.scale, model.intercept]).all())

    def river_row(self, row: FloatVector) -> dict[int, float]:
        """One row as River takes it: clipped, without the missing values."""
        clipped = np.clip(row, self._low, self._high)
        present = np.flatnonzero(~np.isnan(clipped))
        return dict(zip(present.tolist(), clipped[present].tolist(), strict=True))

    def as_river(self) -> compose.Pipeline:
        """River's own pipeline with what was learnt so far; a prior is not in it."""
        return self._regression.as_river()

    def model(self) -> LinearModel:
        return self.linear_model()

    def linear_model(self) -> LinearModel:
        """The model as it stands, in arrays."""
        if self._model is None:
            self._model = LinearModel(
                mean=self._regression.mean.copy(),
                scale=np.sqrt(self._regression.variance),
                weights=self._regression.weights.copy(),
                low=self._low.copy(),
                high=self._high.copy(),
                intercept=float(self._regression.intercept),
                prior_column=self._prior_column,
            )
        return self._model

    def export(self) -> dict[str, Any]:
        model = self.linear_model()
        return {
            "rows": self._regression.rows,
            "mean": model.mean.tolist(),
            "scale": model.scale.tolist(),
            "weights": model.weights.tolist(),
            "low": model.low.tolist(),
            "high": model.high.tolist(),
            "intercept": model.intercept,
            "prior_column": model.prior_column,
            "counts": self._regression.count.astype(int).tolist(),
            "squared_gradients": self._regression.squared_gradients.tolist(),
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that goes on where the exported one stood."""
        prior_column = int(body.get("prior_column", -1))
        learner = cls(len(body["weights"]), prior_column=None if prior_column < 0 else prior_column)
        regression = learner._regression
        regression.rows, regression.intercept = int(body["rows"]), float(body["intercept"])
        regression.count, regression.mean = np.array(body["counts"], np.float64), np.array(body["mean"], np.float64)
        regression.variance = np.array(body["scale"], np.float64) ** 2
        regression.weights = np.array(body["weights"], np.float64)
        regression.squared_gradients = np.array(body["squared_gradients"], np.float64)
        learner._low, learner._high = np.array(body["low"]), np.array(body["high"])
        return learner

    def _refresh_limits(self) -> None:
        known, reach = self._regression, CLIP_DEVIATIONS * np.float_power(self._regression.variance, 0.5)
        told = (known.count >= CLIP_MINIMUM_ROWS) & (reach > 0.0)
        self._low = np.where(told, known.mean - reach, self._low)
        self._high = np.where(told, known.mean + reach, self._high)


class PriorLearner(LogisticLearner):
    """The documented prior as a contestant that never learns: whoever is to score must be better than this."""

    kind = PRIOR_KIND

    def learn_and_tell(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, *, tell: bool
    ) -> FloatVector:
        return self.linear_model().log_odds(features) if tell else np.zeros(len(features))
