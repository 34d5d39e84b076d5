"""Redis goes away and comes back: nothing is committed meanwhile, nothing is lost or doubled."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from alerts.chain import verify
from alerts.store.ledger import InboxNotReady
from alerts.tasks import TaskEvent
from churnwatch.clients import kafka_consumer, kafka_producer, redis_client
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import tasks_process
from churnwatch.topics import ensure_topics
from pipeline.metrics import Metrics
from tests.fakes.alert_records import MANAGER, managed, warning
from tests.fakes.own_redis import OwnRedis, wait_until

WAIT_S = 60.0


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
    ordered = logged(settings, 600)
    verify(ordered)
    assert Counter(event.account_id for event in ordered if event.warning_id) == {f"a-{n}": 6 for n in range(100)}


def test_a_redis_that_went_back_in_time_is_shut_until_it_has_what_it_lacks(
    test_environment: dict[str, str], own_redis: OwnRedis
) -> None:
    settings = read_settings(
        environ={**test_environment, "REDIS_URL": own_redis.url, "CHURNWATCH_TASKS__CLOCK": "stream"}
    )
    ensure_topics(settings)
    send(settings, "customers", *(managed(f"a-{n}") for n in range(40)))
    client = redis_client(settings)
    store = task_store(settings, client)
    with tasks_process(settings, Metrics()) as process:
        thread = threading.Thread(target=process.run)
        thread.start()
        send(settings, "warnings", *(warning(f"w-{n}", account_id=f"a-{n}") for n in range(20)))
        wait_until(lambda: store.count_open() == 20 and store.outbox.depth() == 0, "twenty tasks, sent on")
        kept = own_redis.keep()
        known = store.open_tasks(limit=100)
        for task in known:
            store.accept(task.task_id, MANAGER)
        send(settings, "warnings", *(warning(f"w-{n}", account_id=f"a-{n}") for n in range(20, 40)))
        wait_until(lambda: store.count_open() == 40 and store.outbox.depth() == 0, "forty tasks, sent on")
        before = {task.task_id: task for task in store.open_tasks(limit=100)}
        process.stop()
        thread.join(WAIT_S)
    own_redis.go_back_to(kept)
    with pytest.raises(InboxNotReady):
        store.accept(known[0].task_id, MANAGER)
    with tasks_process(settings, Metrics()) as process:
        thread = threading.Thread(target=process.run)
        thread.start()
        wait_until(lambda: {task.task_id: task for task in store.open_tasks(limit=100)} == before, "all that was lost")
        own_redis.go_back_to(kept)
        wait_until(lambda: {task.task_id: task for task in store.open_tasks(limit=100)} == before, "it all once more")
        process.stop()
        thread.join(WAIT_S)
    client.close()
    verify(logged(settings, 40))


def logged(settings: Settings, warnings: int) -> list[TaskEvent]:
    """The task log, once it tells of so many warnings; each event once, in the order of its account."""
    consumer = kafka_consumer(settings, settings.topic("task-events"))
    events: list[TaskEvent] = []
    deadline = time.monotonic() + WAIT_S
    while len({event.warning_id for event in events} - {None}) < warnings and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=200).values():
            events += [msgspec.json.decode(record.value, type=TaskEvent) for record in records]
    consumer.close()
    return sorted({event.event_id: event for event in events}.values(), key=lambda event: event.seq)
