"""Models as the workers use them: arrays in numpy, whole batches, no River, no learning."""

from dataclasses import dataclass

import numpy as np

from models.forest import Forest
from pipeline.ports import FloatMatrix, FloatVector

ROWS_AT_ONCE = 16_384  # keeps the temporary matrices of a batch within the cache


def probability(log_odds: FloatVector) -> FloatVector:
    """The logistic function, without overflow at either end.

    >>> probability(np.array([0.0, 800.0, -800.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Logistic regression on standardised features; all vectors have shape (n_features,).

    A value is clipped to [`low`, `high`], a missing one counts as the mean, a feature that never varied counts nothing.
    """

    mean: FloatVector
    scale: FloatVector
    weights: FloatVector
    low: FloatVector
    high: FloatVector
    intercept: float

    def slopes(self) -> FloatVector:
        """Change of the log-odds per unit of each raw feature."""
        varied = self.scale > 0.0
        return np.divide(self.weights, self.scale, out=np.zeros_like(self.weights), where=varied)

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,) for features of shape (n, n_features)."""
        slopes, result = self.slopes(), np.empty(len(features))
        for start in range(0, len(features), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            result[part] = self._centred(features[part]) @ slopes + self.intercept
        return result

    def score(self, features: FloatMatrix) -> FloatVector:
        """Probability, shape (n,)."""
        return probability(self.log_odds(features))

    def contributions(self, features: FloatVector) -> FloatVector:
        """Log-odds that each feature of one row adds against an average line, shape (n_features,)."""
        return self._centred(features) * self.slopes()

    def _centred(self, features: FloatMatrix) -> FloatMatrix:
        centred = np.clip(features, self.low, self.high)
        centred -= self.mean
        centred[np.isnan(centred)] = 0.0
        return centred


@dataclass(frozen=True, slots=True)
class BlendModel:
    """Log-odds of a linear model and a forest (None: not fitted yet), mixed with these shares."""

    linear: LinearModel
    forest: Forest | None
    logistic_share: float
    boosted_share: float
    intercept: float

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,) for features of shape (n, n_features)."""
        total = self.logistic_share * self.linear.log_odds(features) + self.intercept
        return total if self.forest is None else total + self.boosted_share * self.forest.log_odds(features)

    def score(self, features: FloatMatrix) -> FloatVector:
        """Probability, shape (n,)."""
        return probability(self.log_odds(features))

    def contributions(self, features: FloatVector) -> FloatVector:
        """Log-odds that each feature of one row adds, shape (n_features,)."""
        total = self.logistic_share * self.linear.contributions(features)
        return total if self.forest is None else total + self.boosted_share * self.forest.contributions(features)
