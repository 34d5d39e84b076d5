"""Rows of features cut into bins, from which boosted trees take their sums of gradients.

Most features of most lines are 0. A feature that is nearly always in one bin is kept as a list of the rows that are not, and
that bin's sums are what is left of the total (as LightGBM does; Ke et al., 2017).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.bin_steps import count_codes, distinct, put_codes, seldom_bins
from models.tree_steps import Chosen, CodeMatrix, IntVector
from pipeline.ports import FloatMatrix, FloatVector

#: Share of the rows in one bin from which on the others are listed.
COMMON_SHARE = 0.9
EXACT_BITS = 51  # sums of whole numbers below 2^53 are exact in float64


@dataclass(frozen=True, slots=True)
class Bins:
    """Features cut into bins, the bins of all features one after the other.

    `edges`: cut places of each feature, ascending; a value goes right of those that it is above. `codes`: bin of each value,
    (n, n_features): 0 = missing, 1 = not above the first edge, and so on. `start`: first bin of each feature and the number
    of all. `common`: the bin that a feature is nearly always in, -1 of the others. `seldom`, up to `ends` of each row: the other
    bins of features that have a common one.
    """

    edges: list[FloatVector]
    codes: CodeMatrix
    start: IntVector
    common: IntVector
    ends: IntVector
    seldom: NDArray[np.uint32]

    @classmethod
    def of(cls, features: FloatMatrix, places: int) -> "Bins":
        """Bins of these rows (n, n_features), each feature cut at up to so many places."""
        rows = np.ascontiguousarray(features)
        edges = [_edges(column, places) for column in rows.T]
        start = np.cumsum([0, *(len(edge) + 2 for edge in edges)])
        codes: CodeMatrix = np.empty(rows.shape, np.uint8 if places + 2 <= 256 else np.int64)
        put_codes(rows, np.concatenate(edges), start, codes)
        counts = count_codes(codes, start)
        most = np.maximum.reduceat(counts, start[:-1])
        first = np.array([int(counts[one:stop].argmax()) for one, stop in pairwise(start.tolist())])
        common = np.where(most >= COMMON_SHARE * len(rows), start[:-1] + first, -1)
        return cls(edges, codes, start, common, *seldom_bins(codes, np.flatnonzero(common >= 0), start, common))

    def chosen(self, features: IntVector) -> Chosen:
        """What a tree needs that may cut these features, given in ascending order."""
        first, sizes = self.start[features], self.start[features + 1] - self.start[features]
        start = np.cumsum([0, *sizes])
        number = np.full(self.start[-1], start[-1], np.uint32)
        number[np.repeat(first - start[:-1], sizes) + np.arange(start[-1])] = np.arange(start[-1])
        common = self.common[features]
        full = common < 0
        return Chosen(
            self.codes,
            features,
            start,
            features[full].astype(np.uint64),
            start[:-1][full].astype(np.uint64),
            np.where(full, -1, common - first + start[:-1]),
            self.ends,
            self.seldom,
            number,
        )


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
