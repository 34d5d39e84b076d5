"""Is a quiet line still alive? The beta-geometric/beta-Bernoulli model, with its parameters learnt from the crowd.

Source: P. Fader, B. Hardie, J. Shang, "Customer-Base Analysis in a Discrete-Time Noncontractual Setting", Marketing Science
29(6), 2010, eq. 5 (likelihood) and 11 (P(alive)). A day is an opportunity to be active. A living line is active with the
probability p ~ Beta(alpha, beta) and leaves for good before a day with the probability q ~ Beta(gamma, delta).
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.state.habits import Habits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Loss = Callable[[Floats], float]

#: Newton steps of one fit, and how far one may go in the logarithm of a parameter.
STEPS, LONGEST_STEP = 30, 1.0
#: Width of the numerical derivatives, in the logarithm of a parameter.
PROBE = 1e-3
#: Spread of the prior of each log parameter around where the fit began: it only keeps a small crowd's fit from running off.
PRIOR_SPREAD = 3.0
LOG_BOUND = 9.0


@dataclass(frozen=True, slots=True)
class Histories:
    """Summaries of lines, arrays of equal length: active on `active` of `watched` days, then silent for `silent` days.

    `watched` ends with the last active day; the day on which the watch began does not count.
    """

    active: Floats
    watched: Floats
    silent: Ints


def p_alive(lines: Histories, habits: Habits) -> Floats:
    """Probability that each line is still alive, shape (n,).

    Active on each of 28 days, then silent for two, when nobody knows of a share of active days (Beta(1/2, 1/2)) and one in a
    thousand leaves a day: silent if alive 0.5/29 0.5/30 ... is the hand-worked example of tests/unit/pipeline/signals.
    """
    alive, gone = _alive_and_gone(lines, habits)
    result: Floats = alive / (alive + gone)
    return result


def p_silent(lines: Histories, habits: Habits, days: int) -> Floats:
    """Probability that a line shows no activity in the next `days` days: it has left, leaves, or only rests."""
    alive, gone = _alive_and_gone(lines, habits)
    longer = Histories(lines.active, lines.watched, lines.silent + days)
    still, gone_by_then = _alive_and_gone(longer, habits)
    result: Floats = (still + gone_by_then) / (alive + gone)
    return result


def _alive_and_gone(lines: Histories, habits: Habits) -> tuple[Floats, Floats]:
    """Likelihood of the silence with the line alive at its end, and with the line gone before.

    Day by day, since each day only multiplies the terms of eq. 5 by a ratio of consecutive beta functions.
    """
    idle = habits.beta + lines.watched - lines.active
    chances = habits.alpha + habits.beta + lines.watched
    both = habits.gamma + habits.delta + lines.watched
    return day_by_day(lines.silent, idle, chances, both, habits.gamma)


@compiled
def day_by_day(silent: Ints, idle: Floats, chances: Floats, both: Floats, gamma: float) -> tuple[Floats, Floats]:
    """The steps of `_alive_and_gone`: so many silent days of each line, each with one more idle day among its chances."""
    alive, gone = np.ones(len(silent)), np.zeros(len(silent))
    for line in range(len(silent)):
        for day in range(silent[line]):
            leaves = gamma / (both[line] + day)
            gone[line] += alive[line] * leaves
            alive[line] *= (1.0 - leaves) * (idle[line] + day) / (chances[line] + day)
    return alive, gone


def log_likelihood(lines: Histories, counts: Floats, habits: Habits) -> float:
    """Logarithm of eq. 5, summed over kinds of lines, of which there are `counts` each."""
    days = int(lines.watched.max(initial=0)) + 1
    active, watched = lines.active.astype(np.int64), lines.watched.astype(np.int64)
    rhythm = (
        _rising(habits.alpha, days)[active]
        + _rising(habits.beta, days)[watched - active]
        - _rising(habits.alpha + habits.beta, days)[watched]
    )
    stayed = _rising(habits.delta, days)[watched] - _rising(habits.gamma + habits.delta, days)[watched]
    alive, gone = _alive_and_gone(lines, habits)
    return float(counts @ (rhythm + stayed + np.log(alive + gone)))


def _rising(start: float, days: int) -> Floats:
    """Logarithm of start (start + 1) ... for 0 to `days` factors: the beta functions of whole counts."""
    return np.concatenate(([0.0], np.cumsum(np.log(start + np.arange(days)))))


def grouped(lines: Histories) -> tuple[Histories, Floats]:
    """Equal summaries once, and how many lines have each."""
    rows = np.column_stack([lines.active, lines.watched, lines.silent])
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    return Histories(kinds[:, 0], kinds[:, 1], kinds[:, 2].astype(np.int64)), counts.astype(np.float64)


def learn_habits(lines: Histories, start: Habits, steps: int = STEPS) -> Habits:
    """Parameters that explain these lines best, found from `start` by damped Newton steps on their logarithms.

    Numerical derivatives of four parameters; a step that does not help is halved, and the search ends when none helps.
    """
    kinds, counts = grouped(lines)
    begin = np.log(np.array(astuple(start)))

    def loss(at: Floats) -> float:
        drift = np.square((at - begin) / PRIOR_SPREAD).sum() / 2.0
        return -log_likelihood(kinds, counts, Habits(*np.exp(at))) + float(drift)

    at, best = begin, loss(begin)
    for _ in range(steps):
        slope, bend = _derivatives(loss, at, best)
        found = _along(loss, at, best, _uphill(slope, bend))
        if found is None:
            break
        gained, (at, best) = best - found[1], found
        if gained < 1e-6 * abs(best):
            break
    return Habits(*np.exp(at).tolist())


def _along(loss: Loss, at: Floats, here: float, step: Floats) -> tuple[Floats, float] | None:
    """The first of ever smaller steps that helps, with its loss; None when none does."""
    while np.abs(step).max() > PROBE / 10.0:
        tried: Floats = np.clip(at - step, -LOG_BOUND, LOG_BOUND)
        value = loss(tried)
        if value < here:
            return tried, value
        step = step / 2.0
    return None


def _derivatives(loss: Loss, at: Floats, here: float) -> tuple[Floats, Floats]:
    """Slope and curvature by central differences."""
    size = len(at)
    probes = np.eye(size) * PROBE
    up, down = ([loss(at + sign * probe) for probe in probes] for sign in (1.0, -1.0))
    slope = (np.array(up) - np.array(down)) / (2.0 * PROBE)
    bend = np.diag((np.array(up) + np.array(down) - 2.0 * here) / PROBE**2)
    for one in range(size):
        for other in range(one):
            both = loss(at + probes[one] + probes[other])
            bend[one, other] = bend[other, one] = (both - up[one] - up[other] + here) / PROBE**2
    return slope, bend


def _uphill(slope: Floats, bend: Floats) -> Floats:
    """Newton's step where the loss is bent upwards, a gradient step in the other directions; bounded."""
    values, vectors = np.linalg.eigh(bend)
    step = vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-3 * np.abs(values).max() + 1e-12))
    result: Floats = step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
    return result
