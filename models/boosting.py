"""Gradient-boosted trees fitted in numpy: histograms, Newton steps on the log loss.

Sources: Friedman, Greedy function approximation, 2001; Chen and Guestrin, XGBoost, 2016, equations 6 and 7.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.forest import NEVER, Forest
from models.histograms import Bins, grid_of
from models.learners.protocol import BoolVector
from models.tree_steps import IntVector, add_leaves, grow, slopes_of
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
    grid = grid_of(float(weight.sum()))
    for _ in range(grown.trees):
        tree, cut = _grow(bins, churned, weight, total, grid, grown, random)
        trees.append(tree)
        add_leaves(bins.codes, tree.feature, cut, tree.value, total)
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
    grid: float,
    rules: BoostingRules,
    random: np.random.Generator,
) -> tuple[Tree, IntVector]:
    """The next tree, and the bin after which each of its inner nodes cuts."""
    n_rows, n_features = bins.codes.shape
    chosen = np.sort(random.permutation(n_features)[: max(1, round(n_features * rules.feature_share))])
    sample = np.flatnonzero(random.random(n_rows) < rules.row_share)
    slopes = slopes_of(np.tanh(0.5 * total[sample]), churned, weight, sample, grid)
    limits = (rules.depth, rules.bins + 1, rules.l2, rules.child_weight_minimum)
    feature, cut, sums = grow(sample, slopes, bins.chosen(chosen), limits)
    threshold = np.full(len(feature), NEVER)
    for node in np.flatnonzero(cut <= rules.bins).tolist():
        edges = bins.edges[feature[node]]
        threshold[node] = edges[cut[node] - 1] if cut[node] > 0 else -NEVER
    return Tree(feature, threshold, _node_values(sums[:, 0], sums[:, 1], rules)), cut


def _node_values(gradients: FloatVector, hessians: FloatVector, rules: BoostingRules) -> FloatVector:
    """Newton steps of the leaves; an inner node has the mean of its children, weighted by hessian."""
    hessians = hessians + 1e-12
    values = -rules.learning_rate * gradients / (hessians + rules.l2)
    levels = [values]
    while len(values) > 1:
        pairs = hessians.reshape(-1, 2)
        values = (values.reshape(-1, 2) * pairs).sum(axis=1) / pairs.sum(axis=1)
        hessians = pairs.sum(axis=1)
        levels.append(values)
    return np.concatenate(levels[::-1])
