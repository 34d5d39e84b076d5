"""River's `StandardScaler | LogisticRegression(AdaGrad)`, the same steps in the same order, compiled.

River keeps a number a feature in dicts and walks them in Python, which takes a hundred times as long. What is learnt is
River's, bit for bit: sums run from the first feature to the last, roots are powers of a half, as there. `as_river` hands it
over as River's own pipeline, and a test learns on with both. Sources: Welford, Note on a method for calculating corrected sums
of squares and products, 1962; Duchi et al., Adaptive subgradient methods, 2011.
"""

from math import exp

import numpy as np
from river import compose, linear_model, optim, preprocessing

from models.learners.protocol import BoolVector
from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

ADAGRAD_EPSILON = 1e-8  # River's own
HALF = 0.5
STEEP = 18.0  # beyond it River leaves out the 1 of exp(z) + 1


class ScaledRegression:
    """The numbers of scaler and regression, each (n_features,); `rows`: learnt so far.

    A missing value (NaN) leaves the statistics and the weight of its feature as they are, as a key that is not in River's dict.
    """

    def __init__(
        self, n_features: int, optimizer_rate: float, l2: float, intercept: float, intercept_rate: optim.base.Scheduler
    ) -> None:
        self.count = np.zeros(n_features)
        self.mean = np.zeros(n_features)
        self.variance = np.zeros(n_features)
        self.weights = np.zeros(n_features)
        self.squared_gradients = np.zeros(n_features)
        self.intercept = intercept
        self.rows = 0
        self._rate, self._l2, self._intercept_rate = optimizer_rate, l2, intercept_rate

    def learn(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, offset: FloatVector, *, tell: bool
    ) -> FloatVector:
        """Learn rows in order, each (n, ...); `offset` is added to the intercept while its row is learnt.

        Returns the log-odds of each row just before it was learnt, zeros unless `tell`. Weights are above 0 and finite.
        """
        rates = np.array([self._intercept_rate.get(self.rows + number) for number in range(len(features))])
        numbers = (self.count, self.mean, self.variance, self.weights, self.squared_gradients)
        rules = (self._rate, self._l2, HALF)
        told, self.intercept = learn_rows(
            features, churned, weight, offset, rates, self.intercept, rules, numbers, tell
        )
        self.rows += len(features)
        return told

    def as_river(self) -> compose.Pipeline:
        """River's own pipeline with these numbers: it scores and learns on as this would."""
        seen = np.flatnonzero(self.count).tolist()
        scaler = preprocessing.StandardScaler._from_state(
            {column: int(self.count[column]) for column in seen},
            {column: float(self.mean[column]) for column in seen},
            {column: float(self.variance[column]) for column in seen},
        )
        optimizer = optim.AdaGrad(self._rate, ADAGRAD_EPSILON)
        optimizer.g2.update({column: float(self.squared_gradients[column]) for column in seen})
        optimizer.n_iterations = self.rows
        regression = linear_model.LogisticRegression(
            optimizer=optimizer, l2=self._l2, intercept_init=self.intercept, intercept_lr=self._intercept_rate
        )
        for column in seen:
            regression._weights[column] = float(self.weights[column])
        return compose.Pipeline(scaler, regression)


@compiled
def loss_slope(log_odds: float, label: bool) -> float:
    """Derivative of the log loss by the log-odds, as River's `optim.losses.Log` computes it.

    >>> loss_slope(0.0, True), loss_slope(0.0, False)
    (-0.5, 0.5)
    """
    sign = 1.0 if label else -1.0
    margin = log_odds * sign
    if margin > STEEP:
        return -sign * exp(-margin)
    return -sign if margin < -STEEP else -sign / (exp(margin) + 1.0)


@compiled
def standardised(value: float, mean: float, variance: float, half: float) -> float:
    """0 for a missing value and for a feature that never varied."""
    if np.isnan(value) or not variance > 0.0:
        return 0.0
    return float((value - mean) / variance**half)


@compiled
def summed(weights: FloatVector, row: FloatVector) -> float:
    """Summed from the first to the last, as River does; `@` sums in another order on every processor."""
    total = float(weights[0] * row[0])
    for feature in range(1, len(row)):
        total += weights[feature] * row[feature]
    return total


@compiled
def learn_rows(
    features: FloatMatrix,
    churned: BoolVector,
    weight: FloatVector,
    offset: FloatVector,
    intercept_rates: FloatVector,
    intercept: float,
    rules: tuple[float, float, float],
    numbers: tuple[FloatVector, FloatVector, FloatVector, FloatVector, FloatVector],
    tell: bool,
) -> tuple[FloatVector, float]:
    """The steps of scaler (Welford) and regression (AdaGrad on the log loss), row by row.

    `rules`: rate, l2, and 0.5, since as a constant its power would become a root of another rounding. `numbers`, which change:
    count, mean, variance, weights, squared gradients. Returns what `learn` does, and the intercept.
    """
    rate, l2, half = rules
    count, mean, variance, weights, squared_gradients = numbers
    n_rows, n_features = features.shape
    told, row = np.zeros(n_rows), np.zeros(n_features)
    for number in range(n_rows):
        intercept += offset[number]
        if tell:
            for feature in range(n_features):
                row[feature] = standardised(features[number, feature], mean[feature], variance[feature], half)
            told[number] = summed(weights, row) + intercept
        for feature in range(n_features):
            value = features[number, feature]
            if not np.isnan(value):
                count[feature] += 1.0
                distance = value - mean[feature]
                mean[feature] += distance / count[feature]
                variance[feature] += (distance * (value - mean[feature]) - variance[feature]) / count[feature]
            row[feature] = standardised(value, mean[feature], variance[feature], half)
        slope = weight[number] * loss_slope(summed(weights, row) + intercept, churned[number])
        intercept -= intercept_rates[number] * slope
        for feature in range(n_features):
            held = 0.0 if np.isnan(features[number, feature]) else l2
            gradient = row[feature] * slope + weights[feature] * held
            squared_gradients[feature] += gradient * gradient
            weights[feature] -= rate / (squared_gradients[feature] + ADAGRAD_EPSILON) ** half * gradient
        intercept -= offset[number]
    return told, intercept
