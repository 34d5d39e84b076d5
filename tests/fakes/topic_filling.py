"""The synthetic operator's days into the input topics, all at once."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Producer

from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import Stream
from pipeline.sources.operator.simulate import OperatorDay


@dataclass(slots=True)
class Filling:
    """What was put into the topics."""

    records: int = 0
    malformed: Counter[str] = field(default_factory=Counter)


def fill_topics(
    settings: Settings,
    days: Iterable[OperatorDay],
    extra: Mapping[Stream, list[tuple[bytes, bytes]]] | None = None,
    batch_records: int = 10_000,
) -> Filling:
    """Send all records of all days, then `extra` (key, value) pairs, and wait for the broker.

    A broker hands out whole batches: small ones let a consumer fetch little at a time.
    """
    ensure_topics(settings)
    producer = Producer({
        "bootstrap.servers": settings.kafka.bootstrap,
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "batch.num.messages": batch_records,
        "queue.buffering.max.messages": 1_000_000,
        "logger": logging.getLogger("rdkafka"),
    })  # fmt: skip
    filling = Filling()
    for day in days:
        for stream, batch in day.streams.items():
            for _, key, line in batch:
                producer.produce(settings.topic(stream.value), key=key, value=line)
                filling.records += 1
        filling.malformed.update({reason.value: count for reason, count in day.malformed.items()})
        producer.poll(0)
    for stream, pairs in (extra or {}).items():
        for key, value in pairs:
            producer.produce(settings.topic(stream.value), key=key, value=value)
            filling.records += 1
    assert producer.flush(60.0) == 0
    return filling
