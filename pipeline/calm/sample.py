"""From the state of a partition to its crowd: who was heard of this hour, and what everybody does at a daily sweep."""

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.crowd import CELLS, SEGMENTS, SERVICES, Floats, Ints
from pipeline.calm.relative import crowd_now
from pipeline.features.facts import RHYTHM_DAYS, Facts, recent_days
from pipeline.signals.alive import Histories, learn_habits
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

#: Habits are learnt once a week from so many lines, some Newton steps further than last week.
HABIT_DAYS, HABIT_LINES, HABIT_STEPS = 7, 4096, 4
#: With fewer lines than this nothing is learnt of habits.
HABIT_LINES_MIN = 100
WATCHED_DAYS_MIN = 14


def heard_accounts(state: PartitionState, touched: Ints, bits: NDArray[np.uint8]) -> Floats:
    """Accounts heard of this hour by region and cell, shape (n_regions, 9).

    `touched`: rows of the lines with a call record, `bits`: their services, as in the column `touched`.
    """
    accounts, account_rows = state.accounts, state.lines["account"][touched]
    size = len(state.crowd.regions) * CELLS
    counts = np.zeros(size)
    for service in range(SERVICES):
        heard = np.zeros(len(accounts), bool)
        heard[account_rows[bits & (1 << service) > 0]] = True
        rows = np.flatnonzero(heard)
        cell = accounts["region"][rows].astype(np.int64) * CELLS + accounts["segment"][rows] * SERVICES
        counts += np.bincount(cell + service, minlength=size)
    return counts.reshape(-1, CELLS)


def regions_of(state: PartitionState, lines: Ints) -> Ints:
    """Region of each line."""
    result: Ints = state.accounts["region"][state.lines["account"][lines]].astype(np.int64)
    return result


def crowd_cells(state: PartitionState, facts: Facts) -> Ints:
    """Cell of each line among its equals: region and segment."""
    accounts = state.accounts
    segment = accounts["segment"][facts.account_rows]
    cells: Ints = accounts["region"][facts.account_rows].astype(np.int64) * SEGMENTS + segment
    return cells


def take_in_crowd(state: PartitionState, facts: Facts) -> None:
    """Look at everybody at a daily sweep: how many there are where, their change, their days, once a week their habits.

    `facts`: of all live lines.
    """
    crowd, size = state.crowd, len(state.crowd.regions)
    regions = state.accounts["region"]
    crowd.lines = np.bincount(regions[facts.account_rows], minlength=size)
    crowd.accounts = np.bincount(regions[np.flatnonzero(np.bincount(facts.account_rows))], minlength=size)
    days = recent_days(state.lines["activity"][facts.rows], facts.now_ms, RHYTHM_DAYS)
    cells = crowd_cells(state, facts)
    crowd.now = crowd_now(facts, days, cells, size * SEGMENTS, SEGMENTS)
    if (facts.now_ms // DAY_MS) % HABIT_DAYS == 0 and not crowd.incidents:
        _learn_habits(state, crowd.now.beside(facts, cells))


def _learn_habits(state: PartitionState, facts: Facts) -> None:
    """Habits from a sample of the lines that were watched long enough and are not silent for longer than that."""
    assert facts.gap_chances is not None
    gap = np.floor(facts.gap_chances + 1e-9)
    usable = np.flatnonzero(
        (facts.watched_days >= WATCHED_DAYS_MIN - gap) & (gap < RHYTHM_DAYS) & (facts.watched_days >= 1)
    )
    usable = usable[facts.age_days[usable] >= RHYTHM_DAYS]
    if len(usable) < HABIT_LINES_MIN:
        return
    picked = usable[:: -(-len(usable) // HABIT_LINES)]
    lines = Histories(facts.active_days[picked], facts.watched_days[picked], gap[picked].astype(np.int64))
    state.crowd.habits = learn_habits(lines, state.crowd.habits, HABIT_STEPS)
