"""River's adaptive random forest as arrays: trees of any shape that vote, walked in numpy for whole batches.

Source: Gomes et al., Adaptive random forests for evolving data stream classification, 2017. The votes are River's own: each
tree's share of leavers in the leaf, weighted by the tree's accuracy so far.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ports import FloatMatrix, FloatVector

CELLS_AT_ONCE = 262_144  # rows x trees of one step, so that its arrays stay within the cache
SHARE_FLOOR = 1e-4  # a leaf that has seen no leaver does not make leaving impossible


@dataclass(frozen=True, slots=True)
class VotingTrees:
    """All nodes of all trees one after the other, each (n_nodes,): `feature` and `threshold` of a cut, where to go below or
    at it (`left`) and above it (`right`); a leaf goes to itself. `left_share`, `stayed_share`: of what reached the node.

    `root`, `vote`: (n_trees,). `mean`: (n_features,), for missing values. `depth`: of the deepest leaf.
    """

    feature: NDArray[np.int64]
    threshold: FloatVector
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    left_share: FloatVector
    stayed_share: FloatVector
    root: NDArray[np.int64]
    vote: FloatVector
    mean: FloatVector
    depth: int

    def score(self, features: FloatMatrix) -> FloatVector:
        """Share of the votes for leaving, shape (n,); 0 where no tree has an opinion, as River has it."""
        result = np.empty(len(features))
        step = max(1, CELLS_AT_ONCE // max(1, len(self.root)))
        for start in range(0, len(features), step):
            node = self._path(features[start : start + step])[-1]
            leaving = self.left_share.take(node) @ self.vote
            total = leaving + self.stayed_share.take(node) @ self.vote
            result[start : start + step] = np.divide(leaving, total, out=np.zeros_like(total), where=total > 0.0)
        return result

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,)."""
        share = np.clip(self.score(features), SHARE_FLOOR, 1.0 - SHARE_FLOOR)
        return np.asarray(np.log(share / (1.0 - share)), dtype=np.float64)

    def contributions(self, row: FloatVector) -> FloatVector:
        """What each feature of one row adds to the share of votes on its paths (Saabas, 2014), shape (n_features,)."""
        told, path = np.zeros(len(row)), self._path(row[None, :])
        for above, below in pairwise(path):
            change = (self.left_share.take(below) - self.left_share.take(above))[0] * self.vote
            np.add.at(told, self.feature.take(above[0]), change)
        return told / max(float(self.vote.sum()), 1e-12)

    def _path(self, features: FloatMatrix) -> list[NDArray[np.int64]]:
        filled = np.where(np.isnan(features), self.mean, features)
        values, row_start = filled.ravel(), (np.arange(len(filled)) * filled.shape[1])[:, None]
        node = np.broadcast_to(self.root, (len(filled), len(self.root)))
        path = [node]
        for _ in range(self.depth):
            above = values.take(self.feature.take(node) + row_start) > self.threshold.take(node)
            node = np.where(above, self.right.take(node), self.left.take(node))
            path.append(node)
        return path


def voting_trees(forest: Any, mean: FloatVector) -> VotingTrees:
    """The arrays of a River `ARFClassifier` with `leaf_prediction="mc"` over the features 0, 1, ... n - 1."""
    nodes: list[list[float]] = []
    roots, votes, depth = [], [], 0
    for number, tree in enumerate(forest):
        roots.append(len(nodes))
        accuracy = forest._metrics[number].get()
        votes.append(accuracy if accuracy > 0.0 and not forest.disable_weighted_vote else 1.0)
        depth = max(depth, _add(nodes, tree._root))
    columns = np.array(nodes, dtype=np.float64).reshape(-1, 6).T
    feature, left, right = (columns[place].astype(np.int64) for place in (0, 2, 3))
    return VotingTrees(
        feature,
        columns[1],
        left,
        right,
        columns[4],
        columns[5],
        np.array(roots, np.int64),
        np.array(votes),
        mean,
        depth,
    )


def _add(nodes: list[list[float]], node: Any) -> int:
    """Append this node and all below it; how deep it is."""
    place = len(nodes)
    seen = node.stats if node is not None else {}
    total = sum(seen.values())
    shares = [seen.get(True, 0.0) / total, seen.get(False, 0.0) / total] if total > 0.0 else [0.0, 0.0]
    nodes.append([0, np.inf, place, place, *shares])
    if not hasattr(node, "children"):
        return 0
    nodes[place][:3] = [node.feature, node.threshold, len(nodes)]
    left = _add(nodes, node.children[0])
    nodes[place][3] = len(nodes)
    return 1 + max(left, _add(nodes, node.children[1]))
