"""Boosting that was shown the whole truth of other operators: about what our features can tell at best.

No live system can know so much: it has only its own past, and only what has become known of it.
"""

from collections.abc import Sequence

import lightgbm
import numpy as np

from benchmarks.operator_learning.history import History, history_of, simulated
from benchmarks.operator_quality.contenders import Labels, boosted_on, rows_of
from benchmarks.operator_quality.recording import Day, Recording
from models.evaluation.daily_lists import Lists

FROM_DAY, EVERY_DAYS = 6, 3


def shown_others(scenario: str, customers: int, days: int, seeds: Sequence[int]) -> lightgbm.Booster:
    """A model of the lines of these operators on every third day whose thirty days are over."""
    rows = [_rows_of(scenario, customers, days, seed) for seed in seeds]
    model = boosted_on(np.concatenate([features for features, _ in rows]), np.concatenate([left for _, left in rows]))
    assert model is not None
    return model


def scored_by(model: lightgbm.Booster, history: History) -> Lists:
    """The lists of an operator that it has not seen."""
    return history.rescored(
        {one.day_ms: np.asarray(model.predict(one.features, num_threads=1)) for one in history.midnights}
    )


def _rows_of(scenario: str, customers: int, days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    with simulated(scenario, customers, days, seed) as folder:
        history = history_of(folder)
    labels = Labels(Recording(history.lists, history.truths, []))
    over = [one for one in history.midnights if history.lists.is_complete(one.day_ms)]
    return rows_of([Day(one.day_ms, one.line_ids, [one.features]) for one in over[FROM_DAY::EVERY_DAYS]], labels)
