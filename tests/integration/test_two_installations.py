"""Two tenants on one broker and one Redis: a topic prefix and a Redis database each, and nothing in common."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.store import PeopleStore
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import Actor, Role
from churnwatch.api_process import open_vault
from churnwatch.clients import redis_client
from churnwatch.console_desk import ConsoleDesk
from churnwatch.rule_book import KafkaRuleBook
from churnwatch.seals import VAULT, sealed_view, sealer
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.topics import describe_topics, ensure_topics
from tests.fakes.alert_records import MANAGER, NOON_MS, managed, warning

NUMBER = "+8613912345678"
EVA = Actor("eva", Role.SUPERVISOR)


@dataclass
class Tenant:
    """One installation's side of the services."""

    settings: Settings
    client: redis.Redis
    store: TaskStore
    people: PeopleStore
    desk: ConsoleDesk
    rules: KafkaRuleBook


def tenant(environment: dict[str, str], stack: ExitStack) -> Tenant:
    settings = read_settings(environ=environment)
    ensure_topics(settings)
    client = redis_client(settings)
    stack.callback(client.close)
    store = task_store(settings, client)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    rules = KafkaRuleBook(settings, store)
    stack.callback(rules.close)
    desk = ConsoleDesk(client, store, open_vault(settings, store, client))
    return Tenant(settings, client, store, PeopleStore(client, settings.kafka.topic_prefix), desk, rules)


def in_database(url: str, number: int) -> str:
    """The same server, another database; an embedded one is reached by a socket and names it in the query."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return urlunsplit(parts._replace(query=f"db={number}"))
    return urlunsplit(parts._replace(path=f"/{number}"))


@pytest.fixture(params=["another database", "the same database"])
def two(request: pytest.FixtureRequest, test_environment: dict[str, str], tmp_path: Path) -> Iterator[list[Tenant]]:
    prefix, url = test_environment["CHURNWATCH_KAFKA__TOPIC_PREFIX"], test_environment["REDIS_URL"]
    second_url = in_database(url, 1) if request.param == "another database" else url
    with ExitStack() as stack:
        yield [
            tenant(
                {
                    **test_environment,
                    "CHURNWATCH_KAFKA__TOPIC_PREFIX": f"{prefix}-{name}",
                    "REDIS_URL": where,
                    "CHURNWATCH_TASKS__CLOCK": "stream",
                    "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / f"{name}.key"),
                },
                stack,
            )
            for name, where in (("one", url), ("two", second_url))
        ]


def test_what_one_tenant_has_the_other_does_not_see(two: list[Tenant]) -> None:
    one, other = two
    one.store.directory.put([managed("a-1")], [], {})
    one.store.clock.advance(NOON_MS)
    one.store.admit_warnings([warning("w-1", account_id="a-1")])
    (task,) = one.store.open_tasks(MANAGER.name)
    one.people.add(new_person("ada", "Ada", (StaffRole.MANAGER,), "m-1", 1))
    token = one.people.begin_session("ada", NOON_MS)
    assert one.rules.publish(0, {"score.on": 0.25}, EVA, "quiet", None) is not None
    sealed = sealer(one.settings, VAULT).seal("l-1", NUMBER.encode(), NOON_MS, "a-1")
    sealed_view(one.settings, one.client, VAULT).put({"l-1": sealed})
    assert one.desk.number("a-1", "l-1", MANAGER, "calls back") == NUMBER

    assert other.store.open_tasks() == []
    assert other.store.get(task.task_id) is None
    assert other.store.customer("a-1") is None
    assert other.store.now_ms() < NOON_MS
    assert other.store.outbox.pending(10) == []
    assert other.people.everybody() == []
    assert other.people.visitor(token, NOON_MS) is None
    assert other.rules.editions() == []
    assert other.desk.number("a-1", "l-1", MANAGER, "calls back") is None
    assert one.people.visitor(token, NOON_MS) is not None


def test_a_number_sealed_by_one_tenant_cannot_be_opened_by_the_other(two: list[Tenant]) -> None:
    one, other = two
    record = sealer(one.settings, VAULT).seal("l-1", NUMBER.encode(), NOON_MS, "a-1")
    sealed_view(other.settings, other.client, VAULT).put({"l-1": record})
    assert other.desk.number("a-1", "l-1", MANAGER, "calls back") is None


def test_no_topic_is_shared(two: list[Tenant]) -> None:
    names = [{state.plan.name for state in describe_topics(each.settings)} for each in two]
    assert names[0] & names[1] == set()
    assert all(state.problem is None for each in two for state in describe_topics(each.settings))
