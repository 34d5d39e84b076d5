"""Orders, tickets, outcomes and bills from Kafka, as far as they make or end tasks or tell what a customer is worth.

Read without a group; how far they were followed stands in Redis. A Redis that lost it reads them all again: what was followed
before is known by its cause, which the task log gives back.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition

from alerts.store import TaskStore
from alerts.store.clock import StreamClock
from alerts.tasks import TaskEvent
from alerts.triggers import TELLING, Trigger, care_trigger, order_trigger, outcome_trigger
from alerts.value.measures import Measure, billing_measure, order_measure
from churnwatch.settings import Settings
from pipeline.events import BillingKind, BillingRecord, CareRecord, OrderRecord, OutcomeRecord, Stream
from pipeline.refusals import UNREADABLE

POLL_RECORDS = 5000
BATCH = 1000
#: Trigger records that wait for stream time to reach them; then reading pauses.
AHEAD_MAX = 20_000

log = structlog.get_logger()
_orders = msgspec.json.Decoder(OrderRecord)
_care = msgspec.json.Decoder(CareRecord)
_outcomes = msgspec.json.Decoder(OutcomeRecord)
_billing = msgspec.json.Decoder(BillingRecord)
_words = tuple(word.encode() for word in (*TELLING, BillingKind.OVERDUE))

FOLLOWED = (Stream.ORDERS, Stream.CARE, Stream.OUTCOMES, Stream.BILLING)
#: Every order and ticket stands on the customer's time axis; of the others few tell anything.
WHOLE = (Stream.ORDERS, Stream.CARE)
Record = OrderRecord | CareRecord | OutcomeRecord | BillingRecord
_decoders: dict[Stream, msgspec.json.Decoder[Any]] = {
    Stream.ORDERS: _orders, Stream.CARE: _care, Stream.OUTCOMES: _outcomes, Stream.BILLING: _billing,
}  # fmt: skip


class Waiting(NamedTuple):
    """Something that happened, read at this place."""

    partition: str
    offset: int
    trigger: Trigger


class TriggerFeed:
    """Follows what happened to customers, never ahead of the stream's own time."""

    def __init__(self, settings: Settings, store: TaskStore, consumer: KafkaConsumer) -> None:
        self._store = store
        self._consumer = consumer
        self._streams = {settings.topic(stream): stream for stream in FOLLOWED}
        self._partitions = [
            TopicPartition(topic, number) for topic in self._streams for number in range(settings.kafka.partitions)
        ]
        self._waiting: deque[Waiting] = deque()
        self._noted: dict[str, int] = {}

    def start(self) -> None:
        """Read on from where Redis stands; from the beginning where it is empty or ahead of the topic."""
        self._waiting.clear()
        self._noted = {}
        self._consumer.assign(self._partitions)
        known = self._store.directory.positions()
        ends = self._consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            position = known.get(_name(partition), 0)
            self._consumer.seek(partition, position if position <= ends[partition] else 0)

    def follow(self) -> list[TaskEvent]:
        """Take in what one poll brings and follow what has happened by now; returns the events that this made."""
        if len(self._waiting) < AHEAD_MAX:
            self._read()
        due = [one for one in self._waiting if self._has_happened(one.trigger)][:BATCH]
        if not due:
            self._note_positions()
            return []
        events = self._store.follow_triggers([one.trigger for one in due])
        done = set(due)
        self._waiting = deque(one for one in self._waiting if one not in done)
        self._note_positions()
        return events

    def _has_happened(self, trigger: Trigger) -> bool:
        """Whether stream time has come to it; by a wall clock everything that was told has happened."""
        return not isinstance(self._store.clock, StreamClock) or trigger.ts_ms <= self._store.now_ms()

    def _read(self) -> None:
        measures: list[Measure] = []
        happened: list[OrderRecord | CareRecord] = []
        for partition, records in self._consumer.poll(timeout_ms=0, max_records=POLL_RECORDS).items():
            stream = self._streams[partition.topic]
            for offset, record in self._telling(stream, records):
                if isinstance(record, OrderRecord | CareRecord):
                    happened.append(record)
                measure = _measure(record)
                measures += [measure] if measure is not None else []
                trigger = self._trigger(record)
                if trigger is not None:
                    self._waiting.append(Waiting(_name(partition), offset, trigger))
        if measures:
            self._store.measured.note(measures)
        if happened:
            self._store.happenings.note(happened)

    def _telling(self, stream: Stream, records: list[Any]) -> Iterator[tuple[int, Record]]:
        """The records that may tell something. The worker dead-letters malformed ones; here they are passed over."""
        refused = 0
        for record in records:
            value: bytes = record.value or b""
            if stream not in WHOLE and not any(word in value for word in _words):
                continue
            try:
                yield record.offset, _decoders[stream].decode(value)
            except UNREADABLE:
                refused += 1
        if refused:
            log.warning("trigger.refused", stream=stream, records=refused)

    def _trigger(self, record: Record) -> Trigger | None:
        if isinstance(record, OrderRecord):
            return order_trigger(record, self._store.policy)
        if isinstance(record, CareRecord):
            return care_trigger(record, self._store.policy)
        return outcome_trigger(record) if isinstance(record, OutcomeRecord) else None

    def _note_positions(self) -> None:
        """Each partition is done up to its first record that waits, else up to where it was read."""
        positions = {_name(partition): self._consumer.position(partition) for partition in self._partitions}
        for one in self._waiting:
            positions[one.partition] = min(positions[one.partition], one.offset)
        if positions != self._noted:
            self._store.directory.put([], [], positions)
            self._noted = positions


def _name(partition: TopicPartition) -> str:
    return f"triggers:{partition.topic}:{partition.partition}"


def _measure(record: Record) -> Measure | None:
    if isinstance(record, OrderRecord):
        return order_measure(record)
    return billing_measure(record) if isinstance(record, BillingRecord) else None
