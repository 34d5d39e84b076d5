"""The models on churn.models, as they were published."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from kafka import TopicPartition

from churnwatch.clients import kafka_consumer
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from models.exchange import checksum
from pipeline.events import ModelMessage
from pipeline.refusals import UNREADABLE

POLL_MS = 500


def published_models(settings: Settings) -> list[ModelMessage]:
    """All models that the topic still holds, oldest first; unreadable messages are passed over.

    Raises:
        UserError: Kafka cannot be reached, or the topic does not exist.
    """
    consumer = kafka_consumer(settings)
    try:
        topic = settings.topic("models")
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        if not partitions:
            raise UserError(f"there is no topic {topic}; has a worker, trainer or `churnwatch demo` been started yet?")
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        models: list[ModelMessage] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                models.extend(model for record in records if (model := _decoded(record.value)) is not None)
        return models
    finally:
        consumer.close()


def versions(models: Iterable[ModelMessage]) -> list[str]:
    """Of each the version once, in the order in which they were published last."""
    last = {model.version: number for number, model in enumerate(models)}
    return sorted(last, key=last.__getitem__)


def summary(model: ModelMessage) -> dict[str, Any]:
    """One line about a model: everything but its numbers."""
    return {
        "version": model.version,
        "kind": model.kind,
        "created": _utc(model.created_ms),
        "counts_from": _utc(model.counts_from_ms),
        "labels_learned": model.labels_learned,
        "feature_schema": model.feature_schema,
        "river_version": model.river_version,
        "intact": checksum(model.body) == model.sha256,
        "metrics": model.metrics,
    }


def find_model(models: list[ModelMessage], version: str) -> ModelMessage:
    """The newest model whose version begins like this; an empty one means the newest of all. `blend-15` is `blend-15-...` before
    it is `blend-1536-...`.

    Raises:
        UserError: there is none.
    """
    for beginning in (f"{version}-", version):
        for model in reversed(models):
            if f"{model.version}-".startswith(beginning):
                return model
    known = ", ".join(dict.fromkeys(model.version for model in models[-5:])) or "none was published yet"
    raise UserError(f"no model {version!r} on the topic; the newest are: {known}")


def _decoded(value: bytes | None) -> ModelMessage | None:
    try:
        return msgspec.json.decode(value or b"", type=ModelMessage)
    except UNREADABLE:
        return None


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
