"""Facts of some lines at one moment, computed once a tick and shared by signals and features."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.kinds import RIVAL_PLACES
from pipeline.state.catalogue import (
    FAST,
    HALF_LIVES_DAYS,
    NO_TIME,
    QUANTITY_INDEX,
    RING_DAYS,
    RIVAL_HALF_LIVES,
    SLOW,
)
from pipeline.state.decay import DAY_MS, per_day
from pipeline.state.habits import USUAL_HABITS, Habits
from pipeline.state.table import ColumnTable

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

ACTIVITY = ("voice_out", "voice_in", "messages", "data_sessions")
#: Days of the activity ring that are complete at a sweep and not yet overwritten.
RHYTHM_DAYS = 28
#: Records come in conversations: daily events of an ordinary line vary about twice as much as single events would. A line's
#: own variance is trusted as if so many days of an ordinary one stood beside it.
USUAL_BURST, BURST_DAYS, BURST_MAX = 2.0, 14.0, 8.0


_LAST_TIMES = ("last_ms", "last_own_ms", "forwarded_ms", "roaming_ms")


@dataclass(frozen=True, slots=True)
class Facts:
    """Lines as they are at `now_ms`; every array has one entry a line.

    `rates`: events (or units) per day, shape (n, n_quantities, n_half_lives). `age_days`: since the first activity seen.
    `gap_days`: since the last activity, of any kind. `active_days` of `watched_days`: days with activity among the days
    before the gap, at most 28 back. `active_share`: the share as of the last sweep at which the line was active (-1: none).
    `burst`: variance of the line's daily events over their mean; 1 where events come one by one (None: nobody looked).

    What the crowd tells (pipeline/calm), None where there is none yet: `crowd_change`, its rate now over its usual one, by
    quantity, shape (n, n_quantities); `gap_chances`: the line's gap in ordinary days, since a day on which hardly anybody
    calls is hardly a chance to call. `habits`: how often lines are active, and how soon they leave.
    `forwarded_days`, `roaming_days`: since calls were last forwarded to a rival, since the last record abroad; NaN never.
    `rivals`: calls and messages a day with each rival's customers, lately and usually, shape (n, n_places, 2); None between two
    sweeps.
    """

    now_ms: int
    rows: Rows
    account_rows: Rows
    rates: Floats
    age_days: Floats
    gap_days: Floats
    own_gap_days: Floats
    active_days: Floats
    watched_days: Floats
    active_share: Floats
    bills: Floats
    burst: Floats | None = None
    crowd_change: Floats | None = None
    gap_chances: Floats | None = None
    habits: Habits = USUAL_HABITS
    forwarded_days: Floats | None = None
    roaming_days: Floats | None = None
    rivals: Floats | None = None

    def days_since(self, what: Floats | None) -> Floats:
        """Days since something last happened, infinite where it never did or nobody looked."""
        if what is None:
            return np.full(len(self.rows), np.inf)
        result: Floats = np.where(np.isnan(what), np.inf, what)
        return result

    def rate(self, quantity: str, half_life: int) -> Floats:
        """Rate per day of one quantity at one half-life (FAST, MIDDLE or SLOW)."""
        result: Floats = self.rates[:, QUANTITY_INDEX[quantity], half_life]
        return result

    def activity(self, half_life: int) -> Floats:
        """Calls, messages and data sessions per day together."""
        first, *others = (self.rate(quantity, half_life) for quantity in ACTIVITY)
        total = first.copy()
        for rate in others:
            total += rate
        return total

    def usual(self, quantity: str) -> Floats:
        """What a day would bring if nothing but the crowd had changed: the slow rate times the crowd's change."""
        slow = self.rate(quantity, SLOW)
        if self.crowd_change is None:
            return slow
        result: Floats = slow * self.crowd_change[:, QUANTITY_INDEX[quantity]]
        return result

    def fast_and_slow(self, quantity: str) -> tuple[Floats, Floats]:
        """Rates per day now and usually."""
        return self.rate(quantity, FAST), self.rate(quantity, SLOW)


def facts_of(lines: ColumnTable, rows: Rows, now_ms: int, landmark_ms: int) -> Facts:
    """Facts of these rows at `now_ms`."""
    first = lines["first_ms"][rows]
    age = np.where(first < NO_TIME, np.maximum(now_ms - first, 0) / DAY_MS, 0.0)
    sums = lines["sums"][rows].reshape(len(rows), len(QUANTITY_INDEX), len(HALF_LIVES_DAYS))
    gap, own_gap, forwarded, roaming = _gap_days(np.array([lines[name][rows] for name in _LAST_TIMES]), now_ms)
    days = recent_days(lines["activity"][rows], now_ms, RHYTHM_DAYS)
    active, watched = _rhythm(days, age, gap)
    return Facts(
        now_ms=now_ms,
        rows=rows,
        account_rows=lines["account"][rows].astype(np.int64),
        rates=per_day(sums, now_ms, landmark_ms, age),
        age_days=age,
        gap_days=gap,
        own_gap_days=own_gap,
        active_days=active,
        watched_days=watched,
        active_share=lines["active_share"][rows].astype(np.float64),
        bills=lines["bills"][rows].astype(np.float64),
        burst=_burst(days, age),
        forwarded_days=forwarded,
        roaming_days=roaming,
    )


def with_rivals(facts: Facts, lines: ColumnTable, landmark_ms: int) -> Facts:
    """The same facts with how much each line talks with the customers of each rival."""
    sums = lines["rivals"][facts.rows].reshape(len(facts.rows), RIVAL_PLACES, len(RIVAL_HALF_LIVES))
    every = np.zeros((*sums.shape[:2], len(HALF_LIVES_DAYS)))
    every[:, :, list(RIVAL_HALF_LIVES)] = sums
    rates = per_day(every, facts.now_ms, landmark_ms, facts.age_days)
    return replace(facts, rivals=rates[:, :, list(RIVAL_HALF_LIVES)])


def recent_days(ring: NDArray[np.uint16], now_ms: int, days: int) -> NDArray[np.uint16]:
    """Events of the last complete `days` days, oldest first, shape (n, days)."""
    today = now_ms // DAY_MS
    order = np.arange(today - days, today) % RING_DAYS
    result: NDArray[np.uint16] = ring[:, order]
    return result


def _gap_days(last_ms: NDArray[np.int64], now_ms: int) -> Floats:
    return np.where(last_ms > 0, np.maximum(now_ms - last_ms, 0) / DAY_MS, np.nan)


def _burst(days: NDArray[np.uint16], age: Floats) -> Floats:
    """Variance over mean of daily events since the line is known, as far as its few days can tell it from `USUAL_BURST`."""
    known = np.clip(np.floor(age), 1.0, RHYTHM_DAYS)
    counts = days.astype(np.float64)
    mean = counts.sum(axis=1) / known
    spread = np.square(counts).sum(axis=1) - known * np.square(mean)
    own = np.divide(spread, mean, out=np.zeros_like(mean), where=mean > 0)
    result: Floats = np.clip((own + BURST_DAYS * USUAL_BURST) / (known + BURST_DAYS), 1.0, BURST_MAX)
    return result


def _rhythm(days: NDArray[np.uint16], age: Floats, gap: Floats) -> tuple[Floats, Floats]:
    active = (days > 0).sum(axis=1).astype(np.float64)
    whole_gap = np.floor(np.where(np.isnan(gap), 0.0, gap))
    watched = np.maximum(np.minimum(np.ceil(age), RHYTHM_DAYS) - whole_gap, 0.0)
    return active, np.maximum(watched, active)
