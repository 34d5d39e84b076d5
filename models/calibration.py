"""From what a learner says to a probability that means what it says: four numbers, fitted on what came after.

A learner sees leavers against stayers that were drawn over the horizon, so that its odds are the hazard of the whole horizon
(docs/adr/0061-stayers-are-told-after-a-drawn-time.md); the probability to leave within it is 1 - exp(-odds) where they leave
evenly over it, and less where they leave soon (docs/adr/0066-those-who-leave-soon.md). Hazards of different causes add up: what
no signal tells of beforehand is a floor under what the learner says (docs/adr/0062-calibration-with-a-floor.md). Sources: Cox,
Regression models and life tables, 1972; Platt, Probabilistic outputs for support vector machines, 1999.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.learners.protocol import BoolVector
from pipeline.compiled import compiled
from pipeline.ports import FloatMatrix, FloatVector

WINDOW_EXAMPLES = 20_000
FIT_EVERY_EXAMPLES = 500
#: Before the first of these: what the first labels tell of the level does not wait for so many.
FIRST_FITS = (125, 250)
#: Trust in the learner as it is: as much as this many leavers would give; much more in the slope, which few leavers bend.
TRUST_LEVEL, TRUST_SLOPE, TRUST_FLOOR = 10.0, 300.0, 2.0
#: As if so many foreseen leavers had left evenly over the horizon.
TRUST_HASTE = 5.0
#: Below it nobody hurries: the formula has its limit there.
HASTE_MIN = 1e-6
#: Where the floor starts from: a quarter of the base rate leaves for reasons that nobody sees.
FLOOR_SHARE = 0.25
FISHER_STEPS = 40
STEP_MIN = 1e-6
LOG_ODDS_LIMIT = 12.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrected odds are `floor` + exp(`slope` x log-odds + `intercept`). `haste`: how early those leave who are seen coming, 0
    (evenly over the horizon) to 1 (at once).
    """

    slope: float = 1.0
    intercept: float = 0.0
    floor: float = 0.0
    haste: float = 0.0

    def corrected(self, log_odds: FloatVector) -> FloatVector:
        """Log-odds of a leaver against a drawn stayer, shape (n,)."""
        return np.asarray(np.log(self._odds(log_odds)), dtype=np.float64)

    def probability(self, log_odds: FloatVector) -> FloatVector:
        """Probability to leave within the horizon, shape (n,): 1 - exp(-odds) for no haste, odds / (1 + odds) for all of it.

        >>> Calibration().probability(np.array([np.log(np.log(2.0)), 40.0])).round(6).tolist()
        [0.5, 1.0]
        >>> Calibration(haste=1.0).probability(np.zeros(1)).round(6).tolist()
        [0.5]
        """
        odds = self._odds(log_odds)
        if self.haste < HASTE_MIN:
            return np.asarray(-np.expm1(-odds), dtype=np.float64)
        return np.asarray(-np.expm1(-np.log1p(self.haste * odds) / self.haste), dtype=np.float64)

    def _odds(self, log_odds: FloatVector) -> FloatVector:
        said = np.clip(log_odds, -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)
        return np.asarray(self.floor + np.exp(self.slope * said + self.intercept), dtype=np.float64)


def fit_calibration(
    log_odds: FloatVector, churned: BoolVector, weight: FloatVector, near: Calibration | None = None
) -> Calibration:
    """The calibration that makes these labels likeliest, held towards "as it is" (normal priors), by Fisher scoring.

    `near`: where to begin; the last fit is a few steps away.
    """
    said = np.clip(log_odds, -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)
    spread = float(np.average((said - np.average(said, weights=weight)) ** 2, weights=weight)) + 1e-9
    base = (float(weight @ churned) + 0.5) / float(weight.sum())
    start = np.array([np.log(FLOOR_SHARE * base), 0.0, 1.0])
    trust = np.array([TRUST_FLOOR, TRUST_LEVEL, TRUST_SLOPE * spread])
    found = start.copy()
    if near is not None and near.floor > 0.0:
        found = np.array([np.log(near.floor), near.intercept, near.slope])
    for _ in range(FISHER_STEPS):
        slopes, curves = _sums(float(np.exp(found[0])), np.exp(found[1] + found[2] * said), said, churned, weight)
        gradient = slopes + trust * (found - start)
        information = curves + np.diag(trust)
        step = np.clip(np.linalg.solve(information, gradient), -0.5, 0.5)
        found = found - step
        if np.abs(step).max() < STEP_MIN:
            break
    return Calibration(float(max(found[2], 0.05)), float(found[1]), float(np.exp(found[0])))


