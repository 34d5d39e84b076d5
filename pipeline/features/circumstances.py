"""Circumstances under which lines leave, each shaped so that a linear model can weigh it: 0 where there is nothing to see.

Limits and times are from DOMAIN knowledge and from simulated seeds that no benchmark uses (docs/adr/0044-shaped-features.md).
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.features.companions import steady_now, steady_usual
from pipeline.features.facts import Facts, Floats
from pipeline.signals.base import unit
from pipeline.state.catalogue import FAST, NEVER, SEGMENTS
from pipeline.state.decay import DAY_MS, effective_days
from pipeline.state.table import ColumnTable

KEY_ACCOUNT = SEGMENTS.index("key_account")
#: Below this age a line has no usual level yet.
MIN_AGE_DAYS = 7.0
#: Variance of a decayed count of events over its mean (Poisson: 0.5; conversations of several records: more), and the share
#: of its own mean by which an ordinary line's level wanders within a week.
COUNT_VARIANCE, WANDERING, VARIANCE_FLOOR = 0.65, 0.25, 0.3
#: Deviations below usual that are noise, and beyond which more tell nothing more.
FADING_NOISE, FADING_MAX = 0.5, 3.0
ACCOUNT_NOISE, ACCOUNT_MAX = 0.2, 1.5
BILL_NOISE, BILL_FULL = 0.2, 0.7
FAULT_DAYS, FORWARDED_DAYS = 20.0, 30.0
NOTICE_DAYS, AFTER_END_DAYS = 30.0, 45.0
OTHERS_MAX = 1.5


def fading(facts: Facts) -> Floats:
    """Deviations by which the last days' calls and sessions are below usual, beyond noise, 0 to 2.5.

    A forward-decayed count at rate r and half-life h has the mean r h / ln 2 (Campbell's theorem).
    """
    days = effective_days(facts.age_days)[:, FAST]
    expected, seen = steady_usual(facts) * days, steady_now(facts) * days
    spread = np.sqrt(COUNT_VARIANCE * expected + np.square(WANDERING * expected) + VARIANCE_FLOOR)
    below = np.clip((expected - seen) / spread, 0.0, FADING_MAX) - FADING_NOISE
    return np.where(facts.age_days >= MIN_AGE_DAYS, np.maximum(below, 0.0), 0.0)


def account_fading(facts: Facts, accounts: ColumnTable) -> Floats:
    """How far the lines of an account are below usual together (log ratio beyond noise); 0 for an account of one line."""
    drop = -accounts["usage_change"][facts.account_rows].astype(np.float64) - ACCOUNT_NOISE
    several = accounts["live_lines"][facts.account_rows] > 1
    return np.where(several, np.clip(drop, 0.0, ACCOUNT_MAX), 0.0)


def others_stirring(facts: Facts, accounts: ColumnTable, own: Floats) -> Floats:
    """Strengths of the hard signals of the account's other lines, 0 to 1.5.

    Divided by the root of how many there are: a company of thirty lines has thirty times the occasion to complain.
    `own`: the line's own sum, shape (n,).
    """
    others = np.maximum(accounts["live_lines"][facts.account_rows].astype(np.float64) - 1.0, 0.0)
    strengths = np.maximum(accounts["moving"][facts.account_rows] - own, 0.0)
    shared: Floats = np.clip(strengths / np.sqrt(np.maximum(others, 1.0)), 0.0, OTHERS_MAX)
    return np.where(others > 0, shared, 0.0)


def others_left(facts: Facts, accounts: ColumnTable) -> Floats:
    """Lines of the account that left within 90 days, newer ones counting for more, at most 1."""
    return np.minimum(accounts["left_lines"][facts.account_rows].astype(np.float64), 1.0)


def lately(times_ms: NDArray[np.int64], now_ms: int, days: float) -> Floats:
    """1 just after a moment, falling by e within `days`; 0 where it never was."""
    return np.where(times_ms != NEVER, np.exp(-np.maximum(now_ms - times_ms, 0) / (days * DAY_MS)), 0.0)


def contract_ending(facts: Facts, accounts: ColumnTable) -> tuple[Floats, Floats]:
    """Whether the contract ends within the notice period, and whether it ended lately and was not signed again."""
    end_ms = accounts["contract_end_ms"][facts.account_rows]
    days_left = np.where(end_ms != NEVER, (end_ms - facts.now_ms) / DAY_MS, np.inf)
    ending = (days_left > 0.0) & (days_left <= NOTICE_DAYS)
    ended = (days_left <= 0.0) & (days_left > -AFTER_END_DAYS)
    return ending.astype(np.float64), ended.astype(np.float64)


def is_key(facts: Facts, accounts: ColumnTable) -> Floats:
    """1 a line of a key account."""
    return np.asarray(accounts["segment"][facts.account_rows] == KEY_ACCOUNT, np.float64)


def bill_fell(bill_drop: Floats) -> Floats:
    """How far a fall of the bill goes beyond what bills do, 0 to 1; no bills, no fall."""
    return unit((bill_drop - BILL_NOISE) / (BILL_FULL - BILL_NOISE))
