"""The loops that growing a tree spends its time on, compiled: sums by bin, the best cuts, a step down the tree.

Sums are exact on their grid (`histograms.on_grid`), so that the order in which they are taken plays no part.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

IntVector = NDArray[np.int64]
#: Bins of a feature's values in as few bytes as hold them: memory traffic is what the time goes to.
CodeMatrix = NDArray[np.uint8] | NDArray[np.int64]


@compiled
def bin_sums(
    ends: NDArray[np.int32],
    bins: NDArray[np.uint32],
    n_bins: int,
    rows: IntVector,
    slopes: FloatMatrix,
    node: IntVector,
    first: int,
    smaller: IntVector,
) -> NDArray[np.float64]:
    """Sums of gradients and hessians over some of these rows, by pair of nodes and bin, (pairs, n_bins, 2).

    `bins`, up to `ends` of each row, are the bins that the row is in. `slopes`: of `rows`, (n, 2), `node`: of all rows. The nodes
    of a level begin with `first`; of each pair only the rows of one count, its left (0) or right (1) one by `smaller`, (pairs,).
    The root is a pair of one. Pair after pair, since the sums of one fit into the innermost cache.
    """
    found = np.zeros((len(smaller), n_bins, 2))
    for pair in range(len(smaller)):
        sums = found[pair].ravel()  # a view
        wanted = first + 2 * pair + smaller[pair]
        for place in range(len(rows)):
            row = rows[place]
            if node[row] != wanted:
                continue
            gradient, hessian = slopes[place, 0], slopes[place, 1]
            for number in bins[ends[row] : ends[row + 1]]:
                at = np.uint64(number) * np.uint64(2)  # without a sign nothing is asked of it: half the time
                sums[at] += gradient
                sums[at + np.uint64(1)] += hessian
    return found


@compiled
def node_sums(rows: IntVector, slopes: FloatMatrix, node: IntVector, first: int, nodes: int) -> FloatMatrix:
    """How many of these rows are in each node of a level, and the sums of their gradients and hessians, (nodes, 3)."""
    found = np.zeros((nodes, 3))
    for place in range(len(rows)):
        here = node[rows[place]] - first
        found[here, 0] += 1.0
        found[here, 1] += slopes[place, 0]
        found[here, 2] += slopes[place, 1]
    return found


@compiled
def best_cuts(
    sums: NDArray[np.float64], start: IntVector, total: FloatMatrix, l2: float, least_hessian: float
) -> tuple[IntVector, IntVector, FloatVector]:
    """For each node the feature and the bin after which to cut it, and the gain; 0 where no cut helps.

    `sums`: (bins, nodes, 2), `start`: each feature's first bin and the number of all, `total`: of each node, (nodes, 2). Of equal
    gains the first counts. Chen and Guestrin, XGBoost, 2016, equation 7.
    """
    nodes = sums.shape[1]
    feature, cut, best = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(nodes)
    for node in range(nodes):
        all_g, all_h = total[node, 0], total[node, 1]
        whole = all_g * all_g / (all_h + l2)
        for one in range(len(start) - 1):
            left_g = left_h = 0.0
            for at in range(start[one], start[one + 1]):
                left_g += sums[at, node, 0]
                left_h += sums[at, node, 1]
                right_g, right_h = all_g - left_g, all_h - left_h
                if left_h < least_hessian or right_h < least_hessian:
                    continue
                gain = left_g * left_g / (left_h + l2) + right_g * right_g / (right_h + l2) - whole
                if gain > best[node]:
                    feature[node], cut[node], best[node] = one, at - start[one], gain
    return feature, cut, best


@compiled
def step_down(codes: CodeMatrix, feature: IntVector, cut: IntVector, node: IntVector) -> None:
    """Each row's node, (n,), becomes its child: the right one where its bin of the node's feature is above the cut.

    `codes`: bin of each feature and row, (n_features, n).
    """
    for row in range(len(node)):
        here = node[row]
        node[row] = 2 * here + 1 + (codes[feature[here], row] > cut[here])
