"""The console's rule book over Kafka: editions of `churn.rules`, what was observed lately, publishing a new edition."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from alerts.console.ports import RulesAwayError
from alerts.live_rules.observed import WINDOW_MS, Observation, Observed
from alerts.rules import Rules
from alerts.store import TaskStore
from alerts.tasks import Actor, TaskEvent, TaskEventKind
from alerts.vault import write_down
from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.errors import UserError
from churnwatch.rules_reader import RULES, decoded_rules
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import SignalReport
from pipeline.live_rules import Editions, RulesMessage, RuleValue
from pipeline.refusals import UNREADABLE

#: Nobody waits longer for a page; what was not read by then is read by the next one.
READ_S = 10.0
POLL_MS = 300
POLL_RECORDS = 5000
#: A person waits for the page, so the broker is not waited for as patiently as at a start.
CONNECT_S = 3.0
SEND_S = 10.0
#: The new edition must be on every worker before its tick: so long by the wall clock, so many ticks at least and so many
#: seconds of the stream's own speed where time runs fast.
LEAD_MS = 60_000
LEAD_TICKS = 2
LEAD_S = 10.0
#: The stream's speed is taken since somebody looked at the rules, at most so long ago.
SPEED_S = 600.0
LOG_ACCOUNT = "rules:live"
#: Topics from which a preview is counted.
OBSERVED = ("warnings", "line-views")

log = structlog.get_logger()


class Seen(msgspec.Struct, frozen=True):
    """What a preview needs of a warning or a line view."""

    account_id: str
    line_id: str | None
    ts_ms: int
    signals: list[SignalReport] = []
    active_signals: list[SignalReport] = []


_seen = msgspec.json.Decoder(Seen)


class KafkaRuleBook:
    """See `alerts.console.ports.RuleBook`. One reader at a time; what was read once is not read again."""

    def __init__(self, settings: Settings, store: TaskStore) -> None:
        patience = settings.kafka.model_copy(update={"connect_timeout_s": CONNECT_S})
        self._settings = settings.model_copy(update={"kafka": patience})
        self._store = store
        self._lock = threading.Lock()
        self._editions = Editions()
        self._observed = Observed()
        self._consumers: dict[str, KafkaConsumer] = {}
        self._looked = (time.monotonic(), 0)

    @property
    def base(self) -> Rules:
        """The rules of the files."""
        return self._store.rules

    def editions(self) -> list[RulesMessage]:
        """All editions, oldest first."""
        with self._lock, self._away_told():
            self._read_editions()
            if not self._looked[1] or time.monotonic() - self._looked[0] > SPEED_S:
                self._looked = (time.monotonic(), self._store.now_ms())
            return list(self._editions.taken)

    def observed(self) -> Observed:
        """The last seven days of stream time, as far as they could be read by now."""
        with self._lock, self._away_told():
            deadline = time.monotonic() + READ_S
            self._observed.unread = sum(self._read(topic, self._observe(topic), deadline) for topic in OBSERVED)
            self._observed.forget_old()
            return self._observed

    def publish(
        self, replaces: int, changes: dict[str, RuleValue], actor: Actor, why: str, restores: int | None
    ) -> RulesMessage | None:
        """Write the next edition; None where `replaces` is not the newest one any more: somebody was quicker."""
        with self._lock, self._away_told():
            self._read_editions()
            if self._editions.version != replaces:
                return None
            message = RulesMessage(
                version=replaces + 1,
                counts_from_ms=self._counts_from_ms(),
                made_ms=time.time_ns() // 1_000_000,
                author=actor.name,
                role=str(actor.role),
                why=why,
                changes=changes,
                restores=restores,
            )
            self._send(message)
            self._read_editions(until_version=message.version)
            if not self._editions.taken or self._editions.taken[-1] != message:
                return None
        self._write_down(message, actor)
        return message

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()

    @contextmanager
    def _away_told(self) -> Iterator[None]:
        """Kafka's failures become one that a page can tell; then all is read anew, since a broker may come back another."""
        try:
            yield
        except (KafkaError, UserError) as error:
            log.warning("rules.away", reason=type(error).__name__)
            self.close()
            self._consumers.clear()
            self._editions, self._observed = Editions(), Observed()
            raise RulesAwayError from error

    def _counts_from_ms(self) -> int:
        """The first tick that no worker can have passed when it hears of the edition; never before an earlier one's."""
        tick_ms = self._settings.engine.tick_s * 1000
        fast = self._settings.tasks.clock == "stream"
        now_ms = self._store.now_ms()
        latest_ms = now_ms + (max(LEAD_TICKS * tick_ms, self._fast_lead_ms(now_ms)) if fast else LEAD_MS)
        earlier_ms = max((one.counts_from_ms for one in self._editions.taken), default=0)
        return max(-(-latest_ms // tick_ms) * tick_ms, earlier_ms)

    def _fast_lead_ms(self, now_ms: int) -> int:
        """What stream time passes in `LEAD_S`, at the speed since somebody looked at the rules; 0: not known."""
        looked_s, looked_ms = self._looked
        passed_s = time.monotonic() - looked_s
        return round(LEAD_S * (now_ms - looked_ms) / passed_s) if looked_ms and passed_s > 1.0 else 0

    def _send(self, message: RulesMessage) -> None:
        producer = kafka_producer(self._settings)
        try:
            key = f"{message.version}:{message.author}:{message.made_ms}"
            value = msgspec.json.encode(message)
            producer.send(self._settings.topic(RULES), key=key.encode(), value=value).get(timeout=SEND_S)
        finally:
            producer.close(timeout=SEND_S)

    def _write_down(self, message: RulesMessage, actor: Actor) -> None:
        """The auditor finds it beside everything else that people did, in a hash chain of its own."""
        write_down(self._store, TaskEvent(
            account_id=LOG_ACCOUNT,
            ts_ms=self._store.now_ms(),
            kind=TaskEventKind.RULES_CHANGED,
            actor=actor.name,
            role=actor.role,
            note=f"{message.version}: {message.why}",
        ))  # fmt: skip

    def _read_editions(self, until_version: int = 0) -> None:
        deadline = time.monotonic() + READ_S
        while True:
            self._read(RULES, self._take_edition, deadline)
            if self._editions.version >= until_version or time.monotonic() > deadline:
                return

    def _take_edition(self, raw: bytes) -> None:
        message = decoded_rules(raw)
        if message is not None:
            self._editions.take(message)

    def _observe(self, topic: str) -> Callable[[bytes], None]:
        warned = topic == "warnings"

        def take(raw: bytes) -> None:
            try:
                seen = _seen.decode(raw)
            except UNREADABLE:
                return  # the tasks process dead-letters it
            signals = seen.signals if warned else seen.active_signals
            self._observed.add(seen.account_id, seen.line_id, Observation(seen.ts_ms, signals, warned))

        return take

    def _read(self, topic: str, take: Callable[[bytes], None], deadline_s: float) -> int:
        """Read on to the end or the deadline; returns how many records are left."""
        partition = TopicPartition(self._settings.topic(topic), 0)
        consumer = self._consumers.get(topic) or self._connected(topic, partition)
        while True:
            for record in consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).get(partition, []):
                if record.value is not None:
                    take(record.value)
            end = consumer.highwater(partition)
            left = 0 if end is None else int(end - consumer.position(partition))
            if (end is not None and left <= 0) or time.monotonic() > deadline_s:
                return max(0, left)

    def _connected(self, topic: str, partition: TopicPartition) -> KafkaConsumer:
        ensure_topics(self._settings)
        consumer = kafka_consumer(self._settings)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        if topic in OBSERVED:
            # What was written longer ago is older than the window in stream time as well.
            since_ms = time.time_ns() // 1_000_000 - WINDOW_MS
            found: dict[TopicPartition, Any] = consumer.offsets_for_times({partition: since_ms}) or {}
            if found.get(partition) is not None:
                consumer.seek(partition, found[partition].offset)
        self._consumers[topic] = consumer
        return consumer
