"""The loops that growing a tree spends its time on, compiled: sums by bin, the best cuts, rows shared out among nodes.

Sums are exact on their grid (`histograms.on_grid`), so that the order in which they are taken plays no part.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

IntVector = NDArray[np.int64]
#: Bins of rows' values in as few bytes as hold them: memory traffic is what the time goes to.
CodeMatrix = NDArray[np.uint8] | NDArray[np.int64]
Unsigned = NDArray[np.uint64]


class Chosen(NamedTuple):
    """The features that a tree may cut, with their bins one after the other.

    `codes`: bin of each value of all features, (n, n_features). `features`: which ones, `start`: first bin of each and the number
    of all. `full`: those of them that are summed by `codes`, from `full_start` on. Of the others, which are nearly always in one
    bin, that bin is `common` (-1 of a full one), and `seldom`, up to `ends` of each row, are the rest: `number` tells what bin
    each is here, the number of all where its feature was not chosen.
    """

    codes: CodeMatrix
    features: IntVector
    start: IntVector
    full: Unsigned
    full_start: Unsigned
    common: IntVector
    ends: IntVector
    seldom: NDArray[np.uint32]
    number: NDArray[np.uint32]


@compiled
def slopes_of(
    bent: FloatVector, churned: NDArray[np.bool_], weight: FloatVector, rows: IntVector, grid: float
) -> FloatMatrix:
    """Gradient and hessian of the log loss of these rows, on the grid, (n, 2).

    `bent`: tanh of half the log-odds, of `rows`; labels and weights are those of all rows.
    """
    found = np.empty((len(rows), 2))
    for place in range(len(rows)):
        row, probability = rows[place], 0.5 * (1.0 + bent[place])
        label = 1.0 if churned[row] else 0.0
        found[place, 0] = np.rint(weight[row] * (probability - label) * grid) / grid
        found[place, 1] = np.rint(weight[row] * probability * (1.0 - probability) * grid) / grid
    return found


@compiled
def add_slopes(rows: IntVector, slopes: FloatMatrix, places: IntVector, own: Chosen, sums: FloatMatrix) -> None:
    """Add the slopes of these places among `rows` to the sums of the bins that they are in, (bins + 1, 2).

    Numbers without a sign: where there is one, each place is asked whether it counts from the end, which takes as long as the
    adding.
    """
    flat = sums.ravel()  # a view
    codes, full, full_start, ends, seldom, number = (
        own.codes,
        own.full,
        own.full_start,
        own.ends,
        own.seldom,
        own.number,
    )
    all_g = all_h = 0.0
    for place in places:
        gradient, hessian, row = slopes[place, 0], slopes[place, 1], np.uint64(rows[place])
        all_g += gradient
        all_h += hessian
        for one in range(len(full)):
            at = (full_start[one] + np.uint64(codes[row, full[one]])) * np.uint64(2)
            flat[at] += gradient
            flat[at + np.uint64(1)] += hessian
        for one in range(ends[row], ends[row + np.uint64(1)]):
            at = np.uint64(number[seldom[one]]) * np.uint64(2)
            flat[at] += gradient
            flat[at + np.uint64(1)] += hessian
    for one in range(len(own.start) - 1):
        common = own.common[one]
        if common >= 0:  # no row names it: it has what the others leave
            left_g, left_h = all_g, all_h
            for at in range(own.start[one], own.start[one + 1]):
                left_g -= sums[at, 0]
                left_h -= sums[at, 1]
            sums[common, 0], sums[common, 1] = left_g, left_h


@compiled
def best_cut(sums: FloatMatrix, start: IntVector, l2: float, least_hessian: float) -> tuple[int, int]:
    """The feature, counted among the chosen ones, and the bin after which to cut this node; -1 where no cut helps.

    `sums`: (bins, 2), `start`: each feature's first bin and the number of all. Of equal gains the first counts. Chen and
    Guestrin, XGBoost, 2016, equation 7.
    """
    feature, cut, best = -1, 0, 0.0
    all_g = all_h = 0.0
    for at in range(start[0], start[1]):
        all_g += sums[at, 0]
        all_h += sums[at, 1]
    whole = all_g * all_g / (all_h + l2)
    for one in range(len(start) - 1):
        left_g = left_h = 0.0
        for at in range(start[one], start[one + 1]):
            left_g += sums[at, 0]
            left_h += sums[at, 1]
            right_g, right_h = all_g - left_g, all_h - left_h
            if left_h < least_hessian or right_h < least_hessian:
                continue
            gain = left_g * left_g / (left_h + l2) + right_g * right_g / (right_h + l2) - whole
            if gain > best:
                feature, cut, best = one, at - start[one], gain
    return feature, cut


@compiled
def share_out(codes: CodeMatrix, rows: IntVector, feature: int, cut: int, places: IntVector, room: IntVector) -> int:
    """Places whose row goes left come first, each side in its order; how many they are. `codes`: (n, n_features)."""
    left = right = 0
    for place in places:
        goes_right = codes[rows[place], feature] > cut
        places[left] = room[right] = place  # one of the two is overwritten by the next: no branch
        left += not goes_right
        right += goes_right
    places[left:] = room[:right]
    return left


@compiled
def grow(
    rows: IntVector, slopes: FloatMatrix, own: Chosen, rules: tuple[int, int, float, float]
) -> tuple[IntVector, IntVector, FloatMatrix]:
    """The next tree on these rows: feature and cut of its inner nodes in heap order, and the sums of slopes of its leaves.

    `slopes`: of `rows`, (n, 2). `rules`: depth, a cut that no bin is above, l2, least hessian. Of two children the one with fewer
    rows is summed, the other is what is left of their parent. A cut is the bin after which rows go right.
    """
    depth, no_cut, l2, least_hessian = rules
    inner = 2**depth - 1
    feature, cut = np.zeros(inner, np.int64), np.full(inner, no_cut, np.int64)
    first, stop = np.zeros(2 * inner + 1, np.int64), np.zeros(2 * inner + 1, np.int64)
    places, room = np.arange(len(rows)), np.empty(len(rows) + 1, np.int64)
    sums = np.zeros((inner, own.start[-1] + 1, 2))
    stop[0] = len(rows)
    add_slopes(rows, slopes, places, own, sums[0])
    for node in range(inner):
        begin, end, left, right = first[node], stop[node], 2 * node + 1, 2 * node + 2
        found, after = best_cut(sums[node], own.start, l2, least_hessian)
        middle = end
        if found >= 0:
            feature[node], cut[node] = own.features[found], after
            middle = begin + share_out(own.codes, rows, feature[node], after, places[begin:end], room)
        first[left], stop[left], first[right], stop[right] = begin, middle, middle, end
        if right < inner:
            fewer, others = (left, right) if middle - begin <= end - middle else (right, left)
            add_slopes(rows, slopes, places[first[fewer] : stop[fewer]], own, sums[fewer])
            sums[others] = sums[node] - sums[fewer]
    leaves = np.zeros((inner + 1, 2))
    for leaf in range(inner + 1):
        for place in places[first[inner + leaf] : stop[inner + leaf]]:
            leaves[leaf, 0] += slopes[place, 0]
            leaves[leaf, 1] += slopes[place, 1]
    return feature, cut, leaves


@compiled
def add_leaves(codes: CodeMatrix, feature: IntVector, cut: IntVector, value: FloatVector, total: FloatVector) -> None:
    """Add to each row's total, (n,), the value of its leaf: right where its bin of a node's feature is above the cut."""
    inner = len(feature)
    for row in range(len(total)):
        node = 0
        while node < inner:
            node = 2 * node + 1 + (codes[row, feature[node]] > cut[node])
        total[row] += value[node]
