"""A store of tasks on the real Redis, with a clock that stands still until told."""

from collections.abc import Iterator

import pytest
import redis

from alerts.clock import ManualClock
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from churnwatch.clients import redis_client
from churnwatch.settings import Settings
from tests.fakes.alert_records import NOON_MS
from tests.fakes.read_once import shipped_rules


@pytest.fixture
def client(test_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(test_settings)
    yield connected
    connected.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_MS)


@pytest.fixture
def store(client: redis.Redis, topic_prefix: str, clock: ManualClock) -> TaskStore:
    """An open inbox without tasks."""
    made = TaskStore(client, topic_prefix, clock, shipped_rules())
    Rebuilder(client, made.keys, made.ledger).open_gate()
    return made
