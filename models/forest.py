"""Forests of complete trees as rectangular arrays: scored in numpy for whole batches, no code crosses the wire."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

NEVER = 1e30  # a threshold that no value passes; values are clipped to it
CELLS_AT_ONCE = 65_536  # rows x trees of one step, so that their leaves stay within the cache
ROWS_AT_ONCE = 64  # rows that a tree is walked with while it is in the innermost cache


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees in heap order: `feature` and `threshold` (trees, 2^depth - 1), `value` (trees, 2^(depth+1) - 1).

    A row goes right where its value is above the threshold; a missing one goes left. The log-odds are `base` plus the
    value of each tree's leaf; the value of an inner node is the mean of what lies below it.
    """

    feature: NDArray[np.int64]
    threshold: FloatMatrix
    value: FloatMatrix
    base: float

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,) for features of shape (n, n_features)."""
        result, rows = np.full(len(features), self.base), np.ascontiguousarray(features, np.float64)
        step = max(1, CELLS_AT_ONCE // max(1, len(self.feature)))
        for start in range(0, len(features), step):
            part = slice(start, start + step)
            result[part] += leaf_values(rows[part], self.feature, self.threshold, self.value).sum(axis=1)
        return result

    def contributions(self, row: FloatVector) -> FloatVector:
        """Log-odds that each feature of one row adds, shape (n_features,): the change of value at each cut on its path
        (Saabas, 2014). With the roots' values and `base` they add up to the log-odds.
        """
        total = np.zeros(len(row))
        path = self._paths(row[None, :])
        trees = np.arange(len(self.feature))
        for above, below in pairwise(path):
            change = self._values(below)[0] - self._values(above)[0]
            np.add.at(total, self.feature[trees, above[0]], change)
        return total

    def _paths(self, features: FloatMatrix) -> list[NDArray[np.int64]]:
        """The node of each row in each tree, (n, trees), level by level from the root."""
        trees, inner = self.feature.shape
        tree_start = np.arange(trees) * inner
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        values = np.clip(features, -NEVER, NEVER).ravel()
        row_start = (np.arange(len(features)) * features.shape[1])[:, None]
        node = np.zeros((len(features), trees), dtype=np.int64)
        path = [node]
        for _ in range(inner.bit_length()):
            place = node + tree_start
            goes_right = values.take(feature.take(place) + row_start) > threshold.take(place)
            node = 2 * node + 1 + goes_right
            path.append(node)
        return path

    def _values(self, node: NDArray[np.int64]) -> FloatMatrix:
        trees, nodes = self.value.shape
        return np.asarray(self.value.ravel().take(node + np.arange(trees) * nodes), dtype=np.float64)


@compiled
def leaf_values(
    features: FloatMatrix, feature: NDArray[np.int64], threshold: FloatMatrix, value: FloatMatrix
) -> FloatMatrix:
    """Value of each row's leaf in each tree, (n, trees); the arrays of a `Forest`.

    Tree after tree over a few rows, so that both are in the innermost cache; numbers without a sign, since of others each place
    is asked whether it counts from the end. Both together take half the time.
    """
    trees, inner = feature.shape
    found, rows = np.empty((len(features), trees)), np.empty((ROWS_AT_ONCE, features.shape[1]))
    for first in range(0, len(features), ROWS_AT_ONCE):
        some = min(ROWS_AT_ONCE, len(features) - first)
        for number in range(some):
            for column in range(features.shape[1]):
                rows[number, column] = min(max(features[first + number, column], -NEVER), NEVER)
        for tree in range(trees):
            for number in range(some):
                node = np.uint64(0)
                while node < np.uint64(inner):
                    goes_right = rows[np.uint64(number), np.uint64(feature[tree, node])] > threshold[tree, node]
                    node = np.uint64(2) * node + np.uint64(1) + np.uint64(goes_right)
                found[first + number, tree] = value[tree, node]
    return found
