"""One day of calls, messages and data sessions of all lines, generated as columns.

People talk in bursts: a line starts conversations (Poisson), a conversation is one or several records with short gaps.
Every record between two of our lines appears on both sides.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.calls import (
    DATA,
    MO,
    MT,
    NOBODY,
    OUTSIDE,
    OWN_LINE,
    SECOND_NUMBER,
    VOICE,
    Calls,
)
from pipeline.sources.operator.circles import INTL, SELF, Circles, pick_contact
from pipeline.sources.operator.clock import day_start_ms
from pipeline.sources.operator.life import LineState
from pipeline.sources.operator.population import Population
from pipeline.sources.operator.rating import rate_calls
from pipeline.sources.operator.rhythm import SLOTS, DayProfile

SERVICE_SHARES = (0.36, 0.20, 0.44)  # of conversations: voice, sms, data
CONTINUES = np.array([0.25, 0.85, 0.12])  # probability that one more record follows in the conversation
GAP_MEDIAN_S = np.array([240.0, 42.0, 900.0])
GAP_SIGMA = 1.7
MAX_BURST = 40
ABROAD_INTL_SHARE = 0.5
NUMBERS_PER_DAY = 1_000_000_000  # record numbers reserved for one day


def day_calls(
    rng: np.random.Generator,
    day: int,
    population: Population,
    circles: Circles,
    state: LineState,
    profile: DayProfile,
    season: NDArray[np.float64],
) -> Calls:
    """All call records that start in conversations of this day, rated, in no particular order.

    `season`: factor of the time of the year on each line's own conversations; whoever calls it reaches it all the same.
    """
    progress = state.progress(day)
    multiplier = state.multiplier(progress)
    own = _conversations(rng, day, population, circles, state, multiplier * season, profile)
    _shift_to_rival(rng, own, state, progress)
    both = Calls.concat([own, _other_side(rng, own, state, multiplier)])
    calls = both.take(both.ts_ms < state.left_ms[both.line])
    calls.number[:] = (day + 1) * NUMBERS_PER_DAY + np.arange(len(calls))
    calls.received_ms[:] = calls.ts_ms + calls.duration_s * 1000 + rng.integers(2_000, 30_000, len(calls))
    rate_calls(calls)
    return calls


def _conversations(
    rng: np.random.Generator,
    day: int,
    population: Population,
    circles: Circles,
    state: LineState,
    multiplier: NDArray[np.float64],
    profile: DayProfile,
) -> Calls:
    live = state.live(day_start_ms(day))
    wanted = population.rate_per_day * profile.factor[population.line_segment] * multiplier * live
    count = rng.poisson(wanted * rng.gamma(3.0, 1 / 3.0, len(wanted)) / _records_per_conversation())
    line = np.repeat(np.arange(population.n_lines), count)
    start = _times(rng, profile, population.line_segment[line])
    service = np.searchsorted(np.cumsum(SERVICE_SHARES)[:-1], rng.random(len(line))).astype(np.int8)
    contact = pick_contact(circles, line, rng.random(len(line)))
    burst = np.minimum(rng.geometric(1 - CONTINUES[service]), MAX_BURST)

    row = np.repeat(np.arange(len(line)), burst)
    calls = Calls.empty(len(row))
    calls.line[:] = line[row]
    calls.service[:] = service[row]
    calls.ts_ms[:] = day_start_ms(day) + start[row] + _gaps(rng, service[row], burst)
    calls.direction[:] = rng.random(len(row)) < 0.5
    _set_peer(calls, circles, contact[row], state)
    _set_amount(rng, calls)
    _set_abroad(rng, calls, state)
    return calls


def _records_per_conversation() -> float:
    """Mean burst, with the other side of what goes to our own lines (about a third of all with a peer)."""
    burst = float(np.sum(np.array(SERVICE_SHARES) / (1 - CONTINUES)))
    with_peer = float(np.sum((np.array(SERVICE_SHARES) / (1 - CONTINUES))[:2]))
    return burst + 0.42 * with_peer


def _times(rng: np.random.Generator, profile: DayProfile, segment: NDArray[np.int8]) -> NDArray[np.int64]:
    slot = rng.integers(SLOTS, size=len(segment))
    jitter = rng.integers(-42_000, 42_000, len(segment))
    return np.asarray(np.clip(profile.quantiles[segment, slot].astype(np.int64) + jitter, 0, 86_399_999))


def _gaps(rng: np.random.Generator, service: NDArray[np.int8], burst: NDArray[np.int64]) -> NDArray[np.int64]:
    """Milliseconds from the start of the conversation to each of its records; the first one is 0."""
    gaps = GAP_MEDIAN_S[service] * 1000 * np.exp(rng.normal(0, GAP_SIGMA, len(service)))
    first = np.cumsum(burst) - burst
    gaps[first] = 0
    total = np.cumsum(gaps)
    return np.asarray(total - np.repeat(total[first], burst), np.int64)


def _set_peer(calls: Calls, circles: Circles, contact: NDArray[np.int64], state: LineState) -> None:
    peer = circles.peer[contact]
    ours = peer >= 0
    calls.peer_space[:] = np.where(ours, OWN_LINE, OUTSIDE)
    calls.peer[:] = np.where(ours, peer, contact)
    calls.operator[:] = np.where(ours, SELF, circles.outside[contact])
    data = calls.service == DATA
    calls.peer_space[data] = NOBODY
    calls.operator[data] = SELF
    calls.peer_kind[data] = 3
    calls.direction[data] = MO
    gone = ours & ~data & (state.left_ms[np.maximum(peer, 0)] <= calls.ts_ms)
    ported = state.network[peer[gone]]
    calls.peer_space[gone] = np.where(ported > 0, OWN_LINE, SECOND_NUMBER)
    calls.operator[gone] = np.where(ported > 0, ported, 3 + peer[gone] % 3)


def _set_amount(rng: np.random.Generator, calls: Calls) -> None:
    n = len(calls)
    talk = np.exp(rng.normal(4.4, 1.0, n)) * (rng.random(n) > 0.1)
    surf = np.exp(rng.normal(6.0, 1.0, n))
    seconds = np.select([calls.service == VOICE, calls.service == DATA], [talk, surf], 0.0)
    calls.duration_s[:] = np.minimum(seconds, 14_400)
    volume = np.where(calls.service == DATA, np.exp(rng.normal(16.6, 0.9, n)), 0.0)
    calls.bytes_down[:] = np.minimum(volume, 5e10)
    calls.bytes_up[:] = calls.bytes_down // 8


def _set_abroad(rng: np.random.Generator, calls: Calls, state: LineState) -> None:
    abroad = state.abroad[calls.line]
    if not abroad.any():
        return
    calls.roaming[:] = abroad
    foreign = abroad & (calls.service != DATA) & (rng.random(len(calls)) < ABROAD_INTL_SHARE)
    calls.peer_space[foreign] = SECOND_NUMBER
    calls.operator[foreign] = INTL


def _shift_to_rival(rng: np.random.Generator, calls: Calls, state: LineState, progress: NDArray[np.float64]) -> None:
    """Those who drift to a rival talk more and more with a few people there."""
    share = (state.shift * progress)[calls.line]
    moved = (rng.random(len(calls)) < share) & (calls.service != DATA)
    calls.peer_space[moved] = OUTSIDE
    calls.peer[moved] = 500_000_000 + calls.line[moved] * 4 + rng.integers(4, size=int(moved.sum()))
    calls.operator[moved] = state.rival[calls.line[moved]]


def _other_side(rng: np.random.Generator, own: Calls, state: LineState, multiplier: NDArray[np.float64]) -> Calls:
    """The record of the other party, where it is ours. One that fades is reached on its second number instead."""
    rows = np.flatnonzero((own.peer_space == OWN_LINE) & (own.operator == SELF))
    peer = own.peer[rows]
    reached = rng.random(len(rows)) < multiplier[peer]
    elsewhere = rows[~reached]
    own.peer_space[elsewhere] = SECOND_NUMBER
    own.operator[elsewhere] = np.where(
        state.rival[own.peer[elsewhere]] > 0, state.rival[own.peer[elsewhere]], 3 + own.peer[elsewhere] % 3
    )
    other = own.take(rows[reached])
    other.line, other.peer = other.peer, other.line
    other.direction = np.where(other.direction == MO, MT, MO).astype(np.int8)
    other.roaming = state.abroad[other.line]
    return other
