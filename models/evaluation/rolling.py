"""Figures of a learner over its last examples, and its log loss."""

from math import isnan

import numpy as np

from models.evaluation.calibration import calibration_bins, expected_calibration_error
from models.evaluation.ranking import average_precision, roc_auc
from models.learners.protocol import BoolVector
from models.newest import Newest
from pipeline.ports import FloatVector

ROLLING_EXAMPLES = 20_000
PROBABILITY_FLOOR = 1e-9


def log_loss(churned: BoolVector, score: FloatVector) -> float:
    """Mean negative log-likelihood in nats; NaN for no rows."""
    if len(churned) == 0:
        return float("nan")
    right = np.where(churned, score, 1.0 - score)
    return float(-np.log(np.clip(right, PROBABILITY_FLOOR, 1.0)).mean())


class RollingFigures:
    """Figures over the last examples, each scored before it was learnt (prequential; Gama et al., 2013)."""

    def __init__(self, examples_max: int = ROLLING_EXAMPLES) -> None:
        self._churned = Newest(examples_max)
        self._score = Newest(examples_max)

    def add(self, churned: BoolVector, score: FloatVector) -> None:
        self._churned.add(churned)
        self._score.add(score)

    def figures(self) -> dict[str, float]:
        """Log loss, calibration error, AUC, average precision, base rate and the number of examples; what cannot be told
        is left out.
        """
        churned, score = self._churned.numbers() > 0.0, self._score.numbers()
        named = {
            "ece": expected_calibration_error(calibration_bins(churned, score)),
            "log_loss": log_loss(churned, score),
            "auc": roc_auc(churned, score),
            "average_precision": average_precision(churned, score),
            "base_rate": float(churned.mean()) if len(churned) else float("nan"),
            "mean_score": float(score.mean()) if len(score) else float("nan"),
        }
        return {"examples": float(len(churned)), **{name: value for name, value in named.items() if not isnan(value)}}
