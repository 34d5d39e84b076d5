"""Learning inside a replay: what the trainer process does, at the moments of stream time at which it could."""

from collections.abc import Sequence

import msgspec
import structlog

from churnwatch.settings import Settings
from models.exchange import ReceivedModel, RefusedModel, read_model
from models.learners.blend import BlendLearner
from models.training import Training, TrainingRules
from pipeline.events import Example

log = structlog.get_logger()


class Teacher:
    """Learns the examples of each day, in order, and publishes once a day when there is news.

    A model goes through the same bytes and checks as in production. It counts from the first tick after its newest label;
    models in between would count from that tick as well and be replaced at once.
    """

    def __init__(self, settings: Settings, feature_schema: str, n_features: int) -> None:
        learning = settings.learning
        self._training = Training(
            BlendLearner,
            TrainingRules(
                minimum_positives=learning.minimum_positives,
                publish_every_labels=learning.publish_every_labels,
                tick_ms=settings.engine.tick_s * 1000,
            ),
        )
        self._schema, self._n_features = feature_schema, n_features
        self.models_published = 0

    @property
    def labels_learned(self) -> int:
        """How many examples were learnt."""
        return self._training.labels_learned

    def learn(self, examples: Sequence[Example], now_ms: int) -> ReceivedModel | None:
        """Learn what became known by `now_ms`; a new model, or None when there is nothing to publish."""
        self._training.take(examples)
        if not self._training.has_news:
            return None
        if not self._training.is_finite:
            log.error("model.held_back", reason="a weight is no finite number")
            return None
        message = self._training.message(now_ms)
        received = read_model(msgspec.json.encode(message), self._schema, self._n_features)
        if isinstance(received, RefusedModel):
            log.error("model.refused", reason=received.reason.value, detail=received.detail)
            return None
        self._training.mark_published()
        self.models_published += 1
        return received
