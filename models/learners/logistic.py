"""River's StandardScaler | LogisticRegression, guarded: bad values never reach it, and it exports to numpy."""

from typing import Any, Self

import numpy as np
from river import compose, linear_model, optim, preprocessing

from models.learners.protocol import BoolVector
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
    such rows, and never below a floor that lets it follow a drift of the base rate.
    """

    START, CURVATURE, FLOOR = 4.0, 0.02, 0.02

    def get(self, t: int) -> float:
        return max(self.FLOOR, 1.0 / (self.START + self.CURVATURE * t))


class LogisticLearner:
    """Online logistic regression. A missing value is left out of River's dict, which imputes the mean; a value beyond
    eight standard deviations is clipped, so that one wild number cannot drive the weights away.

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
        self._n_features = n_features
        self._prior_column = -1 if prior_column is None else prior_column
        self._rows = 0
        self._scaler = preprocessing.StandardScaler()
        self._regression = linear_model.LogisticRegression(
            optimizer=optim.AdaGrad(learning_rate),
            l2=L2,
            intercept_init=float(np.log(base_rate / (1.0 - base_rate))) if prior_column is None else 0.0,
            intercept_lr=NewtonSteps(),
        )
        self.pipeline = compose.Pipeline(self._scaler, self._regression)
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
        told = np.zeros(len(features))
        prior = prior_of(features, self._prior_column) if self._prior_column >= 0 else told.copy()
        for number, (row, label, row_weight) in enumerate(
            zip(features, churned.tolist(), weight.tolist(), strict=True)
        ):
            if not 0.0 < row_weight < VALUE_LIMIT:
                continue
            if self._rows % CLIP_REFRESH_ROWS == 0:
                self._refresh_limits()
            river_row = self.river_row(row)
            self._regression.intercept += prior[number]  # an offset, which River has no name for
            if tell:
                scaled = self._scaler.transform_one(river_row)  # type: ignore[no-untyped-call]  # River leaves it open
                told[number] = self._regression._raw_dot_one(scaled)
            self.pipeline.learn_one(river_row, label, w=row_weight)
            self._regression.intercept -= prior[number]
            self._rows += 1
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

    def model(self) -> LinearModel:
        return self.linear_model()

    def linear_model(self) -> LinearModel:
        """The model as it stands, in arrays."""
        if self._model is None:
            weights = self._regression.weights
            columns = range(self._n_features)
            self._model = LinearModel(
                mean=np.array([self._scaler.means.get(i, 0.0) for i in columns]),
                scale=np.sqrt([self._scaler.vars.get(i, 0.0) for i in columns]),
                weights=np.array([weights.get(i, 0.0) for i in columns]),
                low=self._low.copy(),
                high=self._high.copy(),
                intercept=float(self._regression.intercept),
                prior_column=self._prior_column,
            )
        return self._model

    def export(self) -> dict[str, Any]:
        model = self.linear_model()
        return {
            "rows": self._rows,
            "mean": model.mean.tolist(),
            "scale": model.scale.tolist(),
            "weights": model.weights.tolist(),
            "low": model.low.tolist(),
            "high": model.high.tolist(),
            "intercept": model.intercept,
            "prior_column": model.prior_column,
            "counts": [int(self._scaler.counts.get(i, 0)) for i in range(self._n_features)],
            "squared_gradients": [float(self._regression.optimizer.g2.get(i, 0.0)) for i in range(self._n_features)],
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that goes on where the exported one stood."""
        prior_column = int(body.get("prior_column", -1))
        learner = cls(len(body["weights"]), prior_column=None if prior_column < 0 else prior_column)
        learner._rows = int(body["rows"])
        for column, count in enumerate(body["counts"]):
            if count:
                learner._scaler.counts[column] = count
                learner._scaler.means[column] = body["mean"][column]
                learner._scaler.vars[column] = body["scale"][column] ** 2
                learner._regression.optimizer.g2[column] = body["squared_gradients"][column]
                learner._regression._weights[column] = body["weights"][column]
        learner._regression.intercept = body["intercept"]
        learner._regression.optimizer.n_iterations = learner._rows
        learner._low, learner._high = np.array(body["low"]), np.array(body["high"])
        return learner

    def _refresh_limits(self) -> None:
        for column, count in self._scaler.counts.items():
            deviation = self._scaler.vars[column] ** 0.5
            if count >= CLIP_MINIMUM_ROWS and deviation > 0.0:
                reach = CLIP_DEVIATIONS * deviation
                self._low[column] = self._scaler.means[column] - reach
                self._high[column] = self._scaler.means[column] + reach


class PriorLearner(LogisticLearner):
    """The documented prior as a contestant that never learns: whoever is to score must be better than this."""

    kind = "prior"

    def learn_and_tell(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, *, tell: bool
    ) -> FloatVector:
        return self.linear_model().log_odds(features) if tell else np.zeros(len(features))
