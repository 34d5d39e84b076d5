"""How long before a line left the top of the daily list held it (CONTRACT.md section 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.daily_lists import DAY_MS, JudgedList
from models.evaluation.ranking import top_count
from models.evaluation.truth import STAYED_MS, LineTruth
from pipeline.ports import FloatVector

TOP_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Of each churner: its line (index), cause, lead time in days (0: not detected), first warned day (or None)."""

    lines: Sequence[int]
    causes: Sequence[str]
    days: FloatVector
    first_ms: Sequence[int | None]


def first_stay(listed_days: Sequence[int], in_top: Sequence[bool]) -> int | None:
    """Start of the first unbroken stay in the top that holds for at least half of the lists from then on.

    Args:
        listed_days: days at which the line was listed before it left, ascending.
        in_top: whether it stood in the top of that day's list.

    >>> first_stay([1, 2, 3, 4, 5, 6], [True, False, False, False, False, True])
    6
    >>> first_stay([1, 2, 3, 4], [False, True, False, True])
    2
    """
    found: int | None = None
    hits = 0
    for lists, place in enumerate(range(len(listed_days) - 1, -1, -1), 1):
        hits += in_top[place]
        starts = in_top[place] and (place == 0 or not in_top[place - 1])
        if starts and 2 * hits >= lists:
            found = listed_days[place]
    return found


def lead_times(lists: Iterable[JudgedList], truth: LineTruth, first_ms: int, end_ms: int) -> LeadTimes:
    """Lead times of all lines that left voluntarily after `first_ms` and until `end_ms`.

    `lists`: every day's, also those whose horizon is not over: a lead time looks back.
    """
    wanted = (truth.churn_ms > first_ms) & (truth.churn_ms <= end_ms) & truth.voluntary & (truth.churn_ms < STAYED_MS)
    listed: dict[int, list[int]] = {int(line): [] for line in np.flatnonzero(wanted)}
    in_top: dict[int, list[bool]] = {line: [] for line in listed}
    for day in lists:
        top = top_count(len(day.lines), TOP_SHARE)
        for place in np.flatnonzero(wanted[day.lines]).tolist():
            line = int(day.lines[place])
            listed[line].append(day.day_ms)
            in_top[line].append(place < top)
    starts = [first_stay(listed[line], in_top[line]) for line in listed]
    days = [
        0.0 if start is None else (int(truth.churn_ms[line]) - start) / DAY_MS
        for line, start in zip(listed, starts, strict=True)
    ]
    return LeadTimes(list(listed), [truth.cause[line] for line in listed], np.array(days, np.float64), starts)
