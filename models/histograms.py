"""Rows of features cut into bins, from which boosted trees take their sums of gradients."""

from dataclasses import dataclass

import numpy as np

from models.bin_steps import distinct, put_codes
from models.tree_steps import CodeMatrix, IntVector
from pipeline.ports import FloatMatrix, FloatVector

EXACT_BITS = 51  # sums of whole numbers below 2^53 are exact in float64


@dataclass(frozen=True, slots=True)
class Bins:
    """Features cut into bins, the bins of all features one after the other.

    `edges`: cut places of each feature, ascending; a value goes right of those that it is above. `codes`: bin of each value,
    (n, n_features): 0 = missing, 1 = not above the first edge, and so on. `sizes`: bins of each feature, (n_features,).
    """

    edges: list[FloatVector]
    codes: CodeMatrix
    sizes: IntVector

    @classmethod
    def of(cls, features: FloatMatrix, places: int) -> "Bins":
        """Bins of these rows (n, n_features), each feature cut at up to so many places."""
        rows = np.ascontiguousarray(features)
        edges = [_edges(column, places) for column in rows.T]
        sizes = np.array([len(edge) + 2 for edge in edges])
        codes: CodeMatrix = np.empty(rows.shape, np.uint8 if places + 2 <= 256 else np.int64)
        put_codes(rows, np.concatenate(edges), np.cumsum([0, *sizes]), codes)
        return cls(edges, codes, sizes)


def grid_of(total: float) -> float:
    """Sums of whole numbers over the grid, whose sizes add up to `total` at most, are exact: the same in any order."""
    return float(2.0 ** np.floor(EXACT_BITS - np.log2(max(total, 1e-300))))


def on_grid(values: FloatVector, total: float) -> FloatVector:
    """Rounded so far that sums of them, whose sizes add up to `total` at most, are exact: the same in any order.

    >>> rounded = on_grid(np.array([0.1]), 1.0).item()
    >>> rounded == 0.1, abs(rounded - 0.1) < 1e-15
    (False, True)
    """
    grid = grid_of(total)
    return np.asarray(np.rint(values * grid) / grid)


def _edges(column: FloatVector, bins: int) -> FloatVector:
    """Between the values where there are few, else at quantiles, the lower ones (numpy's `method="lower"`)."""
    present = _ordered(column)
    values = distinct(present, bins + 1)
    if len(values) <= bins:
        return np.asarray((values[:-1] + values[1:]) / 2.0 if len(values) > 1 else values, dtype=np.float64)
    places = np.linspace(0.0, 1.0, bins + 1)[1:-1] * (len(present) - 1)
    return np.unique(present[places.astype(np.int64)])


def _ordered(column: FloatVector) -> FloatVector:
    """Ascending, without missing ones; the zeros, which are most of most columns, are counted and not sorted."""
    others = np.sort(column[column != 0.0])
    others = others[: len(others) - int(np.isnan(column).sum())]
    below, zeros = int(np.searchsorted(others, 0.0)), int((column == 0.0).sum())
    return np.concatenate([others[:below], np.zeros(zeros), others[below:]])
