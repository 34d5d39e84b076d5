"""The tasks process: warnings in, tasks out, and the task log kept in step. A second one stands by.

Order matters. Redis accepts a batch in atomic steps, the outbox goes to Kafka, only then are the warnings' offsets
committed: a Redis that loses everything gets its tasks back from the log and the rest from the warnings themselves.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import redis
import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from alerts.chain import ChainBroken
from alerts.queue import CallQueue
from alerts.store.ledger import InboxNotReady
from alerts.store.rebuild import Rebuilder
from churnwatch.clients import kafka_consumer, kafka_producer, redis_client
from churnwatch.errors import UserError
from churnwatch.live_task_rules import LiveTaskRules
from churnwatch.seals import SEALED_TOPICS, sealed_view
from churnwatch.settings import Settings
from churnwatch.task_log import TaskRelay, catch_up
from churnwatch.task_reference import ReferenceFeed
from churnwatch.task_store import task_store
from churnwatch.task_sweeps import TaskSweeper
from churnwatch.task_triggers import TriggerFeed
from churnwatch.topics import ensure_topics
from churnwatch.vault_keeping import VaultKeeping, retention
from pipeline.events import ChurnWarning, DeadLetter, RefusalReason
from pipeline.metrics import Metrics
from pipeline.refusals import UNREADABLE

GROUP = "tasks"
WARNINGS = "warnings"
POLL_MS = 100
GATE_CHECK_S = 0.5
AWAY_PAUSE_S = 1.0
CLOSE_TIMEOUT_S = 5.0
RAW_LENGTH_MAX = 4000

log = structlog.get_logger()
_warnings = msgspec.json.Decoder(ChurnWarning)


class TasksProcess(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no type hints
    """Whoever has the one partition of churn.warnings leads: admits, relays, sweeps. The others wait.

    Attributes:
        leading: whether this process does the work.
        joined: whether the group has given it a place, as leader or as standby.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        client: redis.Redis,
        consumers: tuple[KafkaConsumer, KafkaConsumer, KafkaConsumer],
        producer: KafkaProducer,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._redis = client
        self._store = task_store(settings, client)
        self._consumer, reference, happenings = consumers
        self._producer = producer
        self._live_rules = LiveTaskRules(settings, client, self._store)
        views = {topic: sealed_view(settings, client, topic) for topic in SEALED_TOPICS}
        self._reference = ReferenceFeed(settings, self._store.directory, reference, views)
        self._triggers = TriggerFeed(settings, self._store, happenings)
        self._relay = TaskRelay(settings, self._store, producer, metrics)
        self._rebuilder = Rebuilder(client, self._store.keys, self._store.ledger)
        self._queue = CallQueue(client, self._store, "tasks")
        self._sweeper = TaskSweeper(client, self._store, self._queue, metrics)
        self._vault = VaultKeeping(retention(settings, client, self._store, producer))
        self._stop = threading.Event()
        self.leading = False
        self.joined = False
        self._recovered = False
        self._swept_s = 0.0
        self._checked_s = 0.0

    def stop(self) -> None:
        """Ask the loop to end after the step under way."""
        self._stop.set()

    @property
    def rules_version(self) -> int:
        """The newest edition of the rules that was taken in."""
        return self._live_rules.version

    def close(self) -> None:
        """Let go of what this process opened itself."""
        self._live_rules.close()

    def run(self) -> None:
        """Work until `stop`. A service that goes away is waited for; nothing is committed meanwhile.

        Raises:
            UserError: the task log is damaged.
        """
        self._consumer.subscribe([self._settings.topic(WARNINGS)], listener=self)
        while not self._stop.is_set():
            try:
                self.step(POLL_MS)
            except (KafkaError, redis.RedisError, InboxNotReady) as error:
                self._recovered = False
                log.warning("tasks.interrupted", problem=str(error), retry_s=AWAY_PAUSE_S)
                self._stop.wait(AWAY_PAUSE_S)
            except ChainBroken as error:
                raise UserError(f"the task log does not fit: {error}; see `churnwatch rebuild-inbox`") from error

    def step(self, timeout_ms: int) -> None:
        """One poll and everything that follows from it."""
        batch = self._consumer.poll(timeout_ms=timeout_ms, max_records=self._settings.tasks.batch_records)
        if not self.leading:
            return
        with self._back_on_failure(batch):
            self._check_gate()
            self._recover_once()
            self._reference.read()
            self._live_rules.follow()
            self._admit([record for records in batch.values() for record in records])
            self._sweeper.note(self._triggers.follow())
            self._relay.relay()
            if batch:
                self._consumer.commit()
            self._sweep_when_due()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """We lead now, and trust nothing that was true before."""
        self.joined = True
        if list(assigned):
            self.leading, self._recovered = True, False
            log.info("tasks.leading")

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Another process leads, or this one ends."""
        if list(revoked):
            self.leading = False
            log.info("tasks.standing_by")

    @contextmanager
    def _back_on_failure(self, batch: dict[TopicPartition, Sequence[Any]]) -> Iterator[None]:
        """Read this batch again when it could not be dealt with."""
        try:
            yield
        except (KafkaError, redis.RedisError, InboxNotReady):
            for partition, records in batch.items():
                if partition in self._consumer.assignment():
                    self._consumer.seek(partition, records[0].offset)
            raise

    def _check_gate(self) -> None:
        """Notice a Redis that was started again, lost everything or went back in time, even if nobody writes."""
        now_s = time.monotonic()
        if self._recovered and now_s - self._checked_s >= GATE_CHECK_S:
            self._checked_s = now_s
            if not self._rebuilder.gate_is_open():
                log.warning("inbox.shut")
                self._recovered = False

    def _recover_once(self) -> None:
        if self._recovered:
            return
        consumer = kafka_consumer(self._settings)
        try:
            catch_up(self._settings, self._store, self._rebuilder, consumer)
        finally:
            consumer.close()
        self._reference.start()
        self._reference.read_to_end()
        self._live_rules.follow(at_once=True)
        self._triggers.start()
        self._queue.prepare()
        self._sweeper.recovered()
        self._recovered = True
        log.info("tasks.ready", open=self._store.count_open())

    def _admit(self, records: Sequence[Any]) -> None:
        warnings = [warning for record in records if (warning := self._decode(record)) is not None]
        if not warnings:
            self._store.clock.advance(self._reference.newest_view_ms)
            return
        accounts = list({warning.account_id for warning in warnings})
        if len(self._store.directory.customers(accounts)) < len(accounts):
            # Their records were in Kafka before the warnings were: look once more before taking them for unknown.
            self._reference.read_to_end()
        for store, part in self._live_rules.admitting(warnings):
            self._sweeper.note(store.admit_warnings(part))

    def _decode(self, record: Any) -> ChurnWarning | None:
        value: bytes = record.value or b""
        try:
            return _warnings.decode(value)
        except msgspec.ValidationError as error:
            self._bury(record, value, RefusalReason.WRONG_TYPE, str(error))
        except UNREADABLE as error:
            self._bury(record, value, RefusalReason.INVALID_JSON, str(error))
        return None

    def _bury(self, record: Any, value: bytes, reason: RefusalReason, detail: str) -> None:
        letter = DeadLetter(
            stream=WARNINGS,
            reason=reason,
            raw=value[:RAW_LENGTH_MAX].decode("utf-8", "backslashreplace"),
            detail=detail,
            partition=record.partition,
            offset=record.offset,
        )
        self._producer.send(self._settings.topic("dead-letters"), value=msgspec.json.encode(letter))
        log.warning("warning.refused", reason=reason, offset=letter.offset)

    def _sweep_when_due(self) -> None:
        now_s = time.monotonic()
        if now_s - self._swept_s < self._settings.tasks.sweep_every_s:
            return
        self._swept_s = now_s
        self._sweeper.sweep()
        self._queue.report_silent()
        self._vault.sweep_when_due()


@contextmanager
def tasks_process(settings: Settings, metrics: Metrics) -> Iterator[TasksProcess]:
    """A connected tasks process; call its `run`.

    Raises:
        UserError: Kafka or Redis cannot be reached within the configured time, or a topic or policy is wrong.
    """
    ensure_topics(settings)
    client = redis_client(settings)
    producer = kafka_producer(settings, max_request_size=4_000_000)
    consumer = kafka_consumer(settings, group_id=f"{settings.kafka.topic_prefix}-{GROUP}")
    reference = kafka_consumer(settings)
    happenings = kafka_consumer(settings)
    try:
        process = TasksProcess(settings, metrics, client, (consumer, reference, happenings), producer)
        try:
            yield process
        finally:
            process.close()
    finally:
        consumer.close()
        reference.close()
        happenings.close()
        producer.close(timeout=CLOSE_TIMEOUT_S)
        client.close()


def rebuild_inbox(settings: Settings) -> int:
    """Delete what Redis holds of tasks and build it again from the task log; returns the number of events applied.

    Changes that Kafka has not been told yet are sent first, so that none is lost.

    Raises:
        UserError: a service is away, or the log is damaged.
    """
    ensure_topics(settings)
    client = redis_client(settings)
    store = task_store(settings, client)
    rebuilder = Rebuilder(client, store.keys, store.ledger)
    producer = kafka_producer(settings, max_request_size=4_000_000)
    consumer = kafka_consumer(settings)
    try:
        rebuilder.close_gate()
        TaskRelay(settings, store, producer, Metrics()).relay()
        rebuilder.wipe()
        return catch_up(settings, store, rebuilder, consumer)
    except ChainBroken as error:
        raise UserError(f"the task log is damaged: {error}") from error
    except (KafkaError, redis.RedisError) as error:
        raise UserError(
            f"the rebuild was interrupted: {error}; the inbox stays closed until it is run again"
        ) from error
    finally:
        consumer.close()
        producer.close(timeout=CLOSE_TIMEOUT_S)
