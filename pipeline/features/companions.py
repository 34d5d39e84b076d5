"""What the lines of an account do together, remembered on the account at the daily sweep for the ticks of the next day.

Lines of one household or company leave together (docs/quality.md): that another line left, or stirs, says more of a line
than most of what it does itself.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Facts, Floats
from pipeline.policy import HardPolicy
from pipeline.signals.cases import standing_strengths
from pipeline.state.catalogue import FAST, NEVER
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.state.table import ColumnTable

#: Calls and data sessions: messages come in bursts that drown a change of the rest.
STEADY = ("voice_out", "voice_in", "data_sessions")
#: Events a day added to both sides of a log ratio, so that a ratio of nearly nothing says nearly nothing.
FLOOR_PER_DAY = 0.2
#: A line that left counts half after so many days, and not at all after `LEFT_DAYS`.
LEFT_HALF_LIFE_DAYS, LEFT_DAYS = 30.0, 90.0


def steady_now(facts: Facts) -> Floats:
    """Calls and data sessions a day, over the last days."""
    return np.asarray(sum(facts.rate(quantity, FAST) for quantity in STEADY), np.float64)


def steady_usual(facts: Facts) -> Floats:
    """Calls and data sessions that a day would bring if nothing but the crowd had changed."""
    return np.asarray(sum(facts.usual(quantity) for quantity in STEADY), np.float64)


def remember_companions(state: PartitionState, hard: Mapping[str, HardPolicy], facts: Facts) -> Floats:
    """Write what the live lines (`facts` holds all of them) of each account do together to the account's row; returns what
    `own_hard` gives of them.
    """
    accounts, rows = state.accounts, facts.account_rows

    def by_account(values: Floats | None, of: NDArray[np.int64] = rows) -> Floats:
        return np.bincount(of, values, minlength=len(accounts)).astype(np.float64)

    now, usual = by_account(steady_now(facts)), by_account(steady_usual(facts))
    accounts["live_lines"][:] = by_account(None)
    accounts["usage_change"][:] = np.log((now + FLOOR_PER_DAY) / (usual + FLOOR_PER_DAY))
    own = own_hard(state, hard, facts)
    accounts["moving"][:] = by_account(own.sum(axis=1))
    gone, weights = _lately_gone(state, facts.now_ms)
    accounts["left_lines"][:] = by_account(weights, state.lines["account"][gone].astype(np.int64))
    accounts.touch_all()
    return own


def own_hard(state: PartitionState, hard: Mapping[str, HardPolicy], facts: Facts) -> Floats:
    """Standing strengths of each line's own hard signals, shape (n, len(hard))."""
    return case_strengths(state.lines, facts.rows, facts.now_ms, hard)


def case_strengths(table: ColumnTable, rows: NDArray[np.int64], now_ms: int, hard: Mapping[str, HardPolicy]) -> Floats:
    """Standing strengths of the hard signals of these rows' cases, shape (n, len(hard))."""
    column = {name: index for index, name in enumerate(hard)}
    result = np.zeros((len(rows), len(hard)))
    places = np.flatnonzero(table.has_case(rows))
    known: dict[int, dict[str, float]] = {}  # of an account whose lines follow each other
    for place, row in zip(places.tolist(), rows[places].tolist(), strict=True):
        case = table.cases[row]
        if case.hard:
            if row not in known:
                known = {row: standing_strengths(case, now_ms, hard)}
            for name, strength in known[row].items():
                result[place, column[name]] = strength
    return result


def _lately_gone(state: PartitionState, now_ms: int) -> tuple[NDArray[np.int64], Floats]:
    """Rows of the lines that left by their own will, and what each still counts."""
    lines = state.lines
    days = (now_ms - lines["churned_ms"]) / DAY_MS
    left = (lines["churned_ms"] != NEVER) & (lines["left_unwilling"] == 0) & (days >= 0.0) & (days < LEFT_DAYS)
    gone = np.flatnonzero(left)
    return gone, np.exp2(-days[gone] / LEFT_HALF_LIFE_DAYS)
