"""Synthetic load into the topics of a broker, before any clock starts."""

import logging
from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from churnwatch.bench.load import Pair
from churnwatch.errors import UserError
from churnwatch.settings import Settings

FLUSH_TIMEOUT_S = 120.0
QUEUE_RECORDS = 500_000
#: To librdkafka: the partition follows from the key.
BY_KEY = -1


class BenchProducer:
    """A bulk producer that places keys as every client of ours does; counts what the broker acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer({
            "bootstrap.servers": settings.kafka.bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": QUEUE_RECORDS,
            "message.max.bytes": 4_000_000,
            "on_delivery": self._delivered,
            "logger": logging.getLogger("rdkafka"),
        })  # fmt: skip
        self.acknowledged = 0

    def send(self, topic: str, pairs: Iterable[Pair], partition: int = BY_KEY) -> int:
        """Send all pairs and wait for the broker; returns how many there were. `partition`: where to, not by the key.

        Raises:
            UserError: the broker did not take all of them.
        """
        sent, before = 0, self.acknowledged
        for key, value in pairs:
            self.produce(topic, key, value, partition)
            sent += 1
        self._producer.flush(FLUSH_TIMEOUT_S)
        if self.acknowledged - before != sent:
            raise UserError(f"the broker took {self.acknowledged - before:,} of {sent:,} records; is it out of memory?")
        return sent

    def produce(self, topic: str, key: bytes, value: bytes, partition: int = BY_KEY) -> None:
        """Hand one record over; waits while the queue is full."""
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, partition=partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def poll(self) -> None:
        """Let what was sent be confirmed."""
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self.acknowledged += error is None


def fill(settings: Settings, stream: str, pairs: Iterable[Pair]) -> int:
    """Send pairs to an input topic; returns how many."""
    return BenchProducer(settings).send(settings.topic(stream), pairs)
