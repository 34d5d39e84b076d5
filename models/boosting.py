"""Gradient-boosted trees fitted in numpy: histograms, Newton steps on the log loss.

Sources: Friedman, Greedy function approximation, 2001; Chen and Guestrin, XGBoost, 2016, equations 6 and 7.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.forest import NEVER, Forest
from models.learners.protocol import BoolVector
from pipeline.ports import FloatMatrix, FloatVector

#: Bins of a feature's values in as few bytes as hold them: memory traffic is what the time goes to.
CodeMatrix = NDArray[np.uint8] | NDArray[np.int64]
IntVector = NDArray[np.int64]


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
    edges = [_edges(column, grown.bins) for column in features.T]
    codes = np.array([_codes(column, edge) for column, edge in zip(features.T, edges, strict=True)])
    rate = float(np.clip(np.average(churned, weights=weight), 1e-6, 1 - 1e-6))
    base = float(np.log(rate / (1.0 - rate))) if margin is None else 0.0
    total = np.full(len(features), base) if margin is None else margin.copy()
    trees = []
    for _ in range(grown.trees):
        tree, change = _grow(codes, churned, weight, total, edges, grown, random)
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
    codes: CodeMatrix,
    churned: BoolVector,
    weight: FloatVector,
    total: FloatVector,
    edges: list[FloatVector],
    rules: BoostingRules,
    random: np.random.Generator,
) -> tuple[Tree, FloatVector]:
    """The next tree, and what it adds to the log-odds of each row. `codes`: bins, (n_features, n)."""
    n_features, n_rows = codes.shape
    probability = 0.5 * (1.0 + np.tanh(0.5 * total))
    gradient, hessian = weight * (probability - churned), weight * probability * (1.0 - probability)
    chosen = np.sort(random.permutation(n_features)[: max(1, round(n_features * rules.feature_share))])
    sample = np.flatnonzero(random.random(n_rows) < rules.row_share)
    kept_codes = np.array([codes[column].take(sample) for column in chosen])
    kept_gradient, kept_hessian = gradient[sample], hessian[sample]
    inner = 2**rules.depth - 1
    feature, cut = np.zeros(inner, dtype=np.int64), np.full(inner, rules.bins + 1, dtype=np.int64)
    threshold = np.full(inner, NEVER)
    node, row = np.zeros(n_rows, dtype=np.int64), np.arange(n_rows)
    sums: Histograms | None = None
    for level in range(rules.depth):
        first = 2**level - 1
        sums = _histograms(
            kept_codes, kept_gradient, kept_hessian, node[sample] - first, 2**level, rules.bins + 2, sums
        )
        best_feature, best_cut, gain = _best_cuts(sums, rules)
        for position in np.flatnonzero(gain > 0.0):
            column, bin_cut = int(chosen[best_feature[position]]), int(best_cut[position])
            feature[first + position], cut[first + position] = column, bin_cut
            threshold[first + position] = edges[column][bin_cut - 1] if bin_cut > 0 else -NEVER
        node = 2 * node + 1 + (codes.ravel().take(feature.take(node) * n_rows + row) > cut.take(node))
    value = _node_values(node[sample] - inner, kept_gradient, kept_hessian, rules)
    return Tree(feature, threshold, value), value[node]


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


class Histograms(NamedTuple):
    """Sums of gradients and hessians by node of a level, feature and bin, each (nodes, n_features, bins)."""

    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]


def _histograms(
    codes: CodeMatrix,
    gradient: FloatVector,
    hessian: FloatVector,
    node: IntVector,
    nodes: int,
    bins: int,
    above: Histograms | None,
) -> Histograms:
    """Sums of one level; `codes` is (n_features, n), `above` the level above: None for the root.

    Only the smaller child of each pair is summed, the other is what is left of their parent: a quarter of the time.
    """
    if above is None:
        return _sums(codes, gradient, hessian, node, nodes, bins)
    smaller = np.argmin(np.bincount(node, minlength=nodes).reshape(-1, 2), axis=1)
    rows = np.flatnonzero(node % 2 == smaller[node // 2])
    part = _sums(codes.take(rows, axis=1), gradient[rows], hessian[rows], node[rows] // 2, nodes // 2, bins)
    pairs, parent = np.empty((2, nodes // 2, 2, *part.gradient.shape[1:])), np.arange(nodes // 2)
    for quantity, (small, both) in enumerate(zip(part, above, strict=True)):
        pairs[quantity, parent, smaller] = small
        pairs[quantity, parent, 1 - smaller] = both - small
    return Histograms(*pairs.reshape(2, nodes, *part.gradient.shape[1:]))


def _sums(
    codes: CodeMatrix, gradient: FloatVector, hessian: FloatVector, node: IntVector, nodes: int, bins: int
) -> Histograms:
    """A feature at a time: its rows stay within the cache."""
    found = np.empty((2, len(codes), nodes * bins))
    start = node * bins
    for column, code in enumerate(codes):
        place = code + start
        found[0, column] = np.bincount(place, weights=gradient, minlength=nodes * bins)
        found[1, column] = np.bincount(place, weights=hessian, minlength=nodes * bins)
    return Histograms(*found.reshape(2, len(codes), nodes, bins).swapaxes(1, 2))


def _best_cuts(sums: Histograms, rules: BoostingRules) -> tuple[IntVector, IntVector, FloatVector]:
    """For each node of a level: the feature and bin after which to cut, and the gain (0 where no cut helps)."""
    nodes, bins = len(sums.gradient), rules.bins + 2
    left_g, left_h = sums.gradient.cumsum(axis=2), sums.hessian.cumsum(axis=2)
    all_g, all_h = left_g[:, :, -1:], left_h[:, :, -1:]
    right_g, right_h = all_g - left_g, all_h - left_h
    gain = left_g**2 / (left_h + rules.l2) + right_g**2 / (right_h + rules.l2) - all_g**2 / (all_h + rules.l2)
    gain[(left_h < rules.child_weight_minimum) | (right_h < rules.child_weight_minimum)] = 0.0
    flat_gain = gain.reshape(nodes, -1)
    best = flat_gain.argmax(axis=1)
    return best // bins, best % bins, flat_gain[np.arange(nodes), best]


def _edges(column: FloatVector, bins: int) -> FloatVector:
    """Cut places of one feature, ascending; a value goes right of those that it is above."""
    present = column[~np.isnan(column)]
    values = np.unique(present)
    if len(values) <= bins:
        return np.asarray((values[:-1] + values[1:]) / 2.0 if len(values) > 1 else values, dtype=np.float64)
    return np.unique(np.quantile(present, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="lower"))


def _codes(column: FloatVector, edges: FloatVector) -> CodeMatrix:
    """Bin of each value: 0 = missing, 1 = not above the first edge, and so on."""
    codes = np.where(np.isnan(column), 0, np.searchsorted(edges, column, side="left") + 1)
    return codes.astype(np.uint8) if len(edges) + 2 <= 256 else codes.astype(np.int64)
