"""Learning inside a replay: what the trainer process does, at the moments of stream time at which it could."""

from collections.abc import Sequence
from dataclasses import asdict

import msgspec
import structlog

from churnwatch.backtest.shard import Replayed
from churnwatch.learning_rules import new_training
from churnwatch.settings import Settings
from models.exchange import RefusedModel, read_model
from pipeline.events import Example
from pipeline.features.catalogue import Feature
from pipeline.state.decay import DAY_MS

log = structlog.get_logger()


class Teacher:
    """Learns the examples of each day, in order, and publishes once a day when there is news.

    A model goes through the same bytes and checks as in production. It counts from the midnight after its newest label.
    `frozen`: a model was given for the whole replay, nothing is learnt.
    """

    def __init__(
        self, settings: Settings, feature_schema: str, features: Sequence[Feature], *, frozen: bool = False
    ) -> None:
        self._frozen = frozen
        self._training = new_training(settings, features, DAY_MS)
        self._schema, self._n_features = feature_schema, len(features)
        self._models_published = 0
        self._newest = b""

    def learn(self, examples: Sequence[Example], now_ms: int) -> bytes:
        """Learn what became known by `now_ms`; a new model as its message, empty when there is nothing to publish."""
        if self._frozen:
            return b""
        self._training.take(sorted(examples, key=_learnt_order))
        for notice in self._training.notices():
            log.warning("learning.noticed", notice=type(notice).__name__, **asdict(notice))
        if not self._training.has_news:
            return b""
        if not self._training.is_finite:
            log.error("model.held_back", reason="a weight is no finite number")
            return b""
        raw = msgspec.json.encode(self._training.message(now_ms))
        received = read_model(raw, self._schema, self._n_features)
        if isinstance(received, RefusedModel):
            log.error("model.refused", reason=received.reason.value, detail=received.detail)
            return b""
        self._training.mark_published()
        self._models_published += 1
        self._newest = raw
        return raw

    def tell(self, replayed: Replayed) -> None:
        """Note how much was learnt, and the newest model."""
        replayed.model = self._newest
        replayed.models_published = self._models_published
        replayed.labels_learned = self._training.labels_learned


def _learnt_order(example: Example) -> str:
    """Shuffled by the hash that the id is: no run of leavers before the day's stayers."""
    return example.example_id
