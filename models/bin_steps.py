"""The loops that put values into bins, compiled."""

import numpy as np
from numpy.typing import NDArray

from models.tree_steps import CodeMatrix, IntVector
from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector


@compiled
def distinct(ordered: FloatVector, most: int) -> FloatVector:
    """The different values of an ascending column, and no more of them than `most`."""
    found, count = np.empty(most), 0
    for value in ordered:
        if count == 0 or value != found[count - 1]:
            if count == most:
                break
            found[count] = value
            count += 1
    return found[:count]


@compiled
def put_codes(features: FloatMatrix, edges: FloatVector, start: IntVector, codes: CodeMatrix) -> None:
    """Bin of each value, (n, n_features): 0 missing, else 1 more than the edges that it is above.

    `edges`: of all features one after the other; those of feature f are what lies from start[f] - 2 f on.
    """
    n_features = features.shape[1]
    known, known_code = np.full(n_features, np.nan), np.zeros(n_features, np.int64)
    for row in range(features.shape[0]):
        for feature in range(n_features):
            value = features[row, feature]
            if value != known[feature]:  # most values are the one of the row before
                first = start[feature] - 2 * feature
                low, above = first, start[feature + 1] - 2 * feature - 2
                while low < above:
                    middle = (low + above) >> 1
                    if edges[middle] < value:
                        low = middle + 1
                    else:
                        above = middle
                known[feature], known_code[feature] = value, 0 if np.isnan(value) else low - first + 1
            codes[row, feature] = known_code[feature]


@compiled
def count_codes(codes: CodeMatrix, start: IntVector) -> IntVector:
    """How many rows are in each bin, (n_bins,); `start`: first bin of each feature and the number of all."""
    found = np.zeros(start[-1], np.int64)
    for row in range(codes.shape[0]):
        for feature in range(codes.shape[1]):
            found[start[feature] + codes[row, feature]] += 1
    return found


@compiled
def seldom_bins(
    codes: CodeMatrix, features: IntVector, start: IntVector, common: IntVector
) -> tuple[IntVector, NDArray[np.uint32]]:
    """The bins of some features that each row is in, without the `common` one of each; row after row, with their ends."""
    ends = np.zeros(codes.shape[0] + 1, np.int64)
    for row in range(codes.shape[0]):
        ends[row + 1] = ends[row]
        for one in features:
            ends[row + 1] += start[one] + codes[row, one] != common[one]
    bins, at = np.empty(ends[-1], np.uint32), 0
    for row in range(codes.shape[0]):
        for one in features:
            if start[one] + codes[row, one] != common[one]:
                bins[at] = start[one] + codes[row, one]
                at += 1
    return ends, bins
