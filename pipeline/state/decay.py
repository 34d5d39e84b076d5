"""Forward-decayed sums: exact for late and shuffled records, no work when nothing happens.

Source: G. Cormode, V. Shkapenyuk, D. Srivastava, B. Xu, "Forward Decay: A Practical Time Decay Model for Streaming
Systems", ICDE 2009. A value that happened at t is added with the weight exp(rate (t - landmark)); the decayed sum at T is
the stored sum times exp(-rate (T - landmark)). The landmark is one for the whole partition and moves only at canonical
moments, so that additions in the same order give the same bits wherever blocks begin and end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.state.catalogue import HALF_LIVES_DAYS

DAY_MS = 86_400_000
RATES_PER_MS: NDArray[np.float64] = np.log(2.0) / (np.array(HALF_LIVES_DAYS) * DAY_MS)
#: The landmark moves when it is this old: the largest weight is then 2 ** (28 / 3.5) = 256, far from losing digits.
LANDMARK_DAYS = 28
#: Ages are bounded below, so that a line's first call is no rate of thousands a day.
MIN_AGE_DAYS = 1.0 / 24.0

Floats = NDArray[np.float64]


def weights(ts_ms: NDArray[np.int64], landmark_ms: int) -> Floats:
    """Weight of each value at each half-life, shape (n_records, n_half_lives).

    >>> weights(np.array([0, 14 * DAY_MS]), 0)[:, 1].tolist()
    [1.0, 2.0]
    """
    result: Floats = np.exp(np.outer(ts_ms - landmark_ms, RATES_PER_MS))
    return result


def decayed(sums: Floats, at_ms: int, landmark_ms: int) -> Floats:
    """Decayed sums at `at_ms`; `sums` has half-lives as its last axis."""
    result: Floats = sums * np.exp(-RATES_PER_MS * (at_ms - landmark_ms))
    return result


def per_day(sums: Floats, at_ms: int, landmark_ms: int, age_days: Floats) -> Floats:
    """Rate per day that the decayed sums stand for, corrected for lines younger than the half-life.

    A constant rate r seen for the age A leaves the decayed sum r (1 - 2 ** (-A / h)) h / ln 2; solving for r makes a new
    customer comparable with an old one. Ages are bounded below by one hour.

    >>> one_a_day = np.array([[sum(2.0 ** (-d / h) for d in range(700)) for h in HALF_LIVES_DAYS]])
    >>> np.round(per_day(one_a_day, 0, 0, np.array([700.0])), 2).tolist()
    [[1.1, 1.02, 1.01]]
    """
    days = effective_days(age_days)
    shape = days.shape[:-1] + (1,) * (sums.ndim - days.ndim) + days.shape[-1:]
    result: Floats = decayed(sums, at_ms, landmark_ms) / days.reshape(shape)
    return result


def effective_days(age_days: Floats) -> Floats:
    """What a rate of one a day leaves as decayed sum after these ages, shape (..., n_half_lives).

    >>> effective_days(np.array([1000.0])).round(2).tolist()
    [[5.05, 20.2, 80.79]]
    """
    half_lives = np.array(HALF_LIVES_DAYS)
    age = np.maximum(age_days, MIN_AGE_DAYS)[..., None]
    result: Floats = (1.0 - np.exp2(-age / half_lives)) * half_lives / np.log(2.0)
    return result


@dataclass(slots=True)
class Landmark:
    """The partition's landmark; `due` says when to move it, `factor` what the stored sums are multiplied by."""

    ms: int

    def due(self, tick_ms: int) -> bool:
        """Whether the landmark should move at this tick."""
        return tick_ms - self.ms >= LANDMARK_DAYS * DAY_MS

    def move(self, tick_ms: int) -> Floats:
        """Move to `tick_ms`; returns the factor per half-life for the stored sums."""
        factor: Floats = np.exp(-RATES_PER_MS * (tick_ms - self.ms))
        self.ms = tick_ms
        return factor
