"""A supervisor reassigns a task and edits a rule with its preview; an auditor finds both: over real Kafka and Redis."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import argon2
import msgspec
import pytest
from playwright.sync_api import Browser, expect

from alerts.accounts.passwords import Passwords
from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.audit_trail import AuditTrail
from alerts.console import ConsoleConfig, create_console
from alerts.console.context import Office
from alerts.console.staff import Staff
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from churnwatch.audit_reader import followed_trail
from churnwatch.clients import kafka_producer, redis_client
from churnwatch.rule_book import KafkaRuleBook
from churnwatch.settings import Settings, read_settings
from churnwatch.task_log import TaskRelay
from churnwatch.task_store import task_store
from churnwatch.topics import ensure_topics
from pipeline.events import Level
from pipeline.metrics import Metrics
from tests.browser.conftest import Visit, VisitMaker, served
from tests.browser.test_people_in_chromium import DESKTOP, PHONE
from tests.fakes.alert_records import NOON_MS, managed, signal, warning
from tests.fakes.read_once import console_texts
from tests.fakes.task_board import FakeTaskBoard
from tests.fakes.waiting import wait_until

#: (task, signal, strength): three bills fell; one far enough for a task as it is.
FALLEN = ((1, 0.9), (2, 0.5), (3, 0.48))
WORDS = {
    "en": {
        "verdict": "In the last 7 days they would have made 2 more tasks and 0 fewer: 3 instead of 1.",
        "published": "Published as edition 1.",
        "handed": "Handed over.",
        "events": ("Rules changed", "Handed over"),
    },
    "zh": {
        "verdict": "过去 7 天会多生成 2 个任务、少生成 0 个：共 3 个，而现行规则为 1 个。",
        "published": "已发布为版本 1",
        "handed": "已转交",
        "events": ("修改规则", "转交"),
    },
}


@dataclass
class World:
    """A console over the real services, and who signs in there."""

    maker: VisitMaker
    people: PeopleStore
    store: TaskStore
    relay: TaskRelay
    trail: AuditTrail

    def visit(self, login: str, *roles: StaffRole, **options: object) -> Visit:
        """Somebody who is signed in already."""
        self.people.add(new_person(login, login.title(), roles, "", 1))
        token = self.people.begin_session(login, time.time_ns() // 1_000_000)
        made = self.maker(**options)
        made.page.context.add_cookies([{"name": "churnwatch-session", "value": token, "url": made.url}])
        return made


@pytest.fixture
def world(chromium: Browser, test_environment: dict[str, str]) -> Iterator[World]:
    settings = read_settings(environ={**test_environment, "CHURNWATCH_TASKS__CLOCK": "stream"})
    ensure_topics(settings)
    client, producer = redis_client(settings), kafka_producer(settings)
    store = task_store(settings, client)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    fill(settings, store)
    people = PeopleStore(client, settings.kafka.topic_prefix)
    cheap = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    staff = Staff(people, SignIn(people, cheap), lambda: time.time_ns() // 1_000_000)
    book = KafkaRuleBook(settings, store)
    with followed_trail(settings) as trail:
        app = create_console(store, console_texts(), ConsoleConfig(poll_s=0.5), staff, Office(None, trail, book))
        with served(app) as url:
            maker = VisitMaker(chromium, url, FakeTaskBoard([], {}))
            yield World(maker, people, store, TaskRelay(settings, store, producer, Metrics()), trail)
            maker.close()
    book.close()
    producer.close()
    client.close()


def fill(settings: Settings, store: TaskStore) -> None:
    """Warnings of three customers, on the topic and admitted."""
    warnings = [
        warning(
            f"w-{number}", signal("spend_drop", strength), account_id=f"a-{number}", line_id=f"l-{number}",
            level=Level.WARN if strength > 0.55 else Level.WATCH,
        )
        for number, strength in FALLEN
    ]  # fmt: skip
    producer = kafka_producer(settings)
    for one in warnings:
        producer.send(settings.topic("warnings"), key=one.account_id.encode(), value=msgspec.json.encode(one)).get(10)
    producer.close()
    store.directory.put([managed(f"a-{number}") for number, _ in FALLEN], [], {})
    store.clock.advance(NOON_MS)
    store.admit_warnings(warnings)


@pytest.mark.parametrize(("language", "device"), [("en", DESKTOP), ("zh", PHONE)], ids=["en-desktop", "zh-phone"])
def test_a_supervisor_reassigns_and_edits_a_rule_and_an_auditor_finds_both(
    world: World, language: str, device: dict[str, object]
) -> None:
    words = WORDS[language]
    visit = world.visit("sue", StaffRole.SUPERVISOR, **device)
    world.people.add(new_person("ben", "Ben", (StaffRole.MANAGER,), "m-7", 1))
    (task,) = world.store.open_tasks()

    visit.go(f"/team?lang={language}")
    visit.page.click(f".loads a >> text={task.owner}")
    visit.page.click(f'[data-task="{task.task_id}"] .person a')
    visit.page.click(f'#task-{task.task_id} details.moves:has(form[action$="hand-over"]) summary')
    visit.page.select_option(f'#task-{task.task_id} form[action$="hand-over"] select', "m-7")
    visit.page.click(f'#task-{task.task_id} form[action$="hand-over"] button')
    expect(visit.page.locator(".notice.good").first).to_contain_text(str(words["handed"]))
    assert world.store.open_tasks()[0].owner == "m-7"

    visit.go("/rules")
    visit.page.fill('[name="soft.spend_drop.warn_at"]', "0.45")
    visit.page.click("form.rules p.buttons button")
    expect(visit.page.locator(".verdict")).to_have_text(str(words["verdict"]))
    visit.page.fill("[name=why]", "bills fall sooner this season")
    visit.page.click('button[formaction="/rules/publish"]')
    expect(visit.page.locator(".notice.good")).to_contain_text(str(words["published"]))

    world.relay.relay()
    wait_until(lambda: world.trail.state().events >= 3)
    auditor = world.visit("aud", StaffRole.AUDITOR, **device)
    auditor.go(f"/audit?lang={language}&who=sue")
    table = auditor.text("table")
    assert "bills fall sooner this season" in table
    for said in words["events"]:
        assert said in table
    assert auditor.page.locator(".notice.bad").count() == 0
    assert visit.complaints == auditor.complaints == []
    width = auditor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
