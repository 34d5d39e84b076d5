"""Feeds the audit trail from the task log in Kafka, from its beginning and on, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from alerts.audit_trail import AuditTrail
from alerts.tasks import TaskEvent
from churnwatch.clients import kafka_consumer
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.refusals import UNREADABLE

POLL_MS = 500
POLL_RECORDS = 2000
RETRY_S = 5.0
LEAVE_S = 2.0

log = structlog.get_logger()
_events = msgspec.json.Decoder(TaskEvent)


@contextmanager
def followed_trail(settings: Settings) -> Iterator[AuditTrail]:
    """A trail that follows the log while the block runs. While Kafka is away it stands still and says how far it is."""
    trail, stop = AuditTrail(), threading.Event()
    thread = threading.Thread(target=_follow, args=(settings, trail, stop), name="audit", daemon=True)
    thread.start()
    try:
        yield trail
    finally:
        stop.set()
        thread.join(LEAVE_S)


def _follow(settings: Settings, trail: AuditTrail, stop: threading.Event) -> None:
    position = 0
    while not stop.is_set():
        try:
            ensure_topics(settings)
            consumer = kafka_consumer(settings)
        except (UserError, KafkaError) as error:
            log.warning("audit.waiting", reason=type(error).__name__)
            stop.wait(RETRY_S)
            continue
        try:
            position = _read(settings, consumer, trail, position, stop)
        except KafkaError as error:
            log.warning("audit.interrupted", reason=type(error).__name__)
            stop.wait(RETRY_S)
        finally:
            consumer.close()


def _read(settings: Settings, consumer: KafkaConsumer, trail: AuditTrail, start: int, stop: threading.Event) -> int:
    partition = TopicPartition(settings.topic("task-events"), 0)
    consumer.assign([partition])
    consumer.seek(partition, start)
    position = start
    while not stop.is_set():
        polled = consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).get(partition, [])
        position = consumer.position(partition)
        end = consumer.highwater(partition)
        trail.take(_decoded(polled), None if end is None else max(0, end - position))
    return position


def _decoded(records: list[object]) -> list[TaskEvent]:
    events = []
    for record in records:
        try:
            events.append(_events.decode(record.value))  # type: ignore[attr-defined]  # kafka-python leaves records untyped
        except UNREADABLE as error:
            log.warning("audit.unreadable", reason=type(error).__name__)
    return events
