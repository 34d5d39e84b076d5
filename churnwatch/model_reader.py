"""Models from churn.models into the engines of a worker: all of them at the start, then each as it is published."""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from churnwatch.engine_parts import EngineParts
from churnwatch.settings import Settings
from models.exchange import RefusedModel, read_model
from pipeline.metrics import Metrics
from pipeline.ports import Scorer

POLL_MS = 500

log = structlog.get_logger()


class ModelReader:
    """Reads the models topic without a group, since every worker needs every model."""

    def __init__(
        self, settings: Settings, parts: EngineParts, metrics: Metrics, on_model: Callable[[Scorer, int], None]
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._metrics = metrics
        self._on_model = on_model
        self._caught_up: asyncio.Event | None = None
        self._reading: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Start reading, and wait until the models that were there at the start are taken in.

        Faust starts an app's own tasks only after recovery, which waits for this; so the reader is a plain task.
        """
        if self._reading is None:
            self._caught_up = asyncio.Event()
            self._reading = asyncio.create_task(self._run(self._caught_up))
        assert self._caught_up is not None
        waiting = asyncio.create_task(self._caught_up.wait())
        await asyncio.wait({self._reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            await self._reading

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _run(self, caught_up: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            tp = TopicPartition(self._settings.topic("models"), 0)
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            while True:
                for messages in (await consumer.getmany(tp, timeout_ms=POLL_MS)).values():
                    for message in messages:
                        self._take(message.value)
                # The end as a fetch tells it: what Tansu answers when asked for it can be short of the last batch.
                end = consumer.highwater(tp)
                if end is not None and await consumer.position(tp) >= end:
                    caught_up.set()
        finally:
            await consumer.stop()

    def _take(self, raw: bytes | None) -> None:
        if raw is None:  # an old version that the trainer deleted
            return
        answer = read_model(raw, self._parts.schema, len(self._parts.features))
        if isinstance(answer, RefusedModel):
            log.warning("model.refused", reason=answer.reason.value, detail=answer.detail)
            return
        self._on_model(answer.scorer, answer.message.counts_from_ms)
        self._metrics.counter("churnwatch_models_applied_total").inc()
        log.info("model.applied", version=answer.message.version)
