"""From the state of a partition to its crowd: who was heard of this hour, and what everybody does at a daily sweep."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.crowd import CELLS, SEGMENTS, SERVICES, Floats, Ints
from pipeline.calm.relative import crowd_now
from pipeline.calm.season import (
    FORTNIGHT_DAYS,
    FORTNIGHTS,
    begins_fortnight,
    code_of,
    fortnight_of,
    own_season,
    trade_seasons,
)
from pipeline.features.companions import STEADY
from pipeline.features.facts import RHYTHM_DAYS, Facts, recent_days
from pipeline.signals.alive import Histories, learn_habits
from pipeline.state.catalogue import FAST, HALF_LIVES_DAYS
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
    _take_in_seasons(state, crowd.now.beside(facts, cells), days)
    if (facts.now_ms // DAY_MS) % HABIT_DAYS == 0 and not crowd.incidents:
        _learn_habits(state, beside_crowd(state, facts))


def beside_crowd(state: PartitionState, facts: Facts) -> Facts:
    """The same facts with what the lines' crowd does, and what the time of the year leaves of their usual use."""
    told = state.crowd.now.beside(facts, crowd_cells(state, facts))
    assert told.crowd_change is not None
    assert told.gap_chances is not None
    season = state.accounts["season"][facts.account_rows].astype(np.float64)
    return replace(
        told,
        crowd_change=told.crowd_change * season[:, None],
        gap_chances=told.gap_chances * season,
        habits=state.crowd.habits,
    )


def _take_in_seasons(state: PartitionState, facts: Facts, days: NDArray[np.uint16]) -> None:
    """Each account's season now, from its own year and, of a business, from its trade; once a fortnight, the last one is kept."""
    accounts, rows = state.accounts, facts.account_rows
    window = HALF_LIVES_DAYS[FAST] / np.log(2.0)
    business = np.flatnonzero((accounts["segment"][rows] > 0) & (facts.age_days >= RHYTHM_DAYS))
    now, usual = (sum_of(facts, business) * window for sum_of in (_now, _usual))
    trade = accounts["trade"].astype(np.int64)
    of_trade = trade_seasons(now, usual, trade[rows[business]], len(state.crowd.trades))
    by_trade = np.where(accounts["segment"] > 0, of_trade[trade], 1.0)
    accounts["season"][:] = np.minimum(by_trade, own_season(accounts["fortnights"], facts.now_ms))
    if begins_fortnight(facts.now_ms):
        old = (facts.age_days >= FORTNIGHT_DAYS).astype(np.float64)
        mean = days[:, -FORTNIGHT_DAYS:].mean(axis=1)
        events, known = (np.bincount(rows, part, len(accounts)).astype(np.float64) for part in (mean * old, old))
        slot = (fortnight_of(facts.now_ms) - 1) % FORTNIGHTS
        accounts["fortnights"][:, slot] = np.where(known > 0, code_of(events), 0)
    accounts.touch_all()


def _now(facts: Facts, rows: Ints) -> Floats:
    """Calls and data sessions a day, over the last days: messages come in bursts that drown a change of the rest."""
    return np.asarray(sum(facts.rate(name, FAST)[rows] for name in STEADY), np.float64)


def _usual(facts: Facts, rows: Ints) -> Floats:
    """Calls and data sessions that a day would bring if nothing but the crowd had changed."""
    return np.asarray(sum(facts.usual(name)[rows] for name in STEADY), np.float64)


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
