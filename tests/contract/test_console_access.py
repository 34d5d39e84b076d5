"""Every route of the console against every role, generated from the route table: nothing is open that need not be."""

import copy
import re
from collections.abc import Iterator

import argon2
import pytest
import redis
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from redis.backoff import NoBackoff
from redis.retry import Retry

from alerts.accounts.passwords import Passwords
from alerts.accounts.people import PersonError, new_person
from alerts.accounts.roles import ALLOWED, PEOPLE_ROLES, Permission, StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.console import ConsoleConfig, create_console, load_console_texts
from alerts.console.access import Claimed, Needs, Open
from alerts.console.app import ROUTERS
from alerts.console.context import Office
from alerts.console.staff import Staff
from alerts.tasks import OUTBOUND
from churnwatch.settings import CONFIG_DIR
from tests.fakes.console_office import FakeReports, sample_trail
from tests.fakes.console_samples import customer
from tests.fakes.customer_desk import FakeDesk
from tests.fakes.rule_book import FakeRuleBook
from tests.fakes.task_board import FakeTaskBoard

URL = "http://127.0.0.1:8350"
NOW = 1_790_000_000_000
GOOD = "a sentence that nobody guesses"
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
LOCKS = (Needs, Open, Claimed)
#: Read once: half of what a console takes to start.
TEXTS = load_console_texts(CONFIG_DIR)


def locks(route: APIRoute) -> list[Needs | Open | Claimed]:
    return [found.call for found in route.dependant.dependencies if isinstance(found.call, LOCKS)]


