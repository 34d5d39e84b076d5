"""The task log in Kafka: sending what waits in the outbox, and giving Redis back what it lacks."""

from typing import Any

import msgspec
import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from alerts.chain import ChainBroken
from alerts.store import TaskStore
from alerts.store.outbox import TASK_EVENTS_POSITION, Parcel
from alerts.store.rebuild import Rebuilder
from alerts.tasks import OUTBOUND, TaskEvent, TaskEventKind
from churnwatch.settings import Settings
from pipeline.metrics import Metrics

EVENTS = "task-events"
TASKS = "tasks"
RELAY_RECORDS = 1000
READ_RECORDS = 2000
SEND_TIMEOUT_S = 20.0
READ_TIMEOUT_MS = 1000

log = structlog.get_logger()
_events = msgspec.json.Decoder(TaskEvent)


class TaskRelay:
    """Outbox to Kafka, at least once: a record is taken out only after the broker has it. Readers go by event id."""

    def __init__(self, settings: Settings, store: TaskStore, producer: KafkaProducer, metrics: Metrics) -> None:
        self._settings = settings
        self._store = store
        self._producer = producer
        self._metrics = metrics

    def relay(self) -> int:
        """Send everything that waits; returns the number of records. Raises KafkaError or RedisError."""
        sent = 0
        while parcels := self._store.outbox.pending(RELAY_RECORDS):
            self._store.outbox.settle(parcels, self._send(parcels))
            sent += len(parcels)
        return sent

    def _send(self, parcels: list[Parcel]) -> int | None:
        """Offset after the last task event among these, None when there was none."""
        futures = []
        events = []
        for parcel in parcels:
            futures.append((parcel.topic, self._put(parcel.topic, parcel.key, parcel.value.encode())))
            if parcel.topic == EVENTS:
                event = _events.decode(parcel.value)
                events.append(event)
                if event.task is not None:
                    futures.append((TASKS, self._put(TASKS, parcel.key, msgspec.json.encode(event.task))))
        self._producer.flush(timeout=SEND_TIMEOUT_S)
        offsets = [(topic, future.get(timeout=SEND_TIMEOUT_S).offset) for topic, future in futures]
        for event in events:
            self._count(event)
        return max((offset + 1 for topic, offset in offsets if topic == EVENTS), default=None)

    def _put(self, topic: str, key: str, value: bytes) -> Any:
        return self._producer.send(self._settings.topic(topic), key=key.encode(), value=value)

    def _count(self, event: TaskEvent) -> None:
        if event.kind is TaskEventKind.WARNING_REFUSED and event.reason is not None:
            self._metrics.counter("churnwatch_tasks_refused_total", reason=event.reason).inc()
        elif event.task is not None and event.kind is TaskEventKind.CREATED:
            self._metrics.counter("churnwatch_tasks_created_total", owner_kind=owner_kind(event.task.owner)).inc()
        elif event.task is not None and event.kind is TaskEventKind.ESCALATED:
            self._metrics.counter("churnwatch_tasks_escalated_total", owner_kind=owner_kind(event.task.owner)).inc()
        elif event.task is not None and not event.task.open and event.kind is not TaskEventKind.NOTE_ADDED:
            ended_by = event.disposition or event.task.result or event.kind
            self._metrics.counter("churnwatch_tasks_closed_total", disposition=ended_by).inc()


def owner_kind(owner: str) -> str:
    """Metric label: who has a task, without saying who."""
    return "queue" if owner == OUTBOUND else "manager"


def catch_up(settings: Settings, store: TaskStore, rebuilder: Rebuilder, consumer: KafkaConsumer) -> int:
    """Give Redis the logged changes that it lacks, then open it to writers; returns how many it lacked.

    After a normal start that is nothing, after Redis went back in time its last changes, after a loss everything. Two
    that do this at once do not harm each other. `consumer` has no group; it is assigned the task log here.

    Raises:
        ChainBroken: the log does not fit together, or not to what Redis holds.
    """
    rebuilder.close_gate()
    log_partition = TopicPartition(settings.topic(EVENTS), 0)
    consumer.assign([log_partition])
    position = store.directory.positions().get(TASK_EVENTS_POSITION, 0)
    try:
        applied = _read_log(store, rebuilder, consumer, log_partition, position)
    except ChainBroken as error:
        # Events before the position are missing when somebody wiped Redis meanwhile: all of the log has them.
        log.warning("log.read_again", problem=str(error))
        applied = _read_log(store, rebuilder, consumer, log_partition, 0)
    if applied:
        rebuilder.revive_calls()
        log.warning("inbox.restored", events=applied)
    rebuilder.open_gate()
    return applied


def _read_log(
    store: TaskStore, rebuilder: Rebuilder, consumer: KafkaConsumer, log_partition: TopicPartition, start: int
) -> int:
    end: int = consumer.end_offsets([log_partition])[log_partition]
    consumer.seek(log_partition, start if start <= end else 0)
    applied = 0
    while consumer.position(log_partition) < end:
        applied += _apply(store, rebuilder, consumer)
        store.outbox.mark_relayed(consumer.position(log_partition))
    return applied


def _apply(store: TaskStore, rebuilder: Rebuilder, consumer: KafkaConsumer) -> int:
    events = []
    for records in consumer.poll(timeout_ms=READ_TIMEOUT_MS, max_records=READ_RECORDS).values():
        events += [_events.decode(record.value) for record in records]
    applied = rebuilder.apply(events)
    store.clock.advance(max((event.ts_ms for event in events), default=0))
    return applied
