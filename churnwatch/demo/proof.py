"""The proof at the end of a headless demo: the whole task log, read from Kafka and counted anew."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from kafka import TopicPartition

from alerts.invariants import findings
from alerts.store.directory import customer_of
from alerts.tasks import Customer, TaskEvent, TaskEventKind
from churnwatch.clients import kafka_consumer
from churnwatch.settings import Settings
from churnwatch.task_store import task_rules
from pipeline.events import CustomerRecord, Stream

POLL_MS = 500
POLL_RECORDS = 5000

_events = msgspec.json.Decoder(TaskEvent)
_customers = msgspec.json.Decoder(CustomerRecord)


def proof(settings: Settings) -> dict[str, Any]:
    """What the task log says: `invariants_broken` in all and by name, and what was done.

    `contacts` counts contacts of all channels, `dispositions` how they ended, `tasks_by_purpose` the tasks that were made.
    """
    rules = task_rules(settings)
    events = [_events.decode(value) for value in _values(settings, "task-events")]
    found = findings(events, _known_customers(settings), rules)
    unique = {event.event_id: event for event in events}.values()
    made = [event.task for event in unique if event.kind is TaskEventKind.CREATED and event.task is not None]
    return {
        "invariants_broken": found.total,
        "invariants": found.broken,
        **({"invariants_examples": found.examples} if found.examples else {}),
        "task_events": len(unique),
        "contacts": found.contacts,
        "contacts_planned": sum(event.kind is TaskEventKind.PLANNED for event in unique),
        "dispositions": dict(Counter(str(event.disposition) for event in unique if event.disposition).most_common()),
        "tasks_by_purpose": dict(Counter(str(task.purpose) for task in made).most_common()),
        "task_results": dict(_results(unique).most_common()),
    }


def _results(events: Any) -> Counter[str]:
    ended = {
        event.task.task_id: str(event.task.result or event.task.state)
        for event in events
        if event.task is not None and not event.task.open
    }
    return Counter(ended.values())


def _known_customers(settings: Settings) -> dict[str, list[Customer]]:
    """Every record of each account, oldest first; spoilt ones, which nobody could use, are passed over."""
    known: dict[str, list[Customer]] = defaultdict(list)
    for value in _values(settings, Stream.CUSTOMERS):
        try:
            record = _customers.decode(value)
        except msgspec.DecodeError:
            continue
        known[record.account_id].append(customer_of(record))
    for records in known.values():
        records.sort(key=lambda one: one.ts_ms)
    return known


def _values(settings: Settings, topic: str) -> Iterator[bytes]:
    """Every record of a topic up to its present end."""
    consumer = kafka_consumer(settings)
    try:
        name = settings.topic(topic)
        partitions = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or {0})]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).values():
                yield from (record.value for record in records if record.value is not None)
    finally:
        consumer.close()
