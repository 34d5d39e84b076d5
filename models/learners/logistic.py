"""River's StandardScaler | LogisticRegression, guarded: bad values never reach it, and it exports to numpy."""

from typing import Any, Self

import numpy as np
from river import compose, linear_model, optim, preprocessing

from models.learners.protocol import BoolVector
from models.scorers import LinearModel
from pipeline.ports import FloatMatrix, FloatVector

LEARNING_RATE = 0.05
INTERCEPT_LEARNING_RATE = 0.02
BASE_RATE = 0.02  # where the intercept starts: churn within 30 days at a usual operator (DOMAIN.md section 6)
CLIP_DEVIATIONS = 8.0
CLIP_REFRESH_ROWS = 64
CLIP_MINIMUM_ROWS = 64
VALUE_LIMIT = 1e12


class LogisticLearner:
    """Online logistic regression. A missing value is left out of River's dict, which imputes the mean; a value beyond
    eight standard deviations is clipped, so that one wild number cannot drive the weights away.
    """

    kind = "logistic"

    def __init__(self, n_features: int, base_rate: float = BASE_RATE, learning_rate: float = LEARNING_RATE) -> None:
        self._n_features = n_features
        self._rows = 0
        self._scaler = preprocessing.StandardScaler()
        self._regression = linear_model.LogisticRegression(
            optimizer=optim.AdaGrad(learning_rate),
            intercept_init=float(np.log(base_rate / (1.0 - base_rate))),
            intercept_lr=INTERCEPT_LEARNING_RATE,
        )
        self.pipeline = compose.Pipeline(self._scaler, self._regression)
        self._low = np.full(n_features, -VALUE_LIMIT)
        self._high = np.full(n_features, VALUE_LIMIT)
        self._model: LinearModel | None = None

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        """Learn rows in order; a row of weight 0 or of a weight that is no number is passed over."""
        self.learn_and_tell(features, churned, weight, tell=False)

    def learn_and_tell(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, *, tell: bool
    ) -> FloatVector:
        """Learn rows in order; the log-odds of each just before it was learnt, shape (n,), zeros unless `tell`."""
        told = np.zeros(len(features))
        for number, (row, label, row_weight) in enumerate(
            zip(features, churned.tolist(), weight.tolist(), strict=True)
        ):
            if not 0.0 < row_weight < VALUE_LIMIT:
                continue
            if self._rows % CLIP_REFRESH_ROWS == 0:
                self._refresh_limits()
            river_row = self.river_row(row)
            if tell:
                scaled = self._scaler.transform_one(river_row)  # type: ignore[no-untyped-call]  # River leaves it open
                told[number] = self._regression._raw_dot_one(scaled)
            self.pipeline.learn_one(river_row, label, w=row_weight)
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
            "counts": [int(self._scaler.counts.get(i, 0)) for i in range(self._n_features)],
            "squared_gradients": [float(self._regression.optimizer.g2.get(i, 0.0)) for i in range(self._n_features)],
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that goes on where the exported one stood."""
        learner = cls(len(body["weights"]))
        learner._rows = int(body["rows"])
        for column, count in enumerate(body["counts"]):
            if count:
                learner._scaler.counts[column] = count
                learner._scaler.means[column] = body["mean"][column]
                learner._scaler.vars[column] = body["scale"][column] ** 2
                learner._regression.optimizer.g2[column] = body["squared_gradients"][column]
                learner._regression._weights[column] = body["weights"][column]
        learner._regression.intercept = body["intercept"]
        learner._low, learner._high = np.array(body["low"]), np.array(body["high"])
        return learner

    def _refresh_limits(self) -> None:
        for column, count in self._scaler.counts.items():
            deviation = self._scaler.vars[column] ** 0.5
            if count >= CLIP_MINIMUM_ROWS and deviation > 0.0:
                reach = CLIP_DEVIATIONS * deviation
                self._low[column] = self._scaler.means[column] - reach
                self._high[column] = self._scaler.means[column] + reach
