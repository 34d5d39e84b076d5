"""Sums of gradients by bin of each feature: what boosted trees spend their time on.

Most features of most lines are 0. Each feature's most frequent bin is therefore not stored: its sums are what is left of the
total (as LightGBM does; Ke et al., 2017). The other bins are a sparse 0/1 matrix, and all sums of a level one product with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.ports import FloatMatrix, FloatVector

#: Bins of a feature's values in as few bytes as hold them: memory traffic is what the time goes to.
CodeMatrix = NDArray[np.uint8] | NDArray[np.int64]
IntVector = NDArray[np.int64]
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
        feature = np.repeat(np.arange(len(chosen)), sizes)
        return ChosenBins(self.rows, number, feature, start, start + (self.common - self.start[:-1])[chosen])


@dataclass(frozen=True, slots=True)
class ChosenBins:
    """The bins of some features: their numbers among all, and whose they are, (bins,); the rest as above, without the end of
    `start`.
    """

    rows: csr_array
    number: IntVector
    feature: IntVector
    start: IntVector
    common: IntVector

    def sums(self, rows: IntVector, quantities: FloatMatrix) -> FloatMatrix:
        """Sums over these rows of each quantity (n_rows, n_quantities) by bin, (bins, n_quantities)."""
        found: FloatMatrix = (self.rows[rows].T @ quantities).take(self.number, axis=0)
        total = np.ones(len(quantities)) @ quantities  # three times as quick as a sum down the columns
        found[self.common] = total - np.add.reduceat(found, self.start, axis=0)
        return found

    def up_to(self, sums: FloatMatrix) -> FloatMatrix:
        """Sums of each bin and all before it of the same feature, (bins, n_quantities)."""
        running = sums.cumsum(axis=0)
        before = running.take(self.start, axis=0) - sums.take(self.start, axis=0)
        running -= before.take(self.feature, axis=0)
        return running


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
    present = column[~np.isnan(column)]
    values = np.unique(present)
    if len(values) <= bins:
        return np.asarray((values[:-1] + values[1:]) / 2.0 if len(values) > 1 else values, dtype=np.float64)
    return np.unique(np.quantile(present, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="lower"))


def _codes(column: FloatVector, edges: FloatVector) -> IntVector:
    return np.where(np.isnan(column), 0, np.searchsorted(edges, column, side="left") + 1)
