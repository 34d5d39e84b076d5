"""What moved: features by group and scores against a month before, the error by ADWIN. An alarm changes nothing by itself.

Population stability index: sum over the deciles of the old values of (new - old share) ln(new / old share); above 0.25 a
population is usually called another one (Siddiqi, Credit risk scorecards, 2006). ADWIN: Bifet and Gavaldà, 2007.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

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
#: Fewer examples of a kind of customers tell nothing of it; of its error.
KIND_EXAMPLES, ERROR_EXAMPLES = 200, 50
#: So many of the newest examples are looked at for the kind whose error rose: a quarter of a period.
ERROR_NEWEST = PERIOD_EXAMPLES // 4
#: Kinds of customers by the flag of which feature, the first that is set; who has none is `OTHERS`.
Kinds = Sequence[tuple[str, int]]
OTHERS = "public"


@dataclass(frozen=True, slots=True)
class Drift:
    """`what`: a reason code of features, `score` or `error`; `amount`: the index, for the error its mean square.

    `by_kind`: of each kind of customers of whom there were enough examples, what moved most first: its index, less what chance
    would give; of the error, by how much its mean square is higher than before.
    """

    what: str
    amount: float
    at_ms: int
    by_kind: dict[str, float] = field(default_factory=dict)


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

    def __init__(self, groups: Sequence[str] = (), kinds: Kinds = ()) -> None:
        """`groups`: the reason code of each feature; features of one code are one group, an empty one is left out."""
        self._groups = groups
        self._kinds = kinds
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
                by_kind = self._error_by_kind(np.column_stack([features, score, churned]))
                found.append(Drift(ERROR, float(self._error.estimation), at_ms, by_kind))
        start = 0
        while start < len(score):
            end = min(len(score), start + PERIOD_EXAMPLES - self._count)
            self._rows.append(np.column_stack([features[start:end], score[start:end], churned[start:end]]))
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
        names = [*(self._groups or [""] * (now.shape[1] - 2)), "" if self._other_scores else SCORE]
        self._other_scores = max(0, self._other_scores - 1)
        self.indices = {}
        moved: dict[str, int] = {}
        for column, name in enumerate(names):
            if name:
                index = stability_index(before[:, column], now[:, column])
                if index > self.indices.get(name, -1.0):
                    self.indices[name], moved[name] = index, column
        return [
            Drift(name, index, at_ms, self._index_by_kind(before, now, moved[name]))
            for name, index in self.indices.items()
            if index > MOVED
        ]

    def _index_by_kind(self, before: FloatMatrix, now: FloatMatrix, column: int) -> dict[str, float]:
        """Chance: of two samples of one population the index is about 9 (the bins but one) times the sum of 1 / their sizes."""
        return _ordered(
            (kind, stability_index(old[:, column], new[:, column]) - (BINS - 1) * (1.0 / len(old) + 1.0 / len(new)))
            for kind, old, new in self._by_kind(before, now, KIND_EXAMPLES)
        )

    def _error_by_kind(self, block: FloatMatrix) -> dict[str, float]:
        """Of the newest examples against those before: what ADWIN keeps also holds some from before the change."""
        rows = np.concatenate([*([] if self._before is None else [self._before]), *self._rows, block])
        return _ordered(
            (kind, _mean_square(new) - _mean_square(old))
            for kind, old, new in self._by_kind(rows[:-ERROR_NEWEST], rows[-ERROR_NEWEST:], ERROR_EXAMPLES)
        )

    def _by_kind(
        self, before: FloatMatrix, now: FloatMatrix, enough: int
    ) -> Iterator[tuple[str, FloatMatrix, FloatMatrix]]:
        """The rows of each kind of customers, where both have enough of them."""
        if not self._kinds:
            return
        names = [name for name, _ in self._kinds] + [OTHERS]
        codes = [_first_flag(rows, [column for _, column in self._kinds]) for rows in (before, now)]
        for code, name in enumerate(names):
            old, new = before[codes[0] == code], now[codes[1] == code]
            if min(len(old), len(new)) >= enough:
                yield name, old, new


def _first_flag(rows: FloatMatrix, columns: list[int]) -> NDArray[np.int64]:
    """Place of the first flag that is set in each row, shape (n,); one more than the last where none is."""
    flags = np.column_stack([rows[:, columns] > 0.0, np.ones(len(rows), np.bool_)])
    return np.asarray(flags.argmax(axis=1), np.int64)


def _mean_square(rows: FloatMatrix) -> float:
    return float(np.mean((rows[:, -2] - rows[:, -1]) ** 2))


def _ordered(found: Iterable[tuple[str, float]]) -> dict[str, float]:
    return dict(sorted(found, key=lambda one: -one[1]))
