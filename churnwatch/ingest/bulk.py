"""Records into Kafka in bulk, by librdkafka: nothing counts as sent until the broker has acknowledged it."""

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from churnwatch.clients import wait_for_kafka
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.sources.port import Outgoing

#: Enough to keep the broker busy, little enough to be acknowledged within half a second.
QUEUE_RECORDS = 100_000
QUEUE_KIB = 128 * 1024
BATCH_BYTES = 1_000_000
BATCH_RECORDS = 50_000
LINGER_MS = 50
POLL_S = 0.1
#: What a key, its headers and the batch add to a record.
OVERHEAD_BYTES = 20_000


class BulkSender:
    """A producer of many records: idempotent, acks from all, keys placed as in every Kafka client but librdkafka.

    Use it as a context manager: what has not been acknowledged when it ends is dropped, `flush` first.

    Raises:
        UserError: from any method, when the broker has not taken a record within `kafka.connect_timeout_s`.
    """

    def __init__(self, settings: Settings, topics: Mapping[str, str]) -> None:
        """`topics`: short name -> full name."""
        self._bootstrap = settings.kafka.bootstrap
        self._topics = topics
        self._failure: str | None = None
        wait_for_kafka(settings)
        self._producer = Producer(self._configuration(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self._producer):
            self._producer.purge()
        self._producer.close()

    def send(self, batch: Outgoing) -> None:
        """Queue a batch; waits while the queue is full."""
        produce = self._producer.produce
        full_names = map(self._topics.__getitem__, batch.topics)
        for topic, key, value in zip(full_names, batch.keys, batch.values, strict=True):
            try:
                produce(topic, value, key)
            except BufferError:
                self._produce_when_possible(topic, key, value)
            except KafkaException as error:
                self._failure = str(error.args[0].str())
                break
        self._poll(0)

    def flush(self) -> None:
        """Wait until all that was sent has been acknowledged."""
        while len(self._producer):
            self._producer.flush(POLL_S)
            self._raise_failure()
        self._raise_failure()

    def _produce_when_possible(self, topic: str, key: str, value: bytes) -> None:
        while True:
            self._poll(POLL_S)
            try:
                self._producer.produce(topic, value, key)
            except BufferError:
                continue
            return

    def _poll(self, timeout_s: float) -> None:
        self._producer.poll(timeout_s)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise UserError(
                f"Kafka at {self._bootstrap} does not take records any more: {self._failure}; what was acknowledged is "
                "noted: run the same command again once the broker is well"
            )

    def _delivered(self, error: KafkaError | None, _message: "Message[Any, Any]") -> None:
        if error is not None and self._failure is None:
            self._failure = error.str()

    def _configuration(self, settings: Settings) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap,
            "logger": logging.getLogger("rdkafka"),
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": int(settings.kafka.connect_timeout_s * 1000),
            "message.max.bytes": settings.engine.max_record_bytes + OVERHEAD_BYTES,
            "queue.buffering.max.messages": QUEUE_RECORDS,
            "queue.buffering.max.kbytes": QUEUE_KIB,
            "batch.size": BATCH_BYTES,
            "batch.num.messages": BATCH_RECORDS,
            "linger.ms": LINGER_MS,
            "delivery.report.only.error": True,
            "on_delivery": self._delivered,
        }
