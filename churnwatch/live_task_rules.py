"""Live rules in the tasks process: each warning is admitted by the edition that counts at its own time."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import redis
import structlog
from kafka import KafkaConsumer, TopicPartition

from alerts.live_rules.catalogue import changed_tasks
from alerts.store import TaskStore
from churnwatch.clients import kafka_consumer
from churnwatch.rules_reader import RULES, decoded_rules
from churnwatch.settings import Settings
from pipeline.events import ChurnWarning
from pipeline.live_rules import Editions, with_changes
from pipeline.policy import PolicyError

LOOK_EVERY_S = 1.0
POLL_MS = 200

log = structlog.get_logger()


class LiveTaskRules:
    """Follows `churn.rules` and says through which store a warning goes: the same Redis, decided by another edition."""

    def __init__(self, settings: Settings, client: redis.Redis, shipped: TaskStore) -> None:
        self._settings = settings
        self._redis = client
        self._shipped = shipped
        self._editions = Editions()
        self._stores: dict[int, TaskStore] = {}
        self._consumer: KafkaConsumer | None = None
        self._looked_s = float("-inf")

    def follow(self, *, at_once: bool = False) -> None:
        """Take in what was published; at most once a second. Raises KafkaError, UserError."""
        if not at_once and time.monotonic() - self._looked_s < LOOK_EVERY_S:
            return
        if self._consumer is None:
            self._consumer = kafka_consumer(self._settings)
            self._consumer.assign([TopicPartition(self._settings.topic(RULES), 0)])
            self._consumer.seek_to_beginning()
        partition = TopicPartition(self._settings.topic(RULES), 0)
        while True:
            for record in self._consumer.poll(timeout_ms=POLL_MS if at_once else 0).get(partition, []):
                self._take(record.value)
            end = self._consumer.highwater(partition)
            if not at_once or (end is not None and self._consumer.position(partition) >= end):
                break
        self._looked_s = time.monotonic()

    def admitting(self, warnings: Sequence[ChurnWarning]) -> Iterator[tuple[TaskStore, list[ChurnWarning]]]:
        """The warnings in their order, in stretches that one edition decides on."""
        for store, part in groupby(warnings, key=lambda warning: self._store_at(warning.ts_ms)):
            yield store, list(part)

    @property
    def version(self) -> int:
        """The newest edition taken in; 0: as shipped."""
        return self._editions.version

    def close(self) -> None:
        """Leave the topic."""
        if self._consumer is not None:
            self._consumer.close()

    def _store_at(self, ts_ms: int) -> TaskStore:
        edition = self._editions.at(ts_ms)
        return self._shipped if edition is None else self._stores.get(edition.version, self._shipped)

    def _take(self, raw: bytes | None) -> None:
        message = decoded_rules(raw)
        if message is None or not self._editions.take(message):
            return
        rules = self._shipped.rules
        try:
            changed = replace(
                rules,
                tasks=changed_tasks(rules.tasks, message.changes),
                signals=with_changes(rules.signals, message.changes),
            )
        except PolicyError as error:
            log.error("rules.refused", version=message.version, problem=str(error))
            return
        self._stores[message.version] = TaskStore(
            self._redis, self._settings.kafka.topic_prefix, self._shipped.clock, changed
        )
        log.info("rules.taken", version=message.version, counts_from_ms=message.counts_from_ms)
