"""What the console knows of Kafka, Redis and the inbox, on the real services and with nobody behind an address."""

import pytest
import redis

from alerts.console.ports import Service
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from churnwatch.clients import redis_client
from churnwatch.embedded import free_port
from churnwatch.service_watch import SLOW_S, ServiceWatch
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from churnwatch.topics import ensure_topics


@pytest.fixture
def client(test_settings: Settings) -> redis.Redis:
    return redis_client(test_settings)


@pytest.fixture
def store(test_settings: Settings, client: redis.Redis) -> TaskStore:
    return task_store(test_settings, client)


def test_all_that_answers_is_not_away_and_an_inbox_that_is_rebuilt_is(
    test_settings: Settings, client: redis.Redis, store: TaskStore
) -> None:
    ensure_topics(test_settings)
    gate, watch = Rebuilder(client, store.keys, store.ledger), ServiceWatch(test_settings, client, store)
    watch.look()
    assert watch.away() == {Service.INBOX}
    gate.open_gate()
    watch.look()
    assert watch.away() == frozenset()
    gate.close_gate()
    watch.look()
    assert watch.away() == {Service.INBOX}
    watch.close()
    client.close()


def test_nobody_behind_an_address_is_told_and_so_is_somebody_who_comes_back(
    test_settings: Settings, client: redis.Redis, store: TaskStore
) -> None:
    ensure_topics(test_settings)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    nowhere = test_settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{free_port()}", "connect_timeout_s": 0.2})
    watch = ServiceWatch(test_settings.model_copy(update={"kafka": nowhere}), client, store)
    watch.look()
    assert watch.away() == {Service.KAFKA}
    watch._settings = test_settings
    watch.look()
    assert watch.away() == frozenset()
    watch._redis = redis.Redis(port=1)
    watch.look()
    assert watch.away() == {Service.REDIS}
    watch.close()
    client.close()


def test_who_takes_too_long_is_away_while_it_is_waited_for(
    test_settings: Settings, client: redis.Redis, store: TaskStore
) -> None:
    now_s = [0.0]
    watch = ServiceWatch(test_settings, client, store, lambda: now_s[0])
    told = []

    def slow() -> bool:
        told.append(watch.away())
        now_s[0] += SLOW_S + 1
        told.append(watch.away())
        return True

    assert watch._asked(Service.KAFKA, slow)
    assert told == [frozenset(), {Service.KAFKA}]
    assert watch.away() == frozenset()
    client.close()
