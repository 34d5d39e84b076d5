"""Other ways to score the same lines on the same days; none sees a label before its thirty days are over."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from river import forest, linear_model, preprocessing

from benchmarks.operator_quality.recording import Day, Recording
from models.evaluation.daily_lists import DAY_MS
from models.evaluation.truth import INVOLUNTARY

Scores = NDArray[np.float64]
HORIZON_MS = 30 * DAY_MS
MONTH_DAYS = 30
LEARN_EVERY_DAYS = 7
ROUNDS = 100
SEED = 1
#: River's forest takes a millisecond to learn a row: it is shown every churner and each third stayer, and scores every third
#: day; its scores stand in between.
ARF_STAYERS, ARF_EVERY_DAYS = 3, 3
PRIOR = "prior"


class Labels:
    """What had become of the lines of a day thirty days later: 1 left, 0 stayed, left out are those who had to leave."""

    def __init__(self, recording: Recording) -> None:
        self._truths = recording.truths

    def of(self, day: Day) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(left, usable) of each line."""
        left, usable = [], []
        for line_id in day.line_ids:
            truth = self._truths.get(line_id)
            leaves = truth is not None and day.day_ms < truth.churn_ms <= day.day_ms + HORIZON_MS
            forced = truth is not None and truth.cause == INVOLUNTARY
            left.append(leaves and not forced)
            usable.append(not (leaves and forced))
        return np.array(left, np.bool_), np.array(usable, np.bool_)


def static_rule(recording: Recording) -> list[Scores]:
    """1 when the last bill is more than 30 % below the one before, or with any port or termination order."""
    return [np.concatenate(day.rule).astype(np.float64) for day in recording.days]


def random_scores(recording: Recording) -> list[Scores]:
    """A coin for each line and day."""
    random = np.random.default_rng(SEED)
    return [random.random(len(day.line_ids)) for day in recording.days]


def prior_alone(recording: Recording) -> list[Scores]:
    """Our documented prior, with nothing learnt: what the learning adds stands beside it."""
    column = recording.feature_names.index(PRIOR)
    return [np.concatenate(day.features)[:, column].astype(np.float64) for day in recording.days]


def boosted_daily(recording: Recording) -> list[Scores]:
    """Gradient boosting on our features, trained anew each month, scored every day."""
    models = _monthly_models(recording)
    return [_scored(model, day) for model, day in zip(models, recording.days, strict=True)]


def boosted_monthly(recording: Recording) -> list[Scores]:
    """The same, scored on the day of its training and kept for the month; who comes in between gets the mean."""
    result, known = [], dict[str, float]()
    for number, (model, day) in enumerate(zip(_monthly_models(recording), recording.days, strict=True)):
        if number % MONTH_DAYS == 0:
            known = dict(zip(day.line_ids, _scored(model, day).tolist(), strict=True))
        usual = float(np.mean(list(known.values()))) if known else 0.0
        result.append(np.array([known.get(line_id, usual) for line_id in day.line_ids]))
    return result


def river_logistic(recording: Recording) -> list[Scores]:
    """River's defaults on the raw counts of the last seven days."""
    return _river(recording, preprocessing.StandardScaler() | linear_model.LogisticRegression())


def river_arf(recording: Recording) -> list[Scores]:
    """River's adaptive random forest with its defaults, on the same counts."""
    return _river(recording, forest.ARFClassifier(seed=SEED), ARF_STAYERS, ARF_EVERY_DAYS)


CONTENDERS: dict[str, Callable[[Recording], list[Scores]]] = {
    "prior_alone": prior_alone,
    "static_rule": static_rule,
    "lightgbm_monthly": boosted_monthly,
    "lightgbm_daily": boosted_daily,
    "river_logistic": river_logistic,
    "river_arf": river_arf,
    "random": random_scores,
}


def _scored(model: lightgbm.Booster | None, day: Day) -> Scores:
    """One thread, as everybody else has."""
    features = np.concatenate(day.features)
    return np.zeros(len(features)) if model is None else np.asarray(model.predict(features, num_threads=1), np.float64)


@lru_cache(maxsize=1)
def _monthly_models(recording: Recording) -> list[lightgbm.Booster | None]:
    """The model in use on each day; None until a day's thirty days were over for the first time. Trained once for both."""
    labels, models, current = Labels(recording), [], None
    for number, day in enumerate(recording.days):
        if number % MONTH_DAYS == 0:
            over = [old for old in recording.days[:number:LEARN_EVERY_DAYS] if old.day_ms + HORIZON_MS <= day.day_ms]
            current = _trained(over, labels)
        models.append(current)
    return models


def _trained(days: Sequence[Day], labels: Labels) -> lightgbm.Booster | None:
    return boosted_on(*rows_of(days, labels)) if days else None


def rows_of(days: Sequence[Day], labels: Labels) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features (n, n_features) of all usable lines of these days, and whether each left."""
    told = [labels.of(day) for day in days]
    features = [np.concatenate(day.features)[usable] for day, (_, usable) in zip(days, told, strict=True)]
    return np.concatenate(features), np.concatenate([left[usable] for left, usable in told])


def boosted_on(features: NDArray[np.float32], left: NDArray[np.bool_]) -> lightgbm.Booster | None:
    """LightGBM with its defaults; None where nobody left."""
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": SEED, "deterministic": True}
    return lightgbm.train(parameters, lightgbm.Dataset(features, left), ROUNDS) if left.any() else None


def _river(recording: Recording, model: Any, each_stayer: int = 1, every_days: int = 1) -> list[Scores]:
    """Prequential: a line's row is learnt thirty days after it was scored, every seventh day."""
    labels, result, waiting = Labels(recording), [], list(recording.days[::LEARN_EVERY_DAYS])
    learnt_rows, known = 0, dict[str, float]()
    for number, day in enumerate(recording.days):
        while waiting and waiting[0].day_ms + HORIZON_MS <= day.day_ms:
            learnt_rows += _learn(model, waiting.pop(0), labels, each_stayer)
        if learnt_rows and number % every_days == 0:
            scores = (model.predict_proba_one(row).get(True, 0.0) for row in _rows(day))
            known = dict(zip(day.line_ids, scores, strict=True))
        result.append(np.array([known.get(line_id, 0.0) for line_id in day.line_ids]))
    return result


def _learn(model: Any, day: Day, labels: Labels, each_stayer: int) -> int:
    """Learn the churners and each n-th stayer of a day; returns how many rows."""
    left, usable = labels.of(day)
    kept = np.flatnonzero(usable & (left | (np.arange(len(left)) % each_stayer == 0)))
    for row, label in zip(_rows(day, kept), left[kept].tolist(), strict=True):
        model.learn_one(row, label)
    return len(kept)


def _rows(day: Day, places: NDArray[np.intp] | None = None) -> list[dict[int, float]]:
    counts = np.concatenate(day.counts)
    return [dict(enumerate(row)) for row in (counts if places is None else counts[places]).tolist()]
