"""What another threshold on the daily score would have meant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.daily_lists import JudgedList

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All lines at or above a threshold, every day: means over lists; None where nothing can be said.

    `listed_per_day`: lines; `precision`: share of them that left in time; `recall`: share of those who left that was
    listed; `new_per_1000_line_weeks`: lines that were not on the list of the day before, a measure of the work.
    """

    threshold: float
    listed_per_day: float
    precision: float | None
    recall: float | None
    new_per_1000_line_weeks: float


def what_if(lists: Sequence[JudgedList], thresholds: Sequence[float] = THRESHOLDS) -> list[WhatIf]:
    """One row for each threshold; empty without lists."""
    return [_at(lists, threshold) for threshold in thresholds] if lists else []


def _at(lists: Sequence[JudgedList], threshold: float) -> WhatIf:
    listed = right = churned = new = rows = 0
    before: set[int] = set()
    for day in lists:
        on = day.scores >= threshold
        lines = set(day.lines[on].tolist())
        listed += len(lines)
        right += int(day.churned[on].sum())
        churned += int(day.churned.sum())
        rows += len(day.lines)
        new += len(lines - before)
        before = lines
    return WhatIf(
        threshold,
        float(np.divide(listed, len(lists))),
        right / listed if listed else None,
        right / churned if churned else None,
        new / rows * 7.0 * 1000.0 if rows else 0.0,
    )
