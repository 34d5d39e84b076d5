"""Sums of gradients by bin of each feature: what boosted trees spend their time on.

Most features of most lines are 0. Each feature's most frequent bin is therefore not stored: its sums are what is left of the
total (as LightGBM does; Ke et al., 2017). The others are kept row by row, and the sums of a level are one pass over them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.tree_steps import CodeMatrix, IntVector, bin_sums, node_sums
from pipeline.ports import FloatMatrix, FloatVector

EXACT_BITS = 51  # sums of whole numbers below 2^53 are exact in float64


@dataclass(frozen=True, slots=True)
class Bins:
    """Features cut into bins, the bins of all features one after the other.

    `edges`: cut places of each feature, ascending; a value goes right of those that it is above. `codes`: bin of each value,
    (n_features, n): 0 = missing, 1 = not above the first edge, and so on. `start`: number of each feature's first bin,
    (n_features + 1,). `common`: number of its most frequent bin, (n_features,). `rows`: (n, bins), 1 where a row is in a bin that
    is not the feature's most frequent.
    """

    edges: list[FloatVector]
    codes: CodeMatrix
    start: IntVector
    common: IntVector
    rows: csr_array

    @classmethod
    def of(cls, features: FloatMatrix, places: int) -> "Bins":
        """Bins of these rows (n, n_features), each feature cut at up to so many places."""
        edges = [_edges(column, places) for column in features.T]
        coded = [_codes(column, edge) for column, edge in zip(features.T, edges, strict=True)]
        codes: CodeMatrix = np.array(coded)
        if places + 2 <= 256:
            codes = codes.astype(np.uint8)
        start = np.concatenate([[0], np.cumsum([len(edge) + 2 for edge in edges])])
        counts = [np.bincount(code, minlength=len(edge) + 2) for code, edge in zip(codes, edges, strict=True)]
        common = start[:-1] + [int(count.argmax()) for count in counts]
        return cls(edges, codes, start, common, _sparse(codes, counts, common - start[:-1]))

    def of_features(self, chosen: IntVector) -> "ChosenBins":
        """Those of some features, one after the other."""
        sizes = (self.start[1:] - self.start[:-1])[chosen]
        start = np.cumsum(sizes) - sizes
        number = np.arange(sizes.sum()) + np.repeat(self.start[chosen] - start, sizes)
        common = start + (self.common - self.start[:-1])[chosen]
        return ChosenBins(self.rows, number, np.append(start, sizes.sum()), common)


@dataclass(frozen=True, slots=True)
class ChosenBins:
    """The bins of some features: the number of each among all; the rest as above."""

    rows: csr_array
    number: IntVector
    start: IntVector
    common: IntVector

    def sums(
        self, rows: IntVector, slopes: FloatMatrix, node: IntVector, first: int, above: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Sums over these rows of both slopes, (n_rows, 2), by bin and node of a level, (bins, nodes, 2).

        `node`: of all rows, the level's begin with `first`. `above`: the sums of the level above, None for the root. Of two
        children the one with fewer rows is summed, the other is what is left of their parent.
        """
        nodes = 1 if above is None else 2 * above.shape[1]
        totals = node_sums(rows, slopes, node, first, nodes)
        smaller = np.zeros(1, np.int64) if above is None else totals[:, 0].reshape(-1, 2).argmin(axis=1)
        counted = 2 * np.arange(len(smaller)) + smaller
        csr = self.rows
        summed = bin_sums(csr.indptr, csr.indices.view(np.uint32), csr.shape[1], rows, slopes, node, first, smaller)
        found = np.ascontiguousarray(summed.take(self.number, axis=1).transpose(1, 0, 2))
        found[self.common] = totals[counted, 1:] - np.add.reduceat(found, self.start[:-1], axis=0)
        if above is None:
            return found
        both = np.empty((len(found), nodes, 2))
        both[:, counted], both[:, counted ^ 1] = found, above - found
        return both


def on_grid(values: FloatVector, total: float) -> FloatVector:
    """Rounded so far that sums of them, whose sizes add up to `total` at most, are exact: the same in any order.

    >>> rounded = on_grid(np.array([0.1]), 1.0).item()
    >>> rounded == 0.1, abs(rounded - 0.1) < 1e-15
    (False, True)
    """
    grid = 2.0 ** np.floor(EXACT_BITS - np.log2(max(total, 1e-300)))
    return np.asarray(np.rint(values * grid) / grid)


def _sparse(codes: CodeMatrix, counts: list[NDArray[np.int64]], common: IntVector) -> csr_array:
    rows, sizes = [], []
    for code, count, left_out in zip(codes, counts, common.tolist(), strict=True):
        in_order = np.argsort(code, kind="stable")
        first = int(count[:left_out].sum())
        rows += [in_order[:first], in_order[first + int(count[left_out]) :]]
        sizes.append(np.where(np.arange(len(count)) == left_out, 0, count))
    row = np.concatenate(rows).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int32)
    by_bin = csr_array((np.ones(len(row)), row, ends), shape=(len(ends) - 1, codes.shape[1]))
    return csr_array(by_bin.T)


def _edges(column: FloatVector, bins: int) -> FloatVector:
    """Between the values where there are few, else at quantiles, the lower ones (numpy's `method="lower"`)."""
    present = np.sort(column[~np.isnan(column)])
    is_new = np.append(True, present[1:] != present[:-1])[: len(present)]
    values = present[is_new]
    if len(values) <= bins:
        return np.asarray((values[:-1] + values[1:]) / 2.0 if len(values) > 1 else values, dtype=np.float64)
    places = np.linspace(0.0, 1.0, bins + 1)[1:-1] * (len(present) - 1)
    return np.unique(present[places.astype(np.int64)])


def _codes(column: FloatVector, edges: FloatVector) -> IntVector:
    return np.where(np.isnan(column), 0, np.searchsorted(edges, column, side="left") + 1)
