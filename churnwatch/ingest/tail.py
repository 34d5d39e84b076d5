"""What a run that was cut off had sent after its last note: read back from the topics, so that it is not sent again."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from churnwatch.errors import UserError
from churnwatch.ingest.positions import Tail
from churnwatch.settings import Settings
from pipeline.sources.port import Outgoing

#: More than a run can send between two notes; beyond it, somebody else has filled the topic: we look no further.
MAX_RECORDS = 2_000_000
FETCH_RECORDS = 10_000
FETCH_WAIT_S = 0.1
SILENCE_TIMEOUT_S = 20.0

Mark = bytes


class SentTail:
    """Marks of the records behind the last note. `without_sent` takes each of them once."""

    def __init__(self, marks: Counter[Mark] | None = None) -> None:
        self._marks = marks if marks is not None else Counter()
        self.skipped = 0

    @property
    def pending(self) -> bool:
        """Whether there may be records ahead that are sent already."""
        return bool(self._marks)

    def without_sent(self, batch: Outgoing) -> Outgoing:
        """The batch without what is in a topic already."""
        if not self._marks:
            return batch
        keep = [place for place, mark in enumerate(map(mark_of, batch.topics, batch.values)) if not self._spend(mark)]
        self.skipped += len(batch) - len(keep)
        return Outgoing(
            [batch.received_ms[place] for place in keep],
            [batch.topics[place] for place in keep],
            [batch.keys[place] for place in keep],
            [batch.values[place] for place in keep],
            range(len(keep)),
        )

    def _spend(self, mark: Mark) -> bool:
        count = self._marks.get(mark, 0)
        if count > 1:
            self._marks[mark] = count - 1
        elif count:
            del self._marks[mark]
        return count > 0


def mark_of(topic: str, value: bytes) -> Mark:
    """Sixteen bytes that stand for a record of a topic (short name); two alike would lose a record."""
    return blake2b(value, digest_size=16, person=topic.encode()).digest()


def read_tail(settings: Settings, tails: list[Tail], short_names: dict[str, str]) -> SentTail:
    """Marks of everything behind these ends (`short_names`: full topic name -> short name).

    Raises:
        UserError: the broker fell silent.
    """
    starts = [TopicPartition(tail.topic, at, end) for tail in tails for at, end in enumerate(tail.ends)]
    if not starts:
        return SentTail()
    consumer = Consumer({
        "bootstrap.servers": settings.kafka.bootstrap,
        "group.id": "churnwatch-ingest-tail",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "logger": logging.getLogger("rdkafka"),
    })  # fmt: skip
    marks: Counter[Mark] = Counter()
    try:
        consumer.assign(starts)
        for topic, value in _records(consumer, len(starts), settings.kafka.bootstrap):
            marks[mark_of(short_names[topic], value)] += 1
    except KafkaException as error:
        raise UserError(f"cannot read back what was sent to {settings.kafka.bootstrap}: {error}") from error
    finally:
        consumer.close()
    return SentTail(marks)


def _records(consumer: Consumer, open_partitions: int, bootstrap: str) -> Iterator[tuple[str, bytes]]:
    """Topic and value of all records up to the end of each partition, at most `MAX_RECORDS`."""
    count = 0
    heard_at = time.monotonic()
    while open_partitions and count < MAX_RECORDS:
        # `consume` waits for all it may return: so a short while at a time.
        for message in consumer.consume(FETCH_RECORDS, FETCH_WAIT_S):
            heard_at = time.monotonic()
            error, topic, value = message.error(), message.topic(), message.value()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                open_partitions -= 1
            elif error is not None:
                raise UserError(f"cannot read {topic} back: {error.str()}")
            elif topic is not None and value is not None:
                count += 1
                yield topic, value
        if time.monotonic() - heard_at > SILENCE_TIMEOUT_S:
            raise UserError(f"Kafka at {bootstrap} accepts connections but does not answer a fetch")
