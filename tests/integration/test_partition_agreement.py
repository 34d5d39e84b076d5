"""The one test that everybody who writes to a topic puts the same key on the same partition."""

import asyncio
import random

import faust
import pytest
from confluent_kafka import Producer

from churnwatch.clients import kafka_producer
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.partitioning import partition_of, partitions_of
from tests.fakes.topic_reader import read_topic

choice = random.Random(11)
KEYS = [f"account-{number}" for number in range(1000)] + [
    "".join(choice.choice("abcdefgh0123456789-_é中") for _ in range(choice.randrange(1, 40))) + str(number)
    for number in range(1000)
]


@pytest.fixture
def test_environment(test_environment: dict[str, str]) -> dict[str, str]:
    """As many partitions as in production."""
    return {**test_environment, "CHURNWATCH_KAFKA__PARTITIONS": "8"}


def send_by_kafka_python(settings: Settings, topic: str) -> None:
    producer = kafka_producer(settings)
    for key in KEYS:
        producer.send(topic, b"kafka-python", key=key.encode())
    producer.flush()
    producer.close()


def send_by_confluent_kafka(settings: Settings, topic: str) -> None:
    with Producer({"bootstrap.servers": settings.kafka.bootstrap, "partitioner": "murmur2_random"}) as producer:
        for key in KEYS:
            producer.produce(topic, b"confluent-kafka", key)
        producer.flush()


def send_by_faust(settings: Settings, topic: str) -> None:
    async def send() -> None:
        app = faust.App(f"{topic}-app", broker=f"kafka://{settings.kafka.bootstrap}", web_enabled=False)
        producer = app.transport.create_producer()
        await producer.start()
        try:
            pending = [await producer.send(topic, key.encode(), b"faust", None, None, {}) for key in KEYS]
            await asyncio.gather(*pending)
        finally:
            await producer.stop()

    asyncio.run(send())


def test_every_client_and_the_file_replay_put_2000_keys_on_the_same_partitions(test_settings: Settings) -> None:
    ensure_topics(test_settings)
    topic = test_settings.topic("cdr")
    for send in (send_by_kafka_python, send_by_confluent_kafka, send_by_faust):
        send(test_settings, topic)
    replay = dict(zip(KEYS, partitions_of(KEYS, 8).tolist(), strict=True))
    assert replay == {key: partition_of(key, 8) for key in KEYS}
    placed: dict[str, dict[str, int]] = {}
    for record in read_topic(test_settings, "cdr"):
        placed.setdefault(record.value.decode(), {})[record.key or ""] = record.partition
    assert placed == {"kafka-python": replay, "confluent-kafka": replay, "faust": replay}
    assert set(replay.values()) == set(range(8))
