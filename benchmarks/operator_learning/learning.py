"""Learn a recorded history as a backtest does: a midnight at a time, a model counting from the next midnight on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.operator_learning.history import History, Midnight
from churnwatch.learning_rules import new_training
from models.exchange import RefusedModel, read_model
from models.guard import Finding
from models.orders import OrderKind, TrainerOrder
from models.scorers import probability
from models.training import Training
from pipeline.events import Example
from pipeline.features.catalogue import PRIOR_COLUMN
from pipeline.ports import Scorer
from pipeline.state.decay import DAY_MS

Tamper = Callable[[Sequence[Example]], Sequence[Example]]


@dataclass(slots=True)
class Learnt:
    """Scores by day of the lines of each midnight, and what the guard found."""

    scores: dict[int, NDArray[np.float64]]
    findings: list[Finding]
    training: Training


def learnt(
    history: History,
    *,
    until_ms: int | None = None,
    tamper: Tamper | None = None,
    unfreeze_ms: int | None = None,
    training: Training | None = None,
) -> Learnt:
    """Score every midnight with the model learnt until the one before it.

    `until_ms`: nothing is learnt from then on, the model stays. `tamper`: may change the examples of a midnight before they are
    learnt. `unfreeze_ms`: at this midnight a person lets a frozen learner go on, without what was held.
    """
    own = training or new_training(history.parts.settings, history.parts.features, DAY_MS)
    told = Learnt({}, [], own)
    current: Scorer | None = None
    coming: Scorer | None = None
    for midnight in history.midnights:
        current, coming = coming or current, None
        told.scores[midnight.day_ms] = _scored(current, midnight)
        if unfreeze_ms == midnight.day_ms and own.frozen is not None:
            own.obey(TrainerOrder(OrderKind.UNFREEZE, midnight.day_ms))
        if until_ms is None or midnight.day_ms < until_ms:
            own.take(tamper(midnight.examples) if tamper is not None else midnight.examples)
            told.findings += [notice for notice in own.notices() if isinstance(notice, Finding)]
            coming = _published(own, history, midnight.day_ms)
    return told


def _scored(scorer: Scorer | None, midnight: Midnight) -> NDArray[np.float64]:
    features = midnight.features.astype(np.float64)
    scores = probability(features[:, PRIOR_COLUMN]) if scorer is None else scorer.score(features)
    return scores.astype(np.float32).astype(np.float64)  # as the engine keeps them


def _published(training: Training, history: History, now_ms: int) -> Scorer | None:
    if not training.has_news:
        return None
    raw = msgspec.json.encode(training.message(now_ms))
    received = read_model(raw, history.parts.schema, len(history.parts.features))
    assert not isinstance(received, RefusedModel), received
    training.mark_published()
    return received.scorer
