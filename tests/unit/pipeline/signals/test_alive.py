"""Whether a quiet line is alive: by hand, within bounds, and against the reference fit of `lifetimes` on real purchases."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import hyp2f1

from pipeline.signals.alive import Histories, grouped, learn_habits, log_likelihood, p_alive, p_silent
from pipeline.state.habits import USUAL_HABITS, Habits

CDNOW = Path(__file__).resolve().parents[5] / "shared" / "data" / "cdnow" / "CDNOW_master.txt"
#: Last day of the calibration period, counted from 1997-01-01.
CUT = 364
#: lifetimes 0.11.3 (numpy 1.24.4, pandas 1.5.3), ParetoNBDFitter().fit on distinct days of purchase of all 23,570 customers
#: until 1997-12-31, in weeks. Its BetaGeoBetaBinomFitter does not converge on so many periods (its beta functions underflow);
#: with days as periods the model here is the discrete twin of Pareto/NBD (Fader, Hardie, Shang 2010, section 2).
LIFETIMES = {"r": 0.6068545882052968, "alpha": 12.446481074268982, "s": 0.3564964344405206, "beta": 6.1215453810197245}
#: AUC of the days since the last purchase, for "nothing in the next 180 days".
RECENCY_AUC = 0.795


def history(active: float, watched: float, silent: int) -> Histories:
    return Histories(np.array([active]), np.array([watched]), np.array([silent], np.int64))


def lifetimes_p_alive(x: float, t: float, total: float) -> float:
    """P(alive) of the Pareto/NBD (Schmittlein, Morrison, Colombo 1987) at the parameters that lifetimes found; weeks."""
    r, alpha, s, beta = LIFETIMES.values()
    high, low = max(alpha, beta), min(alpha, beta)
    power = r + s + x
    second = s + 1 if alpha >= beta else r + x

    def part(at: float) -> float:
        return float(hyp2f1(power, second, power + 1, (high - low) / (high + at)) / (high + at) ** power)

    return float(1.0 / (1.0 + s / power * (alpha + total) ** (r + x) * (beta + total) ** s * (part(t) - part(total))))


def test_by_hand() -> None:
    """Active on 28 of 28 days, then silent for two; 1 in 1479 leaves on the next day (delta 1450 and 28 days survived)."""
    leaves = [1.0 / 1479.0, 1.0 / 1480.0]
    silent = [0.5 / 29.0, 1.5 / 30.0]
    alive = (1 - leaves[0]) * silent[0] * (1 - leaves[1]) * silent[1]
    gone = leaves[0] + (1 - leaves[0]) * silent[0] * leaves[1]

    assert p_alive(history(28, 28, 2), USUAL_HABITS)[0] == pytest.approx(alive / (alive + gone), rel=1e-12)


def test_the_likelihood_of_all_histories_is_one() -> None:
    """Four chances: every history that is possible, each as often as it can be ordered."""
    habits = Habits(0.7, 1.3, 0.9, 4.0)
    total = np.exp(log_likelihood(history(0, 0, 4), np.ones(1), habits))
    for watched in range(1, 5):
        for active in range(1, watched + 1):
            ways = _choose(watched - 1, active - 1)
            total += ways * np.exp(log_likelihood(history(active, watched, 4 - watched), np.ones(1), habits))
    assert total == pytest.approx(1.0)


@given(st.integers(0, 28), st.integers(0, 28), st.integers(0, 90), st.integers(1, 90), st.floats(0.05, 50.0))
def test_the_longer_the_silence_the_less_alive(active: int, more: int, silent: int, longer: int, scale: float) -> None:
    habits = Habits(0.5 * scale, 0.7 * scale, 1.0, 100.0 * scale)
    watched = min(28, active + more)
    now = p_alive(history(min(active, watched), watched, silent), habits)[0]
    later = p_alive(history(min(active, watched), watched, silent + longer), habits)[0]
    assert 0.0 <= later <= now + 1e-12 <= 1.0 + 2e-12


def test_habits_are_found_again_from_lines_that_have_them() -> None:
    true = Habits(1.5, 3.0, 1.0, 40.0)
    lines = simulated(true, 4000, 60, np.random.default_rng(1))

    found = learn_habits(lines, Habits())

    assert found.alpha / (found.alpha + found.beta) == pytest.approx(1 / 3, abs=0.02)
    assert np.abs(p_alive(lines, found) - p_alive(lines, true)).mean() < 0.02


def test_a_few_steps_a_week_reach_what_one_long_fit_finds() -> None:
    lines = simulated(Habits(0.8, 1.6, 1.0, 60.0), 3000, 40, np.random.default_rng(2))
    learnt = USUAL_HABITS
    for _ in range(8):
        learnt = learn_habits(lines, learnt, steps=3)

    assert np.abs(p_alive(lines, learnt) - p_alive(lines, learn_habits(lines, USUAL_HABITS))).mean() < 0.01


@pytest.mark.skipif(not CDNOW.exists(), reason=f"needs the CDNOW purchases at {CDNOW.parent}")
@pytest.mark.timeout(300)
def test_on_real_purchases_it_agrees_with_lifetimes_and_foresees_silence_better_than_recency() -> None:
    lines, silent_for_180_days, recency = purchases()
    sample = np.arange(0, len(lines.silent), 6)
    habits = Habits(0.5, 50.0, 0.5, 50.0)
    # Learnt online: from a bounded sample, a few steps at a time, as the engine does once a week.
    for _ in range(5):
        habits = learn_habits(Histories(lines.active[sample], lines.watched[sample], lines.silent[sample]), habits, 4)

    kinds, counts = grouped(lines)
    weeks = zip(kinds.active, kinds.watched / 7.0, (kinds.watched + kinds.silent) / 7.0, strict=True)
    reference = np.array([lifetimes_p_alive(*row) for row in weeks])
    difference = np.abs(p_alive(kinds, habits) - reference)

    assert (difference * counts).sum() / counts.sum() <= 0.02
    assert auc(recency, silent_for_180_days) == pytest.approx(RECENCY_AUC, abs=0.001)
    assert auc(p_silent(lines, habits, 180), silent_for_180_days) >= RECENCY_AUC


def purchases() -> tuple[Histories, NDArray[np.bool_], NDArray[np.int64]]:
    """Histories until the cut, who was silent for 180 days after it, and days since the last purchase."""
    rows = [line.split() for line in CDNOW.read_text().splitlines()[1:] if len(line.split()) == 4]
    customer = np.array([int(row[0]) for row in rows]) - 1
    day = np.array([date(int(d[:4]), int(d[4:6]), int(d[6:])).toordinal() for _, d, *_ in rows])
    day -= date(1997, 1, 1).toordinal()
    size = int(customer.max()) + 1
    first, last = np.full(size, 10_000), np.zeros(size, np.int64)
    known = day <= CUT
    np.minimum.at(first, customer[known], day[known])
    np.maximum.at(last, customer[known], day[known])
    distinct = np.unique(np.column_stack([customer[known], day[known]]), axis=0)
    active = np.bincount(distinct[:, 0], minlength=size).astype(np.float64) - 1.0
    silent = np.ones(size, bool)
    silent[customer[(day > CUT) & (day <= CUT + 180)]] = False
    return Histories(active, (last - first).astype(np.float64), CUT - last), silent, CUT - last


def simulated(habits: Habits, lines: int, days: int, rng: np.random.Generator) -> Histories:
    active_share = rng.beta(habits.alpha, habits.beta, lines)
    leaving = rng.beta(habits.gamma, habits.delta, lines)
    lives = np.minimum(rng.geometric(leaving) - 1, days)
    is_active = (rng.random((lines, days)) < active_share[:, None]) & (np.arange(days) < lives[:, None])
    watched = np.where(is_active.any(axis=1), days - np.argmax(is_active[:, ::-1], axis=1), 0)
    return Histories(is_active.sum(axis=1).astype(np.float64), watched.astype(np.float64), days - watched)


def auc(scores: NDArray[np.float64] | NDArray[np.int64], positive: NDArray[np.bool_]) -> float:
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    hits = int(positive.sum())
    return float((ranks[positive].sum() - hits * (hits + 1) / 2.0) / (hits * (len(positive) - hits)))


def _choose(n: int, k: int) -> int:
    return 1 if k in {0, n} else _choose(n - 1, k - 1) + _choose(n - 1, k)
