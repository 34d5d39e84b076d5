"""Boosted trees over the kept examples, fitted again each time that they have grown by a part."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from models.boosting import BoostingRules, fit_forest
from models.forest import NEVER, Forest
from models.learners.protocol import BoolVector
from models.scorers import probability
from pipeline.ports import FloatMatrix, FloatVector

FIRST_FIT_ROWS = 200
FIRST_FIT_POSITIVES = 20
GROWTH = 1.15
KEPT_ROWS_MAX = 60_000
REFIT_ROWS_MAX = KEPT_ROWS_MAX // 3


class BoostedLearner:
    """A challenger under the same label clock: what it is fitted on are the examples given to `learn`, no others.

    It fits at fixed counts of examples (each 1.15 times the last, at most `REFIT_ROWS_MAX` apart, so that every example
    is in three fits or more), so that batches do not matter, on the newest `KEPT_ROWS_MAX`. Before the first fit it
    scores the base rate. docs/adr/0060-fewer-refits.md tells why not more often, and why not a library.
    """

    kind = "boosted"

    def __init__(
        self,
        n_features: int,
        rules: BoostingRules | None = None,
        margin: Callable[[FloatMatrix], FloatVector] | None = None,
    ) -> None:
        """`margin`: log-odds of another model that the trees add to; without one they start from the base rate."""
        self._margin = margin
        self._rules = rules or BoostingRules()
        self._features = np.empty((1024, n_features))
        self._churned = np.empty(1024, dtype=np.bool_)
        self._weight = np.empty(1024)
        self._kept = 0
        self._rows = 0
        self._next_fit = FIRST_FIT_ROWS
        self.forest: Forest | None = None

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        start = 0
        while start < len(features):
            end = min(len(features), start + self.rows_until_fit)
            self._keep(features[start:end], churned[start:end], weight[start:end])
            self._rows += end - start
            start = end
            if self._rows == self._next_fit:
                self._fit()
                self._next_fit = min(int(self._rows * GROWTH) + 1, self._rows + REFIT_ROWS_MAX)

    def take_back(self, features: FloatMatrix, weight: FloatVector) -> None:
        """Forget these rows where they are kept as churners: the next fit does without them."""
        churners = np.flatnonzero(self._churned[: self._kept])
        for row in np.clip(features, -NEVER, NEVER):
            same = (self._features[churners] == row) | (np.isnan(self._features[churners]) & np.isnan(row))
            self._weight[churners[same.all(axis=1)]] = 0.0

    @property
    def rows_until_fit(self) -> int:
        """How many more rows until the trees are fitted again; at least 1."""
        return self._next_fit - self._rows

    def score(self, features: FloatMatrix) -> FloatVector:
        return probability(self.log_odds(features))

    def log_odds(self, features: FloatMatrix) -> FloatVector:
        """Shape (n,)."""
        if self.forest is not None:
            return self.forest.log_odds(features)
        if self._margin is not None:
            return np.zeros(len(features))
        positives = float(self._churned[: self._kept].sum())
        return np.full(len(features), np.log((positives + 0.5) / (self._kept - positives + 25.0)))

    def explain(self, features: FloatVector) -> FloatVector:
        return np.zeros(len(features)) if self.forest is None else self.forest.contributions(features)

    def is_finite(self) -> bool:
        return self.forest is None or bool(np.isfinite(self.forest.value).all() and np.isfinite(self.forest.base))

    def export(self) -> dict[str, Any]:
        """The forest alone; the kept examples are in the log. Empty before the first fit."""
        if self.forest is None:
            return {}
        return {
            "feature": self.forest.feature.tolist(),
            "threshold": self.forest.threshold.tolist(),
            "value": self.forest.value.tolist(),
            "base": self.forest.base,
            "n_features": self._features.shape[1],
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that scores as the exported one; it keeps no examples until it is given some."""
        learner = cls(int(body["n_features"]))
        learner.forest = Forest(
            np.array(body["feature"], dtype=np.int64),
            np.array(body["threshold"], dtype=np.float64),
            np.array(body["value"], dtype=np.float64),
            float(body["base"]),
        )
        return learner

    def _keep(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        if self._kept + len(features) > KEPT_ROWS_MAX + KEPT_ROWS_MAX // 4:
            self._forget(self._kept - KEPT_ROWS_MAX)
        needed = self._kept + len(features)
        while needed > len(self._churned):
            self._features = np.concatenate([self._features, np.empty_like(self._features)])
            self._churned = np.concatenate([self._churned, np.empty_like(self._churned)])
            self._weight = np.concatenate([self._weight, np.empty_like(self._weight)])
        part = slice(self._kept, needed)
        self._features[part] = np.clip(features, -NEVER, NEVER)
        self._churned[part] = churned
        self._weight[part] = np.where((weight > 0.0) & (weight < NEVER), weight, 0.0)
        self._kept = needed

    def _forget(self, oldest: int) -> None:
        for column in (self._features, self._churned, self._weight):
            column[: self._kept - oldest] = column[oldest : self._kept].copy()
        self._kept -= oldest

    def _fit(self) -> None:
        kept = slice(max(0, self._kept - KEPT_ROWS_MAX), self._kept)
        if self._churned[kept].sum() >= FIRST_FIT_POSITIVES:
            features = self._features[kept]
            margin = self._margin(features) if self._margin is not None else None
            self.forest = fit_forest(features, self._churned[kept], self._weight[kept], self._rules, margin)
