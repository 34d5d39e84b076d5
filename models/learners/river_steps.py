"""River's `StandardScaler | LogisticRegression(AdaGrad)`, the same steps in the same order, a row of numpy each.

River keeps a number a feature in dicts and walks them in Python, which takes ten times as long. What is learnt is River's, bit
for bit: sums run from the first feature to the last, roots are powers of a half, as there. `as_river` hands it over as River's
own pipeline, and a test learns on with both. Sources: Welford, Note on a method for calculating corrected sums of squares and
products, 1962; Duchi et al., Adaptive subgradient methods, 2011.
"""

from math import exp

import numpy as np
from numpy.typing import NDArray
from river import compose, linear_model, optim, preprocessing

from models.learners.protocol import BoolVector
from pipeline.ports import FloatMatrix, FloatVector

ADAGRAD_EPSILON = 1e-8  # River's own
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
        present = ~np.isnan(features)
        filled = np.where(present, features, 0.0)
        mean, variance = self._scaled_by(filled, present)
        told = np.zeros(len(features))
        before = _standardised(filled, mean[:-1], variance[:-1], present) if tell else None
        after = _standardised(filled, mean[1:], variance[1:], present)
        shrink = self._l2 * present
        for number, (row, held, label, row_weight, shift) in enumerate(
            zip(after, shrink, churned.tolist(), weight.tolist(), offset.tolist(), strict=True)
        ):
            self.intercept += shift
            if before is not None:
                told[number] = _dot(self.weights, before[number]) + self.intercept
            self._step(row, held, label, row_weight)
            self.intercept -= shift
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

    def _scaled_by(self, filled: FloatMatrix, present: NDArray[np.bool_]) -> tuple[FloatMatrix, FloatMatrix]:
        """Mean and variance before the first row and after each, (n + 1, n_features); Welford's steps, row by row."""
        count = self.count + np.cumsum(present, axis=0)
        divisor = np.where(present, count, np.inf)  # a missing value moves nothing
        mean, variance = (np.empty((len(filled) + 1, filled.shape[1])) for _ in range(2))
        mean[0], variance[0] = self.mean, self.variance
        distance, step = np.empty_like(self.mean), np.empty_like(self.mean)
        for row, by, old_mean, new_mean, old_variance, new_variance in zip(
            filled, divisor, mean, mean[1:], variance, variance[1:], strict=False
        ):
            np.subtract(row, old_mean, out=distance)
            np.divide(distance, by, out=step)
            np.add(old_mean, step, out=new_mean)
            np.subtract(row, new_mean, out=step)
            np.multiply(distance, step, out=step)
            np.subtract(step, old_variance, out=step)
            np.divide(step, by, out=step)
            np.add(old_variance, step, out=new_variance)
        if len(filled):
            self.count, self.mean, self.variance = count[-1], mean[-1].copy(), variance[-1].copy()
        return mean, variance

    def _step(self, row: FloatVector, held: FloatVector, label: bool, row_weight: float) -> None:
        """One step of AdaGrad on the log loss; the intercept by its own rate."""
        slope = row_weight * loss_slope(_dot(self.weights, row) + self.intercept, label)
        self.intercept -= self._intercept_rate.get(self.rows) * slope
        gradient = row * slope
        gradient += self.weights * held
        step = gradient * gradient
        self.squared_gradients += step
        np.add(self.squared_gradients, ADAGRAD_EPSILON, out=step)
        np.float_power(step, 0.5, out=step)
        np.divide(self._rate, step, out=step)
        step *= gradient
        self.weights -= step
        self.rows += 1


def _dot(weights: FloatVector, row: FloatVector) -> float:
    """Summed from the first to the last, as River does; `@` sums in another order on every processor."""
    return float(np.add.accumulate(weights * row)[-1])


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


def _standardised(
    filled: FloatMatrix, mean: FloatMatrix, variance: FloatMatrix, present: NDArray[np.bool_]
) -> FloatMatrix:
    """Shape (n, n_features); 0 for a missing value and for a feature that never varied."""
    scaled = np.zeros_like(filled)
    np.divide(filled - mean, np.float_power(variance, 0.5), out=scaled, where=present & (variance > 0.0))
    return scaled
