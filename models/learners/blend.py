"""A blend of experts: River's logistic regression and boosted trees, mixed by a third regression on their log-odds.

Each expert is strong where the other is weak: the regression learns from the first example on and follows a drift, the
trees bend. The mixer learns from what both said before they had seen the example (stacking, Wolpert 1992, online), so
that it also corrects an expert that is too sure of itself.
"""

from typing import Any, Self

import numpy as np

from models.learners.boosted import BoostedLearner
from models.learners.logistic import LogisticLearner
from models.learners.mixer import Mixer
from models.learners.protocol import BoolVector
from models.scorers import BlendModel, probability
from pipeline.ports import FloatMatrix, FloatVector

LOG_ODDS_LIMIT = 20.0
WEIGHT_LIMIT = 1e12


class BlendLearner:
    """Until the trees are fitted for the first time, it is the logistic regression alone."""

    kind = "blend"

    def __init__(self, n_features: int, prior_column: int | None = None) -> None:
        """`prior_column`: a feature that is the log-odds to start from; see LogisticLearner."""
        self._logistic = LogisticLearner(n_features, prior_column=prior_column)
        self._boosted = BoostedLearner(n_features, margin=lambda rows: self._logistic.linear_model().log_odds(rows))
        self._mixer = Mixer()

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        usable = (weight > 0.0) & (weight < WEIGHT_LIMIT)
        features, churned, weight = features[usable], churned[usable], weight[usable]
        start = 0
        while start < len(features):
            part = slice(start, start + self._boosted.rows_until_fit)
            trees = self._boosted.log_odds(features[part]) if self._boosted.forest is not None else None
            self._learn_rows(features[part], churned[part], weight[part], trees)
            self._boosted.learn(features[part], churned[part], weight[part])
            start = part.stop

    def take_back(self, features: FloatMatrix, weight: FloatVector) -> None:
        self._logistic.take_back(features, weight)
        self._boosted.take_back(features, weight)

    def score(self, features: FloatMatrix) -> FloatVector:
        return probability(self.model().log_odds(features))

    def explain(self, features: FloatVector) -> FloatVector:
        return self.model().contributions(features)

    def is_finite(self) -> bool:
        mixed = np.isfinite(list(self._mix().values())).all()
        return bool(mixed) and self._logistic.is_finite() and self._boosted.is_finite()

    def model(self) -> BlendModel:
        """The model as it stands, in arrays."""
        return BlendModel(self._logistic.linear_model(), self._boosted.forest, **self._mix())

    def export(self) -> dict[str, Any]:
        return {"logistic": self._logistic.export(), "boosted": self._boosted.export(), "mix": self._mix()}

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that scores as the exported one; its trees are fitted again only on examples that it is given."""
        learner = cls(len(body["logistic"]["weights"]))
        learner._logistic = LogisticLearner.load(body["logistic"])
        if body["boosted"]:
            learner._boosted.forest = BoostedLearner.load(body["boosted"]).forest
            mix = body["mix"]
            learner._mixer.shares = (mix["logistic_share"], mix["boosted_share"])
            learner._mixer.intercept = mix["intercept"]
        return learner

    def _mix(self) -> dict[str, float]:
        if self._boosted.forest is None:
            return {"logistic_share": 1.0, "boosted_share": 0.0, "intercept": 0.0}
        logistic, boosted = self._mixer.shares
        return {"logistic_share": logistic, "boosted_share": boosted, "intercept": self._mixer.intercept}

    def _learn_rows(
        self, features: FloatMatrix, churned: BoolVector, weight: FloatVector, trees: FloatVector | None
    ) -> None:
        said = self._logistic.learn_and_tell(features, churned, weight, tell=trees is not None)
        if trees is None:
            return
        opinions = np.clip(np.column_stack([said, trees]), -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)
        self._mixer.learn(opinions, churned, weight)
