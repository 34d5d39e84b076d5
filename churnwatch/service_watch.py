"""Whether Kafka, Redis and the inbox answer, looked at beside the pages, so that every page can tell without asking."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from alerts.console.ports import Service
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from churnwatch.clients import kafka_consumer
from churnwatch.errors import UserError
from churnwatch.settings import Settings

LOOK_EVERY_S = 3.0
#: A look that takes longer is an answer too.
SLOW_S = 8.0
CONNECT_S = 2.0
LEAVE_S = 2.0

log = structlog.get_logger()


class ServiceWatch:
    """Looks when told to (`look`); `away` is what the last look found, and what the one under way has waited for too long.

    Args:
        clock_s: monotonic.
    """

    def __init__(
        self, settings: Settings, client: redis.Redis, store: TaskStore, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        patience = settings.kafka.model_copy(update={"connect_timeout_s": CONNECT_S})
        self._settings = settings.model_copy(update={"kafka": patience})
        self._redis = client
        self._gate = Rebuilder(client, store.keys, store.ledger)
        self._clock_s = clock_s
        self._consumer: KafkaConsumer | None = None
        self._found: frozenset[Service] = frozenset()
        self._asking: tuple[float, Service] | None = None

    def away(self) -> frozenset[Service]:
        """What does not answer now. From any thread; asks nobody."""
        asking = self._asking
        slow = asking is not None and self._clock_s() - asking[0] > SLOW_S
        return self._found | {asking[1]} if asking is not None and slow else self._found

    def look(self) -> None:
        """Ask each of them once."""
        found = frozenset(service for service, answers in (
            (Service.KAFKA, self._kafka_answers), (Service.REDIS, self._redis_answers), (Service.INBOX, self._inbox_is_ready),
        ) if not self._asked(service, answers))  # fmt: skip
        if Service.REDIS in found:
            found -= {Service.INBOX}
        if found != self._found:
            log.warning("services.changed", away=sorted(found))
        self._found = found

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _asked(self, service: Service, answers: Callable[[], bool]) -> bool:
        self._asking = (self._clock_s(), service)
        try:
            return answers()
        finally:
            self._asking = None

    def _kafka_answers(self) -> bool:
        if not self._settings.kafka.bootstrap:
            return True
        partition = TopicPartition(self._settings.topic("task-events"), 0)
        try:
            if self._consumer is None:
                self._consumer = kafka_consumer(self._settings)
            # Some brokers make a topic when they are asked about it, with a number of partitions of their own.
            if partition.topic in self._consumer.topics():
                self._consumer.end_offsets([partition])
        except (KafkaError, UserError):
            self.close()
            return False
        return True

    def _redis_answers(self) -> bool:
        try:
            self._redis.ping()
        except redis.RedisError:
            return False
        return True

    def _inbox_is_ready(self) -> bool:
        try:
            return self._gate.gate_is_open()
        except redis.RedisError:
            return True


@contextmanager
def watched_services(settings: Settings, client: redis.Redis, store: TaskStore) -> Iterator[ServiceWatch]:
    """A watch that looks every few seconds while the block runs."""
    watch, stop = ServiceWatch(settings, client, store), threading.Event()
    thread = threading.Thread(target=_keep_looking, args=(watch, stop), name="services", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join(LEAVE_S)


def _keep_looking(watch: ServiceWatch, stop: threading.Event) -> None:
    while not stop.is_set():
        watch.look()
        stop.wait(LOOK_EVERY_S)
    watch.close()
