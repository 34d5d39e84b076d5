"""Score first, learn later: at once for plain streams, by a label clock for dated ones."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled.datasets import HORIZON_DAYS, LabelledSet
from benchmarks.labelled.scorers import Contestant
from models.snapshots import proof_days, stable_hashes

Days = NDArray[np.int64]


class LabelClock(StrEnum):
    """When a label of a dated set is learnt: as it becomes known (a churner on its day, a stayer after the horizon); the
    product's way, a churner on its day, a stayer after a drawn part of the horizon, if it is still there; both classes after
    the horizon; or at once, which is a leak and shown as the ceiling.
    """

    AS_KNOWN = "as_known"
    DRAWN = "drawn"
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
    told, learnt_day, churned = _told(rows.scored_day, rows.churned_day, rows.churned, clock)
    order = np.argsort(learnt_day, kind="stable")
    told, learnt_day, churned = told[order], learnt_day[order], churned[order]
    scores, done = np.empty(len(rows.churned)), 0
    for day in np.unique(rows.scored_day):
        ready = int(np.searchsorted(learnt_day, day, side="right"))
        contestant.learn(rows.features[told[done:ready]], churned[done:ready])
        done = ready
        today = np.flatnonzero(rows.scored_day == day)
        scores[today] = contestant.score(rows.features[today])
    return scores


def _told(
    scored_day: Days, churned_day: Days, churned: NDArray[np.bool_], clock: LabelClock
) -> tuple[Days, Days, NDArray[np.bool_]]:
    """Which rows are told, on which day, as what; by the product's clock a row can be told twice."""
    rows = np.arange(len(churned))
    if clock is not LabelClock.DRAWN:
        early = churned & (clock is LabelClock.AS_KNOWN)
        return rows, np.where(early, churned_day, scored_day + HORIZON_DAYS), churned
    proof = np.empty(len(rows), np.int64)
    for day in np.unique(scored_day):
        own = np.flatnonzero(scored_day == day)
        proof[own] = proof_days(stable_hashes([str(row) for row in own]), int(day), HORIZON_DAYS)
    stays = (churned_day == 0) | (churned_day > scored_day + proof)
    told = np.concatenate([rows[stays], rows[churned]])
    days = np.concatenate([(scored_day + proof)[stays], churned_day[churned]])
    shuffled = np.argsort(stable_hashes([str(row) for row in told]), kind="stable")  # as the worker does with a day's
    return told[shuffled], days[shuffled], shuffled >= stays.sum()
