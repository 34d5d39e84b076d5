"""Whether a score of 0.3 means that three of ten leave."""

from dataclasses import dataclass

import numpy as np

from models.learners.protocol import BoolVector
from pipeline.ports import FloatVector

BINS = 20


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of neighbouring scores: how many, their mean score, and the share of them that left."""

    rows: int
    score: float
    churned: float


def calibration_bins(churned: BoolVector, score: FloatVector, bins: int = BINS) -> list[CalibrationBin]:
    """Bins of equal mass, lowest scores first; equal scores may fall into neighbouring bins."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [CalibrationBin(len(part), float(score[part].mean()), float(churned[part].mean())) for part in parts]


def expected_calibration_error(bins: list[CalibrationBin]) -> float:
    """Mean distance of score and share over the rows (Naeini et al., 2015); NaN for no rows.

    >>> expected_calibration_error([CalibrationBin(3, 0.2, 0.5), CalibrationBin(1, 0.6, 0.6)])
    0.22499999999999998
    """
    rows = sum(part.rows for part in bins)
    if rows == 0:
        return float("nan")
    return sum(part.rows * abs(part.churned - part.score) for part in bins) / rows
