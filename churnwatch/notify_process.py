"""The notifier as a process: reads the task log, tells owners by Apprise, commits what was told. A second one stands by."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import apprise
import msgspec
import redis
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from alerts.console import load_console_texts
from alerts.console.page_texts import PageTextsError
from alerts.notify import Message, Notifier, notice_of
from alerts.notify_policy import LANGUAGES, Contact, NotifyError, read_contacts, read_notify_policy, read_texts
from alerts.reason_texts import ReasonTextsError
from alerts.tasks import TaskEvent
from churnwatch.clients import kafka_consumer, redis_client
from churnwatch.errors import UserError
from churnwatch.settings import CONFIG_DIR, Settings
from churnwatch.topics import ensure_topics
from pipeline.metrics import Metrics
from pipeline.refusals import UNREADABLE

GROUP = "notify"
POLL_MS = 500
POLL_RECORDS = 500
AWAY_PAUSE_S = 1.0
#: A message that no address took is tried again after these pauses, then given up.
RETRY_S = (30.0, 120.0, 600.0)
#: What was told is remembered for longer than anything waits.
REMEMBERED_S = 3 * 86_400
#: What is older when it is read is told to nobody: after a long stop, yesterday's tasks are no news.
NEWS_MS = 24 * 3_600_000

log = structlog.get_logger()
_events = msgspec.json.Decoder(TaskEvent)


class Sender(Protocol):
    """Sends to all addresses of a contact; True when at least one took it."""

    def __call__(self, contact: Contact, title: str, body: str) -> bool: ...


def send_by_apprise(contact: Contact, title: str, body: str) -> bool:
    """Mail, WeCom, DingTalk, Feishu, Slack, webhooks and what else Apprise knows."""
    sink = apprise.Apprise()
    for url in contact.urls:
        if not sink.add(url):
            log.warning("notify.address_unknown")
    return bool(len(sink)) and bool(sink.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))


class NotifyProcess:
    """Reads, tells, commits. A sink that is down holds up nobody but its owner's messages."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        notifier: Notifier,
        client: redis.Redis,
        consumer: KafkaConsumer,
        send: Sender = send_by_apprise,
    ) -> None:
        self._prefix = settings.kafka.topic_prefix
        self._metrics = metrics
        self._notifier = notifier
        self._redis = client
        self._consumer = consumer
        self._send = send
        self._partition = TopicPartition(settings.topic("task-events"), 0)
        self._retries: dict[str, tuple[int, float]] = {}
        self._position = 0
        self._committed = -1
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the loop to end after the step under way."""
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`; a service that goes away is waited for."""
        while not self._stop.is_set():
            try:
                self.step(POLL_MS)
            except (KafkaError, redis.RedisError) as error:
                log.warning("notify.interrupted", problem=str(error), retry_s=AWAY_PAUSE_S)
                self._stop.wait(AWAY_PAUSE_S)

    def step(self, timeout_ms: int) -> int:
        """One poll, and everything that is due; returns the number of messages sent."""
        batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=POLL_RECORDS)
        now_ms = time.time_ns() // 1_000_000
        for record in batches.get(self._partition, ()):
            self._take(record, now_ms)
            self._position = record.offset + 1
        sent = sum(self._deliver(message, now_ms) for message in self._notifier.due(now_ms) if self._may_try(message))
        self._commit()
        self._metrics.gauge("churnwatch_notices_waiting").set(self._notifier.waiting())
        return sent

    def _take(self, record: Any, now_ms: int) -> None:
        try:
            event = _events.decode(record.value or b"")
        except UNREADABLE:
            log.warning("notify.event_refused", offset=record.offset)
            return
        if record.timestamp and record.timestamp < now_ms - NEWS_MS:
            return
        notice = notice_of(event, record.offset)
        if notice is not None and not self._redis.exists(self._key(notice.event_id)):
            self._notifier.add(notice, now_ms)

    def _deliver(self, message: Message, now_ms: int) -> bool:
        if self._send(self._notifier.contact(message.owner), message.title, message.body):
            self._settle(message, now_ms, "sent")
            return True
        tried, _ = self._retries.get(message.owner, (0, 0.0))
        if tried >= len(RETRY_S):
            self._settle(message, now_ms, "given_up")
            return False
        self._retries[message.owner] = (tried + 1, time.monotonic() + RETRY_S[tried])
        self._metrics.counter("churnwatch_messages_total", outcome="failed").inc()
        log.warning("notify.not_taken", tried=tried + 1, retry_s=RETRY_S[tried])
        return False

    def _settle(self, message: Message, now_ms: int, outcome: str) -> None:
        """Remember first, so that whoever reads the log again does not tell it again."""
        pipe = self._redis.pipeline(transaction=True)
        for notice in message.notices:
            pipe.set(self._key(notice.event_id), "1", ex=REMEMBERED_S)
        pipe.execute()
        self._notifier.told(message, now_ms)
        self._retries.pop(message.owner, None)
        self._metrics.counter("churnwatch_messages_total", outcome=outcome).inc()
        log.info("message.settled", outcome=outcome, tasks=len(message.notices))

    def _may_try(self, message: Message) -> bool:
        _, not_before_s = self._retries.get(message.owner, (0, 0.0))
        return time.monotonic() >= not_before_s

    def _commit(self) -> None:
        """Only up to the oldest notice that still waits: after a restart it is read again."""
        position = self._notifier.told_up_to(self._position)
        if position > self._committed and self._partition in self._consumer.assignment():
            self._consumer.commit({self._partition: OffsetAndMetadata(position, "", -1)})
            self._committed = position

    def _key(self, event_id: str) -> str:
        return f"{self._prefix}:told:{event_id}"


def notifier_of(settings: Settings) -> Notifier:
    """The notifier of the settings.

    Raises:
        UserError: no contacts configured, or a file is wrong.
    """
    path = settings.notify.contacts_file
    if path is None:
        raise UserError(
            "notify.contacts_file is not set; it names owners and their addresses, see docs/notifications.md"
        )
    try:
        pages = load_console_texts(CONFIG_DIR).pages
        words = {
            language: {
                key.partition(".")[2]: text for key, text in pages[language].texts.items() if key.startswith("group.")
            }
            for language in LANGUAGES
        }
        return Notifier(read_notify_policy(), read_contacts(path), read_texts(), words, settings.notify.link)
    except (NotifyError, PageTextsError, ReasonTextsError) as error:
        raise UserError(str(error)) from None


@contextmanager
def notify_process(settings: Settings, metrics: Metrics, send: Sender = send_by_apprise) -> Iterator[NotifyProcess]:
    """A connected notifier; call its `run`. Without a committed position it begins with what comes from now on.

    Raises:
        UserError: Kafka or Redis is away, or a file is wrong.
    """
    notifier = notifier_of(settings)
    ensure_topics(settings)
    client = redis_client(settings)
    consumer = kafka_consumer(
        settings,
        settings.topic("task-events"),
        group_id=f"{settings.kafka.topic_prefix}-{GROUP}",
        auto_offset_reset="latest",
    )
    try:
        yield NotifyProcess(settings, metrics, notifier, client, consumer, send)
    finally:
        consumer.close()
        client.close()
