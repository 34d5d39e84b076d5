"""River's adaptive random forest, bounded in size, guarded against missing values, exported to arrays.

No contestant by default: it costs a hundred times the regression to learn, and stays behind it where leavers are rare
(docs/adr/0063-champion-and-challengers.md). Who has many leavers may turn it on in `learning.contestants`.
"""

from typing import Any, Self

import numpy as np
from river import forest

from models.learners.protocol import BoolVector
from models.voting_trees import VotingTrees, voting_trees
from pipeline.ports import FloatMatrix, FloatVector

TREES = 10
SIZE_MAX_MB = 2.0  # of each tree; River's own default has no useful limit
VALUE_LIMIT = 1e12
SEED = 1


class AdaptiveForestLearner:
    """A row of weight 0 is passed over; other weights count as 1, since River draws its own for each tree."""

    kind = "forest"

    def __init__(self, n_features: int) -> None:
        self._forest = forest.ARFClassifier(
            n_models=TREES, seed=SEED, leaf_prediction="mc", max_size=SIZE_MAX_MB, max_features="sqrt"
        )
        self._sum, self._count = np.zeros(n_features), np.zeros(n_features)
        self._loaded: VotingTrees | None = None
        self._model: VotingTrees | None = None

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        clipped = np.clip(features, -VALUE_LIMIT, VALUE_LIMIT)
        for row, label, row_weight in zip(clipped, churned.tolist(), weight.tolist(), strict=True):
            if not 0.0 < row_weight < VALUE_LIMIT:
                continue
            present = ~np.isnan(row)
            self._sum[present] += row[present]
            self._count += present
            self._forest.learn_one(dict(enumerate(np.where(present, row, self._mean()).tolist())), label)
        self._model = self._loaded = None

    def take_back(self, features: FloatMatrix, weight: FloatVector) -> None:
        """A tree cannot forget: it learns them as stayers."""
        self.learn(features, np.zeros(len(features), dtype=np.bool_), weight)

    def model(self) -> VotingTrees:
        if self._loaded is not None:
            return self._loaded
        if self._model is None:
            self._model = voting_trees(self._forest, self._mean())
        return self._model

    def score(self, features: FloatMatrix) -> FloatVector:
        return self.model().score(np.clip(features, -VALUE_LIMIT, VALUE_LIMIT))

    def rivers_probability(self, row: dict[int, float]) -> float:
        """What River itself says of a complete row; a thousand times slower, to compare with."""
        return float(self._forest.predict_proba_one(row).get(True, 0.0))

    def explain(self, features: FloatVector) -> FloatVector:
        return self.model().contributions(features)

    def is_finite(self) -> bool:
        model = self.model()
        return bool(np.isfinite([*model.left_share, *model.vote, *model.mean]).all())

    def export(self) -> dict[str, Any]:
        model = self.model()
        threshold = np.minimum(model.threshold, 2.0 * VALUE_LIMIT)
        return {
            "feature": model.feature.tolist(),
            "threshold": threshold.tolist(),
            "left": model.left.tolist(),
            "right": model.right.tolist(),
            "left_share": model.left_share.tolist(),
            "stayed_share": model.stayed_share.tolist(),
            "root": model.root.tolist(),
            "vote": model.vote.tolist(),
            "mean": model.mean.tolist(),
            "depth": model.depth,
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that scores as the exported one, until it is given examples: then it grows new trees."""
        learner = cls(len(body["mean"]))
        learner._loaded = VotingTrees(
            np.array(body["feature"], np.int64),
            np.array(body["threshold"], np.float64),
            np.array(body["left"], np.int64),
            np.array(body["right"], np.int64),
            np.array(body["left_share"], np.float64),
            np.array(body["stayed_share"], np.float64),
            np.array(body["root"], np.int64),
            np.array(body["vote"], np.float64),
            np.array(body["mean"], np.float64),
            int(body["depth"]),
        )
        return learner

    def _mean(self) -> FloatVector:
        return self._sum / np.maximum(self._count, 1.0)
