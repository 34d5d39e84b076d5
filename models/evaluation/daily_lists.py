"""The daily lists: every live line at 00:00 UTC with its score, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.evaluation.truth import LineTruth
from models.learners.protocol import BoolVector
from pipeline.ports import FloatVector

DAY_MS = 86_400_000
Lines = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DailyList:
    """One list: `lines` (n,) index the line ids, `scores` (n,) are probabilities, `declared` (n,): a case is open."""

    day_ms: int
    lines: Lines
    scores: FloatVector
    declared: BoolVector


@dataclass(frozen=True, slots=True)
class JudgedList:
    """The lines of a list that count, the best score first (equal scores by line id), and whether each left in time."""

    day_ms: int
    lines: Lines
    scores: FloatVector
    declared: BoolVector
    churned: BoolVector

    def undeclared(self) -> "JudgedList":
        """Without lines whose leaving is declared."""
        keep = ~self.declared
        return JudgedList(self.day_ms, self.lines[keep], self.scores[keep], self.declared[keep], self.churned[keep])


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists of a replay in the order of days, over the same `line_ids`.

    `end_ms`: how far the records reach. What happens after it is not known, so that a list whose horizon ends later
    cannot be judged.
    """

    line_ids: Sequence[str]
    days: Sequence[DailyList]
    end_ms: int
    horizon_ms: int = 30 * DAY_MS
    places: Lines = field(init=False, default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        places = np.empty(len(self.line_ids), np.int64)
        places[sorted(range(len(self.line_ids)), key=self.line_ids.__getitem__)] = np.arange(len(self.line_ids))
        object.__setattr__(self, "places", places)

    def is_complete(self, day_ms: int) -> bool:
        """Whether everything that a list of this day foretells has had its time to happen."""
        return day_ms + self.horizon_ms <= self.end_ms

    def judged(self, truth: LineTruth) -> Iterator[JudgedList]:
        """Lists whose horizon is over, with their targets."""
        for day in self.days:
            if self.is_complete(day.day_ms):
                yield self.judge(day, truth)

    def judge(self, day: DailyList, truth: LineTruth) -> JudgedList:
        """One list: without lines that had left, and without those soon to leave involuntarily; ranked."""
        churn_ms, voluntary = truth.churn_ms[day.lines], truth.voluntary[day.lines]
        in_time = churn_ms - day.day_ms <= self.horizon_ms
        counts = (churn_ms > day.day_ms) & (voluntary | ~in_time)
        lines, scores = day.lines[counts], day.scores[counts]
        order = np.lexsort((self.places[lines], -scores))
        return JudgedList(
            day.day_ms, lines[order], scores[order], day.declared[counts][order], (voluntary & in_time)[counts][order]
        )