class Desk:
    """A console with login, and one browser before it."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.people = PeopleStore(client, prefix)
        sign_in = SignIn(self.people, Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
        self.now_ms = NOW
        self.board = FakeTaskBoard()
        staff = Staff(self.people, sign_in, lambda: self.now_ms)
        office = Office(FakeReports(), sample_trail(), FakeRuleBook(), FakeDesk(self.board))
        self.app = create_console(self.board, TEXTS, ConsoleConfig(), staff, office)
        self.client = self._browser()

    def _browser(self) -> TestClient:
        return TestClient(self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)

    def beside(self) -> "Desk":
        """Another browser before the same console."""
        other = copy.copy(self)
        other.client = self._browser()
        return other

    def hire(self, login: str, *roles: StaffRole, inbox: str = "") -> None:
        self.people.add(new_person(login, login.title(), roles, inbox, NOW))
        page = f"/welcome/{self.people.new_link(login)}"
        assert self.post(page, password=GOOD, repeated=GOOD).status_code == 303

    def token(self) -> str:
        self.client.get("/healthz")
        self.client.get("/sign-in")
        token: str = self.app.state.console.pages.seal.token(self.client.cookies["churnwatch-visit"])
        return token

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"token": self.token(), **fields}, headers={"origin": URL})

    def leave(self) -> None:
        self.client.cookies.clear()


@pytest.fixture
def desk(client: redis.Redis, topic_prefix: str) -> Iterator[Desk]:
    made = Desk(client, topic_prefix)
    with made.client:
        yield made


def test_every_route_says_who_may_open_it() -> None:
    for route in ROUTES:
        assert len(locks(route)) == 1, route.path


def test_only_signing_in_and_the_health_check_are_open_to_strangers() -> None:
    opened = {route.path for route in ROUTES if isinstance(locks(route)[0], Open)}
    assert opened == {"/sign-in", "/sign-out", "/welcome/{link}", "/healthz"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods or ())} {route.path}")
@pytest.mark.parametrize("role", [None, *PEOPLE_ROLES])
def test_a_route_opens_for_its_roles_and_for_nobody_else(desk: Desk, role: StaffRole | None, route: APIRoute) -> None:
    if role is not None:
        desk.hire("ada", role, inbox="m-17")
    lock = locks(route)[0]
    method = min(route.methods or ())
    if isinstance(lock, Open) or "/live/" in route.path:
        return
    path = re.sub(r"\{task_id:path\}", "t-3", route.path)
    path = re.sub(r"\{(owner|login):path\}|\{login\}", "m-17", path).replace("{account_id:path}", "ACC-10012")
    answer = desk.post(path) if method == "POST" else desk.client.get(path)
    if isinstance(lock, Claimed):
        assert answer.status_code == 404
    elif role is None:
        assert answer.status_code == (401 if method == "POST" else 303)
        assert method == "POST" or answer.headers["location"].startswith("/sign-in?then=")
    elif lock.any_of and not lock.any_of & ALLOWED[role]:
        assert answer.status_code == 403
    else:
        assert answer.status_code not in {401, 403, 500}


def test_a_manager_sees_own_customers_only(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    foreign = next(task for task in desk.board.tasks.values() if task.owner not in {"m-17", OUTBOUND} and task.open)
    desk.board.customers_known[foreign.account_id] = customer(foreign.account_id, 2, manager_id=foreign.owner)
    assert desk.client.get("/inbox/m-17").status_code == 200
    for path in (f"/inbox/{foreign.owner}", f"/customers/{foreign.account_id}", f"/live/{foreign.owner}"):
        assert desk.client.get(path).status_code == 404, path
    before = desk.board.get(foreign.task_id)
    for act in ("accept", "outcome", "note"):
        assert (
            desk.post(f"/tasks/{foreign.task_id}/{act}", note="x", disposition="busy", version="1").status_code == 404
        )
    assert desk.board.get(foreign.task_id) == before


def test_what_is_not_there_and_what_is_not_yours_look_the_same(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-nobody")
    account = next(iter(desk.board.customers_known))
    real, none = desk.client.get(f"/customers/{account}"), desk.client.get("/customers/ACC-NONE")
    assert real.status_code == none.status_code == 404
    assert real.text == none.text.replace("ACC-NONE", account)


def test_somebody_signs_in_works_and_signs_out(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    desk.leave()
    assert desk.post("/sign-in", login="ada", password="wrong").status_code == 401
    begun = desk.post("/sign-in", login="Ada ", password=GOOD, then="/inbox/m-17")
    assert (begun.status_code, begun.headers["location"]) == (303, "/inbox/m-17")
    task = next(task for task in desk.board.open_tasks("m-17") if task.state == "new")
    assert desk.post(f"/tasks/{task.task_id}/accept", version=str(task.version)).status_code == 303
    accepted = desk.board.get(task.task_id)
    assert accepted is not None
    assert accepted.accepted_by == "m-17"
    old = desk.client.cookies["churnwatch-session"]
    assert desk.post("/sign-out").status_code == 303
    desk.client.cookies.set("churnwatch-session", old)
    assert desk.client.get("/inbox/m-17").status_code == 303


def test_a_stolen_visit_cookie_gets_another_session_at_sign_in(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    desk.leave()
    desk.client.cookies.set("churnwatch-session", "chosen-by-somebody-else")
    answer = desk.post("/sign-in", login="ada", password=GOOD)
    given = re.search(r"churnwatch-session=([^;]+)", answer.headers["set-cookie"])
    assert given is not None
    assert given[1] != "chosen-by-somebody-else"
    assert desk.people.visitor("chosen-by-somebody-else", NOW) is None


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_sends_nobody_to_another_site(desk: Desk, then: str) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    desk.leave()
    assert desk.post("/sign-in", login="ada", password=GOOD, then=then).headers["location"] == "/"


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_typed(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    task = next(task for task in desk.board.open_tasks("m-17") if task.state == "new")
    desk.now_ms += 13 * 3_600_000
    typed = {"note": "Wants fibre by <May>", "version": str(task.version)}
    asked = desk.post(f"/tasks/{task.task_id}/note", **typed)
    assert asked.status_code == 401
    kept = dict(re.findall(r'<input type="hidden" name="((?:kept\.|again)[^"]*)" value="([^"]*)"', asked.text))
    assert kept == {
        "kept.note": "Wants fibre by &lt;May&gt;",
        "kept.version": typed["version"],
        "again": f"/tasks/{task.task_id}/note",
    }
    again = desk.post("/sign-in", login="ada", password=GOOD, **{**kept, "kept.note": typed["note"]})
    assert again.status_code == 200
    assert f'action="/tasks/{task.task_id}/note"' in again.text
    assert "Wants fibre by &lt;May&gt;" in again.text
    assert desk.post(f"/tasks/{task.task_id}/note", **typed).status_code == 303


def test_an_administrator_hires_changes_roles_and_shuts_a_login(desk: Desk) -> None:
    desk.hire("root", StaffRole.ADMIN)
    page = desk.post("/people", login="eve", name="Eve", inbox="m-3", **{"role.manager": "yes"})
    link = re.search(r"http://127\.0\.0\.1:8350(/welcome/[\w-]+)", page.text)
    assert link is not None
    eve = desk.beside()
    assert eve.post(link[1], password=GOOD, repeated=GOOD).status_code == 303
    assert eve.client.get("/inbox/m-3").status_code == 200
    assert desk.post("/people/eve/roles", **{"role.analyst": "yes"}).status_code == 303
    assert eve.client.get("/inbox/m-3").status_code == 403
    assert desk.post("/people/eve/disabled", disabled="yes").status_code == 303
    assert eve.client.get("/me").status_code == 303
    assert desk.post("/people/root/disabled", disabled="yes").status_code == 422


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/people", {"login": "e", "role.manager": "yes"}, "账号 e 无效"),
        ("/people", {"login": "eve", "inbox": "m 3", "role.manager": "yes"}, "待办箱 m 3 无效"),
        ("/people", {"login": "eve"}, "eve 至少需要一个角色"),
        ("/people", {"login": "root", "role.manager": "yes"}, "账号 root 已被使用"),
        ("/people/nobody/roles", {"role.manager": "yes"}, "没有账号 nobody"),
        ("/people/nobody/link", {}, "没有账号 nobody"),
    ],
)
def test_what_is_wrong_with_a_person_is_said_in_the_readers_language(
    desk: Desk, path: str, fields: dict[str, str], said: str
) -> None:
    desk.hire("root", StaffRole.ADMIN)
    desk.client.get("/people?lang=zh")
    page = desk.post(path, **fields)
    assert page.status_code == 422
    assert said in page.text


def test_the_rules_that_were_being_edited_outlive_the_session(desk: Desk) -> None:
    desk.hire("sue", StaffRole.SUPERVISOR)
    desk.now_ms += 13 * 3_600_000
    typed = {f"soft.signal_{number}.on": f"0.{number}" for number in range(150)} | {"why": "quiet <b>week</b>"}
    asked = desk.post("/rules/publish", **typed)
    assert asked.status_code == 401
    kept = dict(re.findall(r'<input type="hidden" name="((?:kept\.|again)[^"]*)" value="([^"]*)"', asked.text))
    assert kept["again"] == "/rules/publish"
    assert {key.removeprefix("kept."): value for key, value in kept.items() if key != "again"} == {
        **typed, "why": "quiet &lt;b&gt;week&lt;/b&gt;",
    }  # fmt: skip
    again = desk.post("/sign-in", login="sue", password=GOOD, **{**kept, "kept.why": typed["why"]})
    assert again.status_code == 200
    assert 'action="/rules/publish"' in again.text
    assert 'value="0.149"' in again.text


SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
#: A form that is refused for one field says nothing of the others: these are tried alone too.
ALONE = (("/tasks/", "note"), ("/reveal/", "why"), ("/rules/", "why"), ("/people", "login"), ("/sign-in", "login"))
TEXT_FIELDS = (
    "note", "why", "line", "name", "login", "inbox", "owner", "days", "disposition", "offer", "version", "then", "again",
    "kept.note", "code", "password", "old", "repeated", "secret", "role", "act", "told", "restores", "soft.silence.on",
    "tasks.create_from", "task.t-3", "version.t-3",
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods or ())} {route.path}")
def test_a_script_in_every_field_of_every_route_stays_text(desk: Desk, route: APIRoute) -> None:
    if "/live/" in route.path:
        return
    desk.hire("all", *PEOPLE_ROLES, inbox="m-17")
    path = re.sub(r"\{task_id:path\}", "t-3", route.path)
    path = re.sub(r"\{(owner|login):path\}|\{login\}", "m-17", path).replace("{account_id:path}", "ACC-10012")
    path = re.sub(r"\{\w+(:path)?\}", "lead-time", path)
    query = {
        "q": SCRIPT,
        "who": SCRIPT,
        "account": SCRIPT,
        "line": SCRIPT,
        "did": SCRIPT,
        "then": SCRIPT,
        "region": SCRIPT,
    }
    if "POST" in (route.methods or ()):
        answers = [desk.post(path, **{"whole": "yes", **dict.fromkeys(TEXT_FIELDS, SCRIPT)})]
        answers += [desk.post(path, **{field: SCRIPT}) for start, field in ALONE if path.startswith(start)]
    else:
        answers = [desk.client.get(path, params=query), desk.client.get(f"{path}{SCRIPT}")]
    for answer in answers:
        assert answer.status_code < 500
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize("away", ["redis", "kafka"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods or ())} {route.path}")
def test_no_route_breaks_while_a_service_is_away(desk: Desk, route: APIRoute, away: str) -> None:
    if "/live/" in route.path:
        return
    desk.hire("all", *PEOPLE_ROLES, inbox="m-17")
    token, console = desk.token(), desk.app.state.console
    if away == "redis":
        desk.people._redis = redis.Redis(port=1, retry=Retry(NoBackoff(), 0), decode_responses=True)
        desk.board.away = True
    else:
        console.reports.away = console.rules.away = True
    path = re.sub(r"\{task_id:path\}", "t-3", route.path)
    path = re.sub(r"\{(owner|login):path\}|\{login\}", "m-17", path).replace("{account_id:path}", "ACC-10012")
    path = path.replace("{name}", "ladder").replace("{kind}", "usage").replace("{table}", "rows")
    typed = {"token": token, "note": "typed before it went away", "why": "typed", "whole": "yes"}
    asks = desk.client.post if "POST" in (route.methods or ()) else desk.client.get
    sent = {"data": typed, "headers": {"origin": URL}} if "POST" in (route.methods or ()) else {}
    answer = asks(path, **sent)  # type: ignore[arg-type]  # the client's own keywords
    assert answer.status_code == 503 or answer.status_code < 500, answer.text[:300]
    if answer.status_code == 503 and route.path.startswith("/tasks/"):
        assert "typed before it went away" in answer.text


def test_nothing_secret_is_sent_back_in_a_page(desk: Desk) -> None:
    desk.hire("ada", StaffRole.MANAGER, inbox="m-17")
    desk.now_ms += 13 * 3_600_000
    answer = desk.post("/me/password", old="old secret", password="new secret words", repeated="new secret words")
    assert answer.status_code == 401
    assert "secret" not in answer.text


def test_permissions_of_each_role_are_what_the_product_promises() -> None:
    assert [role for role in StaffRole if Permission.AUDIT in ALLOWED[role]] == [StaffRole.AUDITOR]
    assert [role for role in StaffRole if Permission.PEOPLE in ALLOWED[role]] == [StaffRole.ADMIN]
    with pytest.raises(PersonError, match="no person is a dialer"):
        new_person("ada", "Ada", (StaffRole.DIALER,), "", 1)
    assert not ALLOWED[StaffRole.ADMIN] & {Permission.REVEAL, Permission.ALL_TASKS, Permission.OWN_TASKS}