@compiled
def _sums(
    floor: float, heard: FloatVector, said: FloatVector, churned: BoolVector, weight: FloatVector
) -> tuple[FloatVector, FloatMatrix]:
    """Slope of the loss in the logarithm of the floor, the intercept and the slope, (3,), and the information, (3, 3).

    `heard`: what the learner's log-odds `said` add to the floor. Numpy took eight passes for it, a sixth of the learning.
    """
    by_floor = by_intercept = by_slope = 0.0
    floors = floor_intercept = floor_slope = intercepts = intercept_slope = slopes = 0.0
    for row in range(len(said)):
        level = heard[row]
        odds, bent = floor + level, level * said[row]
        above = 1.0 / (1.0 + odds)
        if churned[row]:  # few are: a division less for the others
            above -= 1.0 / odds
        above *= weight[row]
        bend = weight[row] / (odds * (1.0 + odds) * (1.0 + odds))
        by_floor += above * floor
        by_intercept += above * level
        by_slope += above * bent
        floors += bend * floor * floor
        floor_intercept += bend * level * floor
        floor_slope += bend * bent * floor
        intercepts += bend * level * level
        intercept_slope += bend * bent * level
        slopes += bend * bent * bent
    curves = np.array(
        [
            [floors, floor_intercept, floor_slope],
            [floor_intercept, intercepts, intercept_slope],
            [floor_slope, intercept_slope, slopes],
        ]
    )
    return np.array([by_floor, by_intercept, by_slope]), curves


def haste_of(log_odds: FloatVector, weight: FloatVector, elapsed: FloatVector, near: Calibration) -> float:
    """How early in the horizon those leave who were seen coming: 0 evenly over it or later, 1 at once.

    Of the leavers: what the learner said (n,), weights (n,), share of the horizon until each left (n,). Those that were hardly
    expected hardly count: for small odds it makes no difference.
    """
    foreseen = weight / (1.0 + np.exp(-near.corrected(log_odds)))
    passed = float(foreseen @ np.minimum(elapsed, 1.0))
    share = (0.5 * TRUST_HASTE + passed) / (TRUST_HASTE + float(foreseen.sum()))
    return max(0.0, 1.0 - 2.0 * share)


class OnlineCalibration:
    """Learns from what a learner said before it had seen the label; fitted again at fixed counts of examples."""

    def __init__(self, until_fitted: Calibration | None = None) -> None:
        """`until_fitted`: what holds before the first fit."""
        self._said: NDArray[np.float64] = np.empty((4, 0))
        self._waiting: list[NDArray[np.float64]] = []
        self._examples = 0
        self._leavers: dict[str, int] = {}  # their numbers among all examples, as long as they are in the window
        self._taken_back: list[int] = []
        self.current = until_fitted or Calibration()

    def add(
        self,
        log_odds: FloatVector,
        churned: BoolVector,
        weight: FloatVector,
        elapsed: FloatVector | None = None,
        ids: Sequence[str] = (),
    ) -> None:
        """Told in any batches; the fits fall at the same examples. `elapsed`: share of the horizon after which each label was
        known, by default half of it. `ids`: by which they may be taken back.
        """
        told = np.full(len(churned), 0.5) if elapsed is None else elapsed
        self._leavers |= {one: self._examples + at for at, one in enumerate(ids) if churned[at]}
        start = 0
        while start < len(churned):
            next_fit = self._next_fit()
            end = min(len(churned), start + next_fit - self._examples)
            part = slice(start, end)
            self._waiting.append(np.stack([log_odds[part], churned[part], weight[part], told[part]]))
            self._examples += end - start
            start = end
            if self._examples == next_fit:
                self._fit()

    def take_back(self, ids: Sequence[str]) -> None:
        """These were no leavers after all: they count nothing from the next fit on."""
        self._taken_back += [self._leavers.pop(one) for one in ids if one in self._leavers]

    def _next_fit(self) -> int:
        """Number of the example after which the next fit falls."""
        regular = (self._examples // FIT_EVERY_EXAMPLES + 1) * FIT_EVERY_EXAMPLES
        return next((early for early in FIRST_FITS if early > self._examples), regular)

    def _fit(self) -> None:
        self._said = np.concatenate([self._said, *self._waiting], axis=1)[:, -WINDOW_EXAMPLES:]
        self._waiting = []
        first = self._examples - self._said.shape[1]
        self._said[2, [number - first for number in self._taken_back if number >= first]] = 0.0
        self._taken_back = []
        self._leavers = {one: number for one, number in self._leavers.items() if number >= first}
        log_odds, churned, weight = self._said[0], self._said[1] > 0.5, self._said[2]
        if weight.sum() > 0.0:
            fitted = fit_calibration(log_odds, churned, weight, self.current)
            haste = haste_of(log_odds[churned], weight[churned], self._said[3][churned], fitted)
            self.current = replace(fitted, haste=haste)
