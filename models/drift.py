"""What moved: features by group and scores against a month before, the error by ADWIN. An alarm changes nothing by itself.

Population stability index: sum over the deciles of the old values of (new - old share) ln(new / old share); above 0.25 a
population is usually called another one (Siddiqi, Credit risk scorecards, 2006). ADWIN: Bifet and Gavaldà, 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from models.learners.protocol import BoolVector
from pipeline.ports import FloatMatrix, FloatVector

PERIOD_EXAMPLES = 4000
BINS = 10
MOVED = 0.25
SHARE_FLOOR = 1e-4
SCORE = "score"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class Drift:
    """`what`: a reason code of features, `score` or `error`; `amount`: the index, for the error its mean square."""

    what: str
    amount: float
    at_ms: int


def stability_index(old: FloatVector, new: FloatVector) -> float:
    """Population stability index of one quantity; a missing value is a bin of its own.

    >>> same = np.arange(100.0)
    >>> stability_index(same, same), stability_index(same, same + 50.0) > 0.25
    (0.0, True)
    """
    present = old[~np.isnan(old)]
    if not len(present):
        return 0.0
    edges = np.unique(np.quantile(present, np.linspace(0.0, 1.0, BINS + 1)[1:-1], method="lower"))
    shares = []
    for values in (old, new):
        bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        shares.append(np.maximum(np.bincount(bins, minlength=len(edges) + 2) / len(values), SHARE_FLOOR))
    before, after = shares
    return float(((after - before) * np.log(after / before)).sum())


class DriftWatch:
    """Compares each period of examples with the one before; told in order, any batches."""

    def __init__(self, groups: Sequence[str] = ()) -> None:
        """`groups`: the reason code of each feature; features of one code are one group, an empty one is left out."""
        self._groups = groups
        self._before: NDArray[np.float64] | None = None
        self._rows: list[NDArray[np.float64]] = []
        self._count = 0
        self._error = ADWIN(delta=1e-4, clock=8)  # type: ignore[no-untyped-call]  # River leaves it open
        self._other_scores = 0  # comparisons from now on that meet scores of two learners
        self.indices: dict[str, float] = {}

    def add(self, features: FloatMatrix, score: FloatVector, churned: BoolVector, at_ms: int) -> list[Drift]:
        """A block before it was learnt: features (n, n_features), scores and labels (n,); what moved, if anything.

        The error is the mean square over the block (Brier 1950): bounded, where single log losses of rare leavers are not.
        """
        found = []
        if len(score):
            before = self._error.estimation
            self._error.update(float(np.mean((score - churned) ** 2)))  # type: ignore[no-untyped-call]  # as above
            if self._error.drift_detected and self._error.estimation > before:
                found.append(Drift(ERROR, float(self._error.estimation), at_ms))
        start = 0
        while start < len(score):
            end = min(len(score), start + PERIOD_EXAMPLES - self._count)
            self._rows.append(np.column_stack([features[start:end], score[start:end]]))
            self._count += end - start
            start = end
            if self._count == PERIOD_EXAMPLES:
                found += self._compare(at_ms)
        return found

    def forget_scores(self) -> None:
        """Another learner scores from now on: its scores are no drift of the old ones."""
        self._other_scores = 2

    def _compare(self, at_ms: int) -> list[Drift]:
        now = np.concatenate(self._rows)
        self._rows, self._count = [], 0
        before, self._before = self._before, now
        if before is None:
            return []
        names = [*(self._groups or [""] * (now.shape[1] - 1)), "" if self._other_scores else SCORE]
        self._other_scores = max(0, self._other_scores - 1)
        self.indices = {}
        for column, name in enumerate(names):
            if name:
                index = stability_index(before[:, column], now[:, column])
                self.indices[name] = max(index, self.indices.get(name, 0.0))
        return [Drift(name, index, at_ms) for name, index in self.indices.items() if index > MOVED]
