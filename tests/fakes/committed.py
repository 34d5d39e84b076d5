"""How far a group of workers has acknowledged its inputs, and how far its saved state says it has come."""

from confluent_kafka import Consumer, TopicPartition

from churnwatch.settings import Settings
from pipeline.events import Stream
from tests.fakes.saved_state import newest_manifest, tables


def committed(settings: Settings) -> dict[tuple[Stream, int], int]:
    """Offsets that the workers' group has committed."""
    group = f"{settings.kafka.topic_prefix}-{settings.worker.id}"
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap, "group.id": group})
    try:
        asked = [
            (stream, TopicPartition(settings.topic(stream.value), partition))
            for stream in Stream
            for partition in range(settings.kafka.partitions)
        ]
        answers = consumer.committed([place for _, place in asked], timeout=20.0)
        return {
            (stream, place.partition): place.offset
            for (stream, _), place in zip(asked, answers, strict=True)
            if place.offset >= 0
        }
    finally:
        consumer.close()


def saved(settings: Settings) -> dict[tuple[Stream, int], int]:
    """Offsets that the newest snapshots say they contain."""
    offsets: dict[tuple[Stream, int], int] = {}
    for partition, table in tables(settings).items():
        manifest = newest_manifest(table)
        if manifest is not None:
            offsets |= {(stream, partition): offset for stream, offset in manifest.applied.items()}
    return offsets
