"""The console's desk on a real Redis: what the daily plan left, and a number that is written down before it is told."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from alerts.queue import CallQueue
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import TaskEvent, TaskEventKind
from churnwatch.api_process import open_vault
from churnwatch.clients import redis_client
from churnwatch.console_desk import ConsoleDesk
from churnwatch.seals import VAULT, sealed_view, sealer
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.task_sweeps import TaskSweeper
from pipeline.metrics import Metrics
from tests.fakes.alert_records import MANAGER, NOON_MS, managed, warning

NUMBER = "+8613912345678"


@pytest.fixture
def configured(test_environment: dict[str, str], tmp_path: Path) -> Settings:
    key = {"CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key"), "CHURNWATCH_TASKS__CLOCK": "stream"}
    return read_settings(environ={**test_environment, **key})


@pytest.fixture
def client(configured: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(configured)
    yield connected
    connected.close()


@pytest.fixture
def store(configured: Settings, client: redis.Redis) -> TaskStore:
    made = task_store(configured, client)
    Rebuilder(client, made.keys, made.ledger).open_gate()
    made.clock.advance(NOON_MS)
    made.directory.put([managed("a-1")], [], {})
    return made


@pytest.fixture
def desk(configured: Settings, client: redis.Redis, store: TaskStore) -> ConsoleDesk:
    return ConsoleDesk(client, store, open_vault(configured, store, client))


def test_the_board_reads_what_the_days_plan_left(client: redis.Redis, store: TaskStore, desk: ConsoleDesk) -> None:
    assert desk.room([MANAGER.name])[MANAGER.name].hour_price is None
    store.admit_warnings([warning("w-1", account_id="a-1", line_id="l-1")])
    queue = CallQueue(client, store, "tasks")
    queue.prepare()
    TaskSweeper(client, store, queue, Metrics()).sweep()
    room = desk.room([MANAGER.name, "m-nobody"])
    assert room[MANAGER.name].planned == 1
    assert room[MANAGER.name].possible == store.rules.capacity.contacts_per_day(MANAGER.name)
    assert room[MANAGER.name].hour_price is not None
    assert room["m-nobody"].hour_price is None


def test_a_number_is_told_with_an_entry_in_the_accounts_chain(
    configured: Settings, client: redis.Redis, store: TaskStore, desk: ConsoleDesk
) -> None:
    sealed_view(configured, client, VAULT).put(
        {"l-1": sealer(configured, VAULT).seal("l-1", NUMBER.encode(), NOON_MS, "a-1")}
    )
    assert desk.number("a-2", "l-1", MANAGER, "somebody else's") is None
    assert desk.number("a-1", "l-1", MANAGER, "calls back at noon") == NUMBER
    (event,) = [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in store.outbox.pending(10)]
    assert (event.kind, event.actor, event.note) == (TaskEventKind.NUMBER_READ, MANAGER.name, "calls back at noon")


def test_value_is_known_of_known_customers_only(desk: ConsoleDesk) -> None:
    assert desk.assessment("a-1") is not None
    assert desk.assessment("a-none") is None


def test_a_look_at_a_page_is_in_the_accounts_chain_once_an_hour_and_shown_where_nothing_can_be_written(
    client: redis.Redis, store: TaskStore, desk: ConsoleDesk
) -> None:
    for _ in range(3):
        desk.seen("a-1", MANAGER)
    told = [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in store.outbox.pending(10)]
    assert [(event.kind, event.actor, event.account_id) for event in told] == [
        (TaskEventKind.CUSTOMER_SEEN, MANAGER.name, "a-1")
    ]
    assert 0 < int(client.ttl(store.keys.looked(MANAGER.name, "a-1"))) <= 3600
    Rebuilder(client, store.keys, store.ledger).close_gate()
    desk.seen("a-2", MANAGER)
    assert not client.exists(store.keys.looked(MANAGER.name, "a-2"))
