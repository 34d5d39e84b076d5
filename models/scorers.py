"""Models as the workers use them: arrays in numpy, whole batches, no River, no learning."""

from dataclasses import dataclass

import numpy as np

from models.forest import Forest
from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

ROWS_AT_ONCE = 16_384  # keeps the temporary matrices of a batch within the cache
PRIOR_LIMIT = 10.0
PRIOR_MISSING = -3.9  # log-odds of 2 % a month (DOMAIN.md section 6)


def prior_of(features: FloatMatrix, column: int) -> FloatVector:
    """Log-odds to start from, shape (n,); a missing one is that of the usual base rate, PRIOR_MISSING."""
    return limited_prior(np.ascontiguousarray(features, np.float64), column)


@compiled
def limited_prior(features: FloatMatrix, column: int) -> FloatVector:
    """What `prior_of` gives, in one pass."""
    found = np.empty(len(features))
    for row in range(len(features)):
        value = features[row, column]
        found[row] = PRIOR_MISSING if np.isnan(value) else min(max(value, -PRIOR_LIMIT), PRIOR_LIMIT)
    return found


@compiled
def slopes_of(weights: FloatVector, scale: FloatVector) -> FloatVector:
    """Weight per unit of each raw feature; 0 of one that never varied."""
    found = np.zeros(len(weights))
    for column in range(len(weights)):
        if scale[column] > 0.0:
            found[column] = weights[column] / scale[column]
    return found


@compiled
def centred_rows(features: FloatMatrix, low: FloatVector, high: FloatVector, mean: FloatVector) -> FloatMatrix:
    """Each value within its limits, less its mean; 0 where it is missing. Numpy takes five passes."""
    found = np.empty(features.shape)
    for row in range(features.shape[0]):
        for column in range(features.shape[1]):
            value = features[row, column]
            limited = min(max(value, low[column]), high[column])
            found[row, column] = 0.0 if np.isnan(value) else limited - mean[column]
    return found


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
    `prior_column`: a feature that is the log-odds to start from, added as it is (clipped to +-PRIOR_LIMIT); -1 = none.
    """

    mean: FloatVector
    scale: FloatVector
    weights: FloatVector
    low: FloatVector
    high: FloatVector
    intercept: float
    prior_column: int = -1

    def slopes(self) -> FloatVector:
        """Change of the log-odds per unit of each raw feature."""
        return slopes_of(self.weights, self.scale)

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,) for features of shape (n, n_features)."""
        slopes, result = self.slopes(), np.empty(len(features))
        for start in range(0, len(features), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            result[part] = self._centred(features[part]) @ slopes + self.intercept
        return result if self.prior_column < 0 else result + prior_of(features, self.prior_column)

    def score(self, features: FloatMatrix) -> FloatVector:
        """Probability, shape (n,)."""
        return probability(self.log_odds(features))

    def contributions(self, features: FloatVector) -> FloatVector:
        """Log-odds that each feature of one row adds against an average line, shape (n_features,)."""
        told = np.asarray(self._centred(features[None, :])[0] * self.slopes(), np.float64)
        if self.prior_column >= 0:
            told[self.prior_column] += prior_of(features[None, :], self.prior_column)[0]
        return told

    def _centred(self, features: FloatMatrix) -> FloatMatrix:
        return centred_rows(np.ascontiguousarray(features, np.float64), self.low, self.high, self.mean)


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
