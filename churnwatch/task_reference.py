"""Customers and line views from Kafka into the directory: read without a group, from where Redis has them.

Sealed records (numbers, tokens) are carried over as they are; nobody here can open them.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition

from alerts.sealed_view import SealedView, decoded
from alerts.store.directory import Directory
from churnwatch.seals import SEALED_TOPICS
from churnwatch.settings import Settings
from pipeline.events import CustomerRecord, Stream
from pipeline.line_views import LineView
from pipeline.refusals import UNREADABLE

POLL_RECORDS = 5000
VIEWS = "line-views"

Read = TypeVar("Read")

log = structlog.get_logger()
_customers = msgspec.json.Decoder(CustomerRecord)
_views = msgspec.json.Decoder(LineView)


class ReferenceFeed:
    """Keeps the directory current.

    Args:
        views: where the sealed records of each of `SEALED_TOPICS` go.

    Attributes:
        newest_view_ms: stream time of the newest line view read, 0 before the first.
    """

    def __init__(
        self, settings: Settings, directory: Directory, consumer: KafkaConsumer, views: Mapping[str, SealedView]
    ) -> None:
        self._directory = directory
        self._sealed = {settings.topic(topic): views[topic] for topic in SEALED_TOPICS}
        self._consumer = consumer
        self._views_topic = settings.topic(VIEWS)
        customers = settings.topic(Stream.CUSTOMERS)
        parts = [(customers, number) for number in range(settings.kafka.partitions)] + [
            (topic, 0) for topic in (self._views_topic, *self._sealed)
        ]
        self._partitions = [TopicPartition(topic, number) for topic, number in parts]
        self.newest_view_ms = 0

    def start(self) -> None:
        """Read on from where the directory stands; from the beginning where it is empty or ahead of the topic."""
        self._consumer.assign(self._partitions)
        known = self._directory.positions()
        ends = self._consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            position = known.get(_name(partition), 0)
            self._consumer.seek(partition, position if position <= ends[partition] else 0)

    def read(self, timeout_ms: int = 0) -> int:
        """Take in what one poll brings; returns the number of records."""
        batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=POLL_RECORDS)
        customers: list[CustomerRecord] = []
        views: list[LineView] = []
        positions: dict[str, int] = {}
        for partition, records in batches.items():
            positions[_name(partition)] = records[-1].offset + 1
            if partition.topic in self._sealed:
                self._carry_over(partition.topic, records)
                continue
            values = [record.value for record in records if record.value is not None]
            if partition.topic == self._views_topic:
                views += _decoded(_views, values, VIEWS)
            else:
                customers += _decoded(_customers, values, Stream.CUSTOMERS)
        if positions:
            self._directory.put(customers, views, positions)
            self.newest_view_ms = max([self.newest_view_ms, *(view.ts_ms for view in views)])
        return sum(len(records) for records in batches.values())

    def read_to_end(self, timeout_ms: int = 200) -> None:
        """Read until everything that is there now has been taken in."""
        ends = self._consumer.end_offsets(self._partitions)
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self.read(timeout_ms)

    def _carry_over(self, topic: str, records: list[Any]) -> None:
        changes, refused = decoded(((record.key or b"").decode(), record.value) for record in records)
        self._sealed[topic].put(changes)
        if refused:
            log.warning("reference.refused", what=topic, records=refused)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}:{partition.partition}"


def _decoded(decoder: msgspec.json.Decoder[Read], values: list[bytes], what: str) -> list[Read]:
    """The readable ones. The worker dead-letters a malformed customer; here it is only passed over."""
    found = []
    refused = 0
    for value in values:
        try:
            found.append(decoder.decode(value))
        except UNREADABLE:
            refused += 1
    if refused:
        log.warning("reference.refused", what=what, records=refused)
    return found
