"""Every route of the console against every role, script and outage, generated from the route table: nothing is open
that need not be, and a new route cannot escape.

One console and one browser serve the whole file; each test comes in with a session of its own and a board as it was.
"""

import re
import uuid
from collections.abc import Iterator

import pytest
import redis
from fastapi.routing import APIRoute
from httpx2 import Response
from msgspec.structs import replace
from redis.backoff import NoBackoff
from redis.retry import Retry

from alerts.accounts.people import new_person
from alerts.accounts.roles import ALLOWED, PEOPLE_ROLES, StaffRole
from alerts.console.access import Claimed, Needs, Open
from alerts.console.app import ROUTERS
from alerts.console.ports import Service
from churnwatch.clients import redis_client
from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import read_settings
from tests.fakes.guarded_console import CHEAP, GOOD, NOW, URL, VISIT, Desk
from tests.fakes.rule_book import FakeRuleBook

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
LOCKS = (Needs, Open, Claimed)
SAMPLES = {
    "task_id": "t-3", "owner": "m-17", "login": "m-17", "account_id": "ACC-10012", "name": "ladder", "kind": "usage",
    "table": "rows", "link": "nothing",
}  # fmt: skip


def name_of(route: APIRoute) -> str:
    return f"{min(route.methods or ())} {route.path}"


def locks(route: APIRoute) -> list[Needs | Open | Claimed]:
    return [found.call for found in route.dependant.dependencies if isinstance(found.call, LOCKS)]


def writes(route: APIRoute) -> bool:
    return "POST" in (route.methods or ())


def path_of(route: APIRoute, **samples: str) -> str:
    return re.sub(r"\{(\w+)(?::path)?\}", lambda name: (SAMPLES | samples)[name[1]], route.path)


class House(Desk):
    """A console that many tests share."""

    def enter(self, *roles: StaffRole) -> None:
        """Come in anew, with these roles or as a stranger; tasks, rules and reports are as at first."""
        self.board.forget()
        console = self.app.state.console
        console.rules.kept, console.rules.away, console.reports.away = FakeRuleBook().kept, False, False
        self.services.gone.clear()
        self.leave()
        self.client.cookies.set("churnwatch-visit", VISIT)
        if roles:
            login = "-".join(roles)
            person = new_person(login, login.title(), roles, "m-17", NOW)
            self.people.restore(replace(person, password_hash=CHEAP.hash(login, GOOD)))
            self.client.cookies.set("churnwatch-session", self.people.begin_session(login, NOW))

    def ask(self, route: APIRoute) -> Response:
        return self.post(path_of(route)) if writes(route) else self.client.get(path_of(route))


@pytest.fixture(scope="module")
def house(services: EmbeddedServices) -> Iterator[House]:
    prefix = f"t{uuid.uuid4().hex[:10]}"
    settings = read_settings(environ={**services.environment(), "CHURNWATCH_KAFKA__TOPIC_PREFIX": prefix})
    client = redis_client(settings)
    made = House(client, prefix)
    with made.client:
        made.app.state.console.live.close()  # live streams end at once, so that they can be asked for like any route
        yield made
    client.close()


def test_every_route_says_who_may_open_it() -> None:
    for route in ROUTES:
        assert len(locks(route)) == 1, route.path


def test_only_signing_in_and_the_health_check_are_open_to_strangers() -> None:
    opened = {route.path for route in ROUTES if isinstance(locks(route)[0], Open)}
    assert opened == {
        "/sign-in", "/sign-out", "/welcome/{link}", "/healthz", "/sign-in/provider", "/sign-in/provider/back",
    }  # fmt: skip


@pytest.mark.parametrize("route", [route for route in ROUTES if not isinstance(locks(route)[0], Open)], ids=name_of)
def test_a_route_opens_for_its_roles_and_for_nobody_else(house: House, route: APIRoute) -> None:
    lock = locks(route)[0]
    for role in (None, *PEOPLE_ROLES):
        house.enter(*([role] if role else []))
        answer = house.ask(route)
        if isinstance(lock, Claimed):
            assert answer.status_code == 404, role
        elif role is None:
            assert answer.status_code == (401 if writes(route) else 303)
            assert writes(route) or answer.headers["location"].startswith("/sign-in?then=")
        elif isinstance(lock, Needs) and lock.any_of and not lock.any_of & ALLOWED[role]:
            assert answer.status_code == 403, role
        else:
            assert answer.status_code not in {401, 403, 500}, role


SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
#: A form that is refused for one field says nothing of the others: these are tried alone too.
ALONE = (("/tasks/", "note"), ("/reveal/", "why"), ("/rules/", "why"), ("/people", "login"), ("/sign-in", "login"))
TEXT_FIELDS = (
    "note", "why", "line", "name", "login", "inbox", "owner", "days", "disposition", "offer", "version", "then", "again",
    "kept.note", "code", "password", "old", "repeated", "secret", "role", "act", "told", "restores", "soft.silence.on",
    "tasks.create_from", "task.t-3", "version.t-3",
)  # fmt: skip
ASKED = ("q", "who", "account", "line", "did", "then", "region", "state", "code", "error", "iss")


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_script_in_every_field_of_every_route_stays_text(house: House, route: APIRoute) -> None:
    house.enter(*PEOPLE_ROLES)
    path = path_of(route, name="lead-time")
    if writes(route):
        answers = [house.post(path, **{"whole": "yes", **dict.fromkeys(TEXT_FIELDS, SCRIPT)})]
        answers += [house.post(path, **{field: SCRIPT}) for start, field in ALONE if path.startswith(start)]
    else:
        answers = [house.client.get(path, params=dict.fromkeys(ASKED, SCRIPT)), house.client.get(f"{path}{SCRIPT}")]
    for answer in answers:
        assert answer.status_code < 500
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize("away", ["redis", "kafka", "inbox"])
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_no_route_breaks_while_a_service_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch, route: APIRoute, away: str
) -> None:
    house.enter(*PEOPLE_ROLES)
    token, console = house.token(), house.app.state.console
    house.services.gone.add(Service(away))
    if away == "redis":
        nobody = redis.Redis(port=1, retry=Retry(NoBackoff(), 0), decode_responses=True)
        monkeypatch.setattr(house.people, "_redis", nobody)
        monkeypatch.setattr(house.board, "away", True)
    elif away == "kafka":
        console.reports.away = console.rules.away = True
    if writes(route):
        typed = {"token": token, "note": "typed before it went away", "why": "typed", "whole": "yes"}
        answer = house.client.post(path_of(route), data=typed, headers={"origin": URL})
    else:
        answer = house.client.get(path_of(route))
    assert answer.status_code == 503 or answer.status_code < 500, answer.text[:300]
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert answer.text.count('class="strip away"') == 1, "every page tells what is away"
    if answer.status_code == 503 and route.path.startswith("/tasks/"):
        assert "typed before it went away" in answer.text
