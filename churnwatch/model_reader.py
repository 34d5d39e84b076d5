"""Models from churn.models into the engines of a worker."""

from collections.abc import Callable

import structlog

from churnwatch.control_reader import ControlReader
from churnwatch.engine_parts import EngineParts
from churnwatch.settings import Settings
from models.exchange import RefusedModel, read_model
from pipeline.metrics import Metrics
from pipeline.ports import Scorer

log = structlog.get_logger()


class ModelReader(ControlReader):
    """Tells each model that can be used, with the tick from which it counts."""

    def __init__(
        self, settings: Settings, parts: EngineParts, metrics: Metrics, on_model: Callable[[Scorer, int], None]
    ) -> None:
        super().__init__(settings, "models")
        self._parts = parts
        self._metrics = metrics
        self._on_model = on_model

    def take(self, raw: bytes | None) -> None:
        """One published model; None: an old version that the trainer deleted."""
        if raw is None:
            return
        answer = read_model(raw, self._parts.schema, len(self._parts.features))
        if isinstance(answer, RefusedModel):
            self._metrics.counter("churnwatch_models_refused_total", reason=answer.reason.value).inc()
            log.warning("model.refused", reason=answer.reason.value, detail=answer.detail)
            return
        self._on_model(answer.scorer, answer.message.counts_from_ms)
        self._metrics.counter("churnwatch_models_applied_total").inc()
        log.info("model.applied", version=answer.message.version)
