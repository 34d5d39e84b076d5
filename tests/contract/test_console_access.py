"""Who comes in and what they find: people, sessions, own and others' customers, what was typed."""

import re
from collections.abc import Iterator

import pytest
import redis

from alerts.accounts.people import PersonError, new_person
from alerts.accounts.roles import ALLOWED, Permission, StaffRole
from alerts.tasks import OUTBOUND
from tests.fakes.console_samples import customer
from tests.fakes.guarded_console import GOOD, NOW, Desk


@pytest.fixture
def desk(client: redis.Redis, topic_prefix: str) -> Iterator[Desk]:
    made = Desk(client, topic_prefix)
    with made.client:
        yield made


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
