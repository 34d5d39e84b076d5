"""What a learner said of a snapshot when the snapshot was taken, not what it says now that its label is known.

By the time a label is known the learner has seen how the same line, and others of its account, went on: what it says then is
surer than what it said in the daily list, and a calibration fitted on it is too sure as well
(docs/adr/0065-calibrated-on-what-was-said-then.md). So a copy of the model is kept for each week.
"""

from bisect import bisect_right
from collections import deque

import numpy as np
from numpy.typing import NDArray

from models.bodies import ArrayModel
from pipeline.ports import FloatMatrix, FloatVector

KEEP_EVERY_MS = 7 * 86_400_000
#: Seventeen weeks: a horizon, a silence and its return; of an older snapshot the oldest copy speaks.
COPIES_MAX = 17


class PastModels:
    """Copies of one learner's model, each with the moment of the newest label that it knew."""

    def __init__(self, first: ArrayModel) -> None:
        """`first`: the model before its first label."""
        self._moments: deque[int] = deque([0], maxlen=COPIES_MAX)
        self._models: deque[ArrayModel] = deque([first], maxlen=COPIES_MAX)

    def is_due(self, now_ms: int) -> bool:
        """A week began since the last copy; `now_ms`: the newest label that was learnt."""
        return now_ms // KEEP_EVERY_MS > self._moments[-1] // KEEP_EVERY_MS

    def keep(self, now_ms: int, model: ArrayModel) -> None:
        """A copy of the model that has learnt labels until `now_ms`."""
        self._moments.append(now_ms)
        self._models.append(model)

    def log_odds(self, features: FloatMatrix, snapshot_ms: NDArray[np.int64]) -> FloatVector:
        """Of each row (n, n_features) by the newest model that knew no label after its snapshot (n,); shape (n,)."""
        moments, models = list(self._moments), list(self._models)
        if all(model is models[0] for model in models):  # it never learns: one pass for all
            return models[0].log_odds(features)
        place = np.array([max(0, bisect_right(moments, one) - 1) for one in snapshot_ms.tolist()], np.int64)
        said = np.empty(len(features))
        for number in np.flatnonzero(np.bincount(place)).tolist():
            rows = np.flatnonzero(place == number)
            said[rows] = models[number].log_odds(features[rows])
        return said
