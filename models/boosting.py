"""Gradient-boosted trees fitted in numpy: histograms, Newton steps on the log loss.

Sources: Friedman, Greedy function approximation, 2001; Chen and Guestrin, XGBoost, 2016, equations 6 and 7.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.forest import NEVER, Forest
from models.histograms import Bins, ChosenBins, IntVector, on_grid
from models.learners.protocol import BoolVector
from pipeline.ports import FloatMatrix, FloatVector


@dataclass(frozen=True, slots=True)
class BoostingRules:
    """How the trees are grown. `bins`: places to cut a feature at; `row_share`, `feature_share`: used by each tree."""

    trees: int = 120
    depth: int = 4
    learning_rate: float = 0.1
    bins: int = 64
    l2: float = 1.0
    child_weight_minimum: float = 1.0
    row_share: float = 0.7
    feature_share: float = 0.6
    seed: int = 7


def fit_forest(
    features: FloatMatrix,
    churned: BoolVector,
    weight: FloatVector,
    rules: BoostingRules | None = None,
    margin: FloatVector | None = None,
) -> Forest:
    """Fit to these rows (n, n_features); deterministic by `rules.seed`.

    `margin`, shape (n,): log-odds that another model gives these rows; the forest then adds to them, and has no base.
    """
    grown = rules or BoostingRules()
    random = np.random.default_rng(grown.seed)
    bins = Bins.of(features, grown.bins)
    rate = float(np.clip(np.average(churned, weights=weight), 1e-6, 1 - 1e-6))
    base = float(np.log(rate / (1.0 - rate))) if margin is None else 0.0
    total = np.full(len(features), base) if margin is None else margin.copy()
    trees = []
    for _ in range(grown.trees):
        tree, change = _grow(bins, churned, weight, total, grown, random)
        trees.append(tree)
        total += change
    return Forest(
        np.array([tree.feature for tree in trees]),
        np.array([tree.threshold for tree in trees]),
        np.array([tree.value for tree in trees]),
        base,
    )


class Tree(NamedTuple):
    """One complete tree in heap order: inner nodes have a feature and a threshold, all nodes a value."""

    feature: IntVector
    threshold: FloatVector
    value: FloatVector


def _grow(
    bins: Bins,
    churned: BoolVector,
    weight: FloatVector,
    total: FloatVector,
    rules: BoostingRules,
    random: np.random.Generator,
) -> tuple[Tree, FloatVector]:
    """The next tree, and what it adds to the log-odds of each row."""
    n_features, n_rows = bins.codes.shape
    probability, all_weight = 0.5 * (1.0 + np.tanh(0.5 * total)), float(weight.sum())
    gradient = on_grid(weight * (probability - churned), all_weight)
    hessian = on_grid(weight * probability * (1.0 - probability), all_weight)
    chosen = np.sort(random.permutation(n_features)[: max(1, round(n_features * rules.feature_share))])
    sample = np.flatnonzero(random.random(n_rows) < rules.row_share)
    slopes = np.column_stack([gradient, hessian])[sample]
    inner = 2**rules.depth - 1
    feature, cut = np.zeros(inner, dtype=np.int64), np.full(inner, rules.bins + 1, dtype=np.int64)
    threshold = np.full(inner, NEVER)
    node, first_code = np.zeros(n_rows, dtype=np.int64), np.arange(n_rows)
    codes, own, sums = bins.codes.ravel(), bins.of_features(chosen), None
    for level in range(rules.depth):
        first = 2**level - 1
        sums = _sums(own, sample, slopes, node.take(sample) - first, sums)
        best_feature, best_cut, gain = _best_cuts(own, sums, rules)
        for position in np.flatnonzero(gain > 0.0):
            column, bin_cut = int(chosen[best_feature[position]]), int(best_cut[position])
            feature[first + position], cut[first + position] = column, bin_cut
            threshold[first + position] = bins.edges[column][bin_cut - 1] if bin_cut > 0 else -NEVER
        node = 2 * node + 1 + (codes.take(feature.take(node) * n_rows + first_code) > cut.take(node))
    value = _node_values(node.take(sample) - inner, slopes[:, 0], slopes[:, 1], rules)
    return Tree(feature, threshold, value), value.take(node)


def _node_values(leaf: IntVector, gradient: FloatVector, hessian: FloatVector, rules: BoostingRules) -> FloatVector:
    """Newton steps of the leaves; an inner node has the mean of its children, weighted by hessian."""
    leaves = 2**rules.depth
    hessians = np.bincount(leaf, weights=hessian, minlength=leaves) + 1e-12
    values = -rules.learning_rate * np.bincount(leaf, weights=gradient, minlength=leaves) / (hessians + rules.l2)
    levels = [values]
    while len(values) > 1:
        pairs = hessians.reshape(-1, 2)
        values = (values.reshape(-1, 2) * pairs).sum(axis=1) / pairs.sum(axis=1)
        hessians = pairs.sum(axis=1)
        levels.append(values)
    return np.concatenate(levels[::-1])


def _sums(
    bins: ChosenBins,
    sample: IntVector,
    slopes: FloatMatrix,
    node: IntVector,
    above: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Sums of gradients and hessians by bin and node of a level, (bins, nodes, 2).

    `slopes`, `node`: of the rows `sample`, (n, 2) and (n,). `above`: the sums of the level above, None for the root. Of two
    children the one with fewer rows is summed, the other is what is left of their parent.
    """
    pairs = 1 if above is None else above.shape[1]
    smaller = np.zeros(1, np.int64)
    if above is not None:
        smaller = np.argmin(np.bincount(node, minlength=2 * pairs).reshape(-1, 2), axis=1)
        rows = np.flatnonzero((2 * np.arange(pairs) + smaller).repeat(2).take(node) == node)
        sample, slopes, node = sample.take(rows), slopes.take(rows, axis=0), node.take(rows) >> 1
    spread = np.zeros((len(sample), pairs, 2))
    spread[np.arange(len(sample)), node] = slopes
    found = bins.sums(sample, spread.reshape(len(sample), 2 * pairs)).reshape(-1, pairs, 2)
    if above is None:
        return found
    both = np.empty((len(found), pairs, 2, 2))
    parent = np.arange(pairs)
    both[:, parent, smaller], both[:, parent, 1 - smaller] = found, above - found
    return both.reshape(len(found), 2 * pairs, 2)


def _best_cuts(
    bins: ChosenBins, sums: NDArray[np.float64], rules: BoostingRules
) -> tuple[IntVector, IntVector, FloatVector]:
    """For each node of a level: the feature and bin after which to cut, and the gain (0 where no cut helps)."""
    left = bins.up_to(sums.reshape(len(sums), -1)).reshape(sums.shape)
    left_g, left_h = left[:, :, 0].copy(), left[:, :, 1].copy()
    last = len(sums) if len(bins.start) == 1 else bins.start[1]
    all_g, all_h = left_g[last - 1], left_h[last - 1]
    right_g, right_h = all_g - left_g, all_h - left_h
    gain = left_g**2 / (left_h + rules.l2) + right_g**2 / (right_h + rules.l2) - all_g**2 / (all_h + rules.l2)
    gain[(left_h < rules.child_weight_minimum) | (right_h < rules.child_weight_minimum)] = 0.0
    best = gain.argmax(axis=0)
    feature = bins.feature[best]
    return feature, best - bins.start[feature], gain[best, np.arange(gain.shape[1])]
