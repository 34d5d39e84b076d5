"""Gradient-boosted trees fitted in numpy: histograms, Newton steps on the log loss.

Sources: Friedman, Greedy function approximation, 2001; Chen and Guestrin, XGBoost, 2016, equations 6 and 7.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.forest import NEVER, Forest
from models.histograms import Bins, on_grid
from models.learners.protocol import BoolVector
from models.tree_steps import IntVector, best_cuts, step_down
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
    node, own, sums = np.zeros(n_rows, dtype=np.int64), bins.of_features(chosen), None
    for level in range(rules.depth):
        first = 2**level - 1
        sums = own.sums(sample, slopes, node, first, sums)
        total_slopes = sums[own.start[0] : own.start[1]].sum(axis=0)
        best_feature, best_cut, gain = best_cuts(sums, own.start, total_slopes, rules.l2, rules.child_weight_minimum)
        for position in np.flatnonzero(gain > 0.0):
            column, bin_cut = int(chosen[best_feature[position]]), int(best_cut[position])
            feature[first + position], cut[first + position] = column, bin_cut
            threshold[first + position] = bins.edges[column][bin_cut - 1] if bin_cut > 0 else -NEVER
        step_down(bins.codes, feature, cut, node)
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
