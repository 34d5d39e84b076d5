"""Everything that is in a topic now, for assertions."""

import logging
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from churnwatch.settings import Settings
from churnwatch.topics import planned_topics

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    partition: int
    offset: int
    key: str | None
    value: bytes


def read_topic(settings: Settings, name: str) -> list[Seen]:
    """All records of a topic (short name), partition by partition up to its true end."""
    topic = settings.topic(name)
    partitions = next(plan.partitions for plan in planned_topics(settings) if plan.name == topic)
    consumer = Consumer({
        "bootstrap.servers": settings.kafka.bootstrap,
        "group.id": f"read-{topic}",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "logger": logging.getLogger("rdkafka"),
    })  # fmt: skip
    seen: list[Seen] = []
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        ended = 0
        deadline = time.monotonic() + TIMEOUT_S
        while ended < partitions:
            assert time.monotonic() < deadline, f"{topic} fell silent"
            for message in consumer.consume(10_000, 0.1):
                if message.error() is not None:
                    ended += 1
                    continue
                key = message.key()
                text = key.decode() if isinstance(key, bytes) else key
                seen.append(Seen(message.partition() or 0, message.offset() or 0, text, message.value() or b""))
    finally:
        consumer.close()
    return sorted(seen, key=lambda record: (record.partition, record.offset))
