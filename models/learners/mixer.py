"""Two opinions into one: River's logistic regression with AdaGrad over two log-odds, its steps written out.

Equal to River's (test); a dict and an optimizer object for two numbers would cost ten times as much.
"""

import numpy as np
from numpy.typing import NDArray

from models.learners.protocol import BoolVector
from models.learners.river_steps import loss_slope
from pipeline.ports import FloatVector

LEARNING_RATE = 0.15
INTERCEPT_LEARNING_RATE = 0.02
ADAGRAD_EPSILON = 1.0
FIRST_SHARES = (1.0, 0.5)


class Mixer:
    """`shares`: of the first and the second opinion."""

    def __init__(self) -> None:
        self.shares = FIRST_SHARES
        self.intercept = 0.0
        self._squared = (0.0, 0.0)

    def learn(self, opinions: NDArray[np.float64], churned: BoolVector, weight: FloatVector) -> None:
        """Learn rows in order: log-odds (n, 2), labels and weights (n,)."""
        (first, second), (first_squared, second_squared) = self.shares, self._squared
        intercept = self.intercept
        for (one, other), label, row_weight in zip(opinions.tolist(), churned.tolist(), weight.tolist(), strict=True):
            slope = row_weight * loss_slope(first * one + second * other + intercept, label)
            intercept -= INTERCEPT_LEARNING_RATE * slope
            first_gradient, second_gradient = one * slope, other * slope
            first_squared += first_gradient**2
            second_squared += second_gradient**2
            first -= LEARNING_RATE / (first_squared + ADAGRAD_EPSILON) ** 0.5 * first_gradient
            second -= LEARNING_RATE / (second_squared + ADAGRAD_EPSILON) ** 0.5 * second_gradient
        self.shares, self._squared, self.intercept = (first, second), (first_squared, second_squared), intercept
