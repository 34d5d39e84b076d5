"""Redis goes away and comes back: nothing is committed meanwhile, nothing is lost or doubled."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from alerts.chain import verify
from alerts.tasks import TaskEvent
from churnwatch.clients import kafka_consumer, kafka_producer, redis_client
from churnwatch.embedded import _redis_binary
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import tasks_process
from churnwatch.topics import ensure_topics
from pipeline.metrics import Metrics
from tests.fakes.alert_records import managed, warning

WAIT_S = 60.0


class OwnRedis:
    """A Redis of this test alone, with an append-only file, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [
            _redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--logfile", str(self._folder / "redis.log"),
        ]  # fmt: skip
        self._process = subprocess.Popen(command)
        probe = redis.Redis(port=self.port)
        wait_until(lambda: _pings(probe), "Redis")
        probe.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(WAIT_S)


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s for {what}"
        time.sleep(0.02)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    running = OwnRedis(tmp_path)
    yield running
    running.kill()


def send(settings: Settings, topic: str, *records: msgspec.Struct) -> None:
    producer = kafka_producer(settings)
    for record in records:
        producer.send(settings.topic(topic), key=b"k", value=msgspec.json.encode(record))
    producer.flush()
    producer.close()


def test_redis_killed_and_started_again_loses_and_doubles_nothing(
    test_environment: dict[str, str], own_redis: OwnRedis
) -> None:
    settings = read_settings(
        environ={**test_environment, "REDIS_URL": own_redis.url, "CHURNWATCH_TASKS__CLOCK": "stream"}
    )
    ensure_topics(settings)
    send(settings, "customers", *(managed(f"a-{n}") for n in range(100)))
    with tasks_process(settings, Metrics()) as process:
        thread = threading.Thread(target=process.run)
        thread.start()
        wait_until(lambda: process.leading, "the process to lead")
        for number in range(3):
            send(settings, "warnings", *(warning(f"w-{number}-{n}", account_id=f"a-{n}") for n in range(100)))
            own_redis.kill()
            send(settings, "warnings", *(warning(f"v-{number}-{n}", account_id=f"a-{n}") for n in range(100)))
            own_redis.start()
        client = redis_client(settings)
        store = task_store(settings, client)
        wait_until(
            lambda: (
                sum(len(task.warning_ids) for task in store.open_tasks(limit=1000)) == 600 and store.outbox.depth() == 0
            ),
            "all evidence, sent on",
        )
        process.stop()
        thread.join(WAIT_S)
        assert store.count_open() == 100
        client.close()
    consumer = kafka_consumer(settings, settings.topic("task-events"))
    events: list[TaskEvent] = []
    deadline = time.monotonic() + WAIT_S
    while len({event.event_id for event in events}) < 600 and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=200).values():
            events += [msgspec.json.decode(record.value, type=TaskEvent) for record in records]
    consumer.close()
    assert verify(sorted({event.event_id: event for event in events}.values(), key=lambda event: event.seq)) == {
        f"a-{n}": 6 for n in range(100)
    }
