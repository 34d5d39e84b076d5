"""The worker's saved state, read from its changelog as another worker would."""

from confluent_kafka import Consumer, TopicPartition

from churnwatch.engine_parts import engine_parts
from churnwatch.settings import Settings
from pipeline.snapshot import Snapshotter
from pipeline.state.partition import PartitionState


def saved_states(settings: Settings) -> list[PartitionState]:
    """The state of every partition that has a whole snapshot."""
    parts = engine_parts(settings)
    states = []
    for partition, stored in _tables(settings).items():
        restored = Snapshotter(partition, parts.schema).restore(stored, settings.engine.page_lines)
        if restored is not None:
            states.append(restored[0])
    return states


def _tables(settings: Settings) -> dict[int, dict[bytes, bytes]]:
    topic = f"{settings.kafka.topic_prefix}-{settings.worker.id}-pages-changelog"
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka.bootstrap, "group.id": f"look-{topic}", "enable.partition.eof": True}
    )
    tables: dict[int, dict[bytes, bytes]] = {partition: {} for partition in range(settings.kafka.partitions)}
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in tables])
        ended = 0
        while ended < len(tables):
            for message in consumer.consume(1000, 0.1):
                if message.error() is not None:
                    ended += 1
                    continue
                table, key, value = tables[message.partition() or 0], message.key(), message.value()
                assert isinstance(key, bytes)
                if value is None:
                    table.pop(key, None)
                else:
                    table[key] = value
    finally:
        consumer.close()
    return tables
