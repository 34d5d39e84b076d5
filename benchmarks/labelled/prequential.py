"""Score first, learn later: at once for plain streams, by the label clock for dated ones."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled.datasets import HORIZON_DAYS, LabelledSet
from benchmarks.labelled.scorers import Contestant


class LabelClock(StrEnum):
    """When a label of a dated set is learnt: as it becomes known (a churner on its day, a stayer after the horizon),
    both classes after the horizon, or at once, which is a leak and shown as the ceiling.
    """

    AS_KNOWN = "as_known"
    AFTER_HORIZON = "after_28_days"
    AT_ONCE = "at_once"


def scores_in_order(rows: LabelledSet, contestant: Contestant) -> NDArray[np.float64]:
    """Each row scored, then learnt, one by one."""
    scores = np.empty(len(rows.churned))
    for number in range(len(scores)):
        part = slice(number, number + 1)
        scores[part] = contestant.score(rows.features[part])
        contestant.learn(rows.features[part], rows.churned[part])
    return scores


def scores_by_clock(rows: LabelledSet, contestant: Contestant, clock: LabelClock) -> NDArray[np.float64]:
    """Day by day: what became known before is learnt in the order in which it did, then the day's rows are scored."""
    if clock is LabelClock.AT_ONCE:
        return scores_in_order(rows, contestant)
    if rows.scored_day is None or rows.churned_day is None:
        raise ValueError(f"{rows.name} has no dates")
    horizon_end = rows.scored_day + HORIZON_DAYS
    known_early = clock is LabelClock.AS_KNOWN
    learnt_day = np.where(rows.churned, rows.churned_day, horizon_end) if known_early else horizon_end
    queue = np.argsort(learnt_day, kind="stable")
    scores, done = np.empty(len(rows.churned)), 0
    for day in np.unique(rows.scored_day):
        ready = int(np.searchsorted(learnt_day[queue], day, side="right"))
        known, done = queue[done:ready], ready
        contestant.learn(rows.features[known], rows.churned[known])
        today = np.flatnonzero(rows.scored_day == day)
        scores[today] = contestant.score(rows.features[today])
    return scores
