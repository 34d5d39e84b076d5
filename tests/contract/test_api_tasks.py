"""Tasks through the REST API on a real Redis: who sees what, who may change it, and what happens to the second one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from alerts.accounts.roles import ALLOWED, READ_TASKS, Permission, StaffRole
from alerts.store import TaskStore
from alerts.tasks import Task, TaskState
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer_record, managed, warning
from tests.fakes.api_desk import ApiUser, api_user


@pytest.fixture
def api(client: redis.Redis, store: TaskStore) -> ApiUser:
    """Accounts a-1 of m-1 and a-2 of the outbound team, a task each."""
    store.directory.put([managed(), customer_record("a-2")], [], {})
    store.admit_warnings([warning(), warning("w-2", account_id="a-2", line_id="l-2")])
    return api_user(client, store)


def task_of(api: ApiUser, account_id: str) -> Task:
    return api.desk.store.tasks_of(account_id)[0]


def test_a_manager_lists_claims_and_ends_their_task(api: ApiUser) -> None:
    page = api.get(StaffRole.MANAGER, "/tasks").json()
    assert (page["total"], page["next"]) == (1, None)
    task_id = page["items"][0]["task_id"]
    shown = api.get(StaffRole.MANAGER, f"/tasks/{task_id}")
    assert shown.headers["etag"] == '"1"'
    claimed = api.post(StaffRole.MANAGER, f"/tasks/{task_id}/claim", version=1)
    assert (claimed.json()["state"], claimed.json()["accepted_by"]) == ("accepted", "m-1")
    version = claimed.json()["version"]
    assert claimed.headers["etag"] == f'"{version}"'
    done = api.post(
        StaffRole.MANAGER, f"/tasks/{task_id}/dispositions", {"code": "SALE", "note": "Stays."}, version=version
    ).json()
    assert (done["state"], done["result"], done["notes"][0]["text"]) == ("done", "saved", "Stays.")
    assert api.get(StaffRole.MANAGER, "/tasks?shelf=closed").json()["total"] == 1


def test_of_two_who_claim_at_once_one_wins_and_the_other_hears_who(api: ApiUser) -> None:
    task = task_of(api, "a-2")
    holders = [f"c-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as crowd:
        answers = list(
            crowd.map(lambda name: api.post(StaffRole.CALLER, f"/tasks/{task.task_id}/claim", None, name, 1), holders)
        )
    won = [answer.json()["accepted_by"] for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(won) == 1
    assert {answer.status_code for answer in lost} == {412}
    assert {answer.json()["accepted_by"] for answer in lost} == set(won)
    assert {answer.headers["content-type"] for answer in lost} == {"application/problem+json"}


def test_without_a_version_nothing_is_changed(api: ApiUser) -> None:
    task = task_of(api, "a-1")
    assert api.post(StaffRole.MANAGER, f"/tasks/{task.task_id}/claim").status_code == 428
    assert api.post(StaffRole.MANAGER, f"/tasks/{task.task_id}/claim", version=7).status_code == 412
    assert task_of(api, "a-1").state is TaskState.NEW


def test_a_note_a_snooze_and_a_hand_over_by_a_supervisor(api: ApiUser) -> None:
    path = f"/tasks/{task_of(api, 'a-1').task_id}"
    noted = api.post(StaffRole.SUPERVISOR, f"{path}/notes", {"text": "Rival called."}, version=1)
    assert noted.json()["notes"][0]["actor"] == "s-1"
    assert api.post(StaffRole.SUPERVISOR, f"{path}/snooze", {"until_ms": NOON_MS - 1}, version=2).status_code == 422
    snoozed = api.post(StaffRole.SUPERVISOR, f"{path}/snooze", {"until_ms": NOON_MS + DAY_MS}, version=2)
    assert snoozed.json()["state"] == "snoozed"
    given = api.post(StaffRole.SUPERVISOR, f"{path}/hand-over", {"owner": "m-7"}, version=3)
    assert (given.json()["owner"], given.json()["state"]) == ("m-7", "new")


def test_somebody_elses_task_looks_as_if_it_were_not_there(api: ApiUser) -> None:
    task, of_the_team = task_of(api, "a-1"), task_of(api, "a-2")
    for answer in (
        api.get(StaffRole.MANAGER, f"/tasks/{of_the_team.task_id}", holder="m-9"),
        api.post(StaffRole.MANAGER, f"/tasks/{of_the_team.task_id}/claim", None, "m-9", 1),
        api.get(StaffRole.MANAGER, f"/tasks/{task.task_id}", holder="m-9"),
        api.post(StaffRole.MANAGER, f"/tasks/{task.task_id}/claim", None, "m-9", 1),
        api.get(StaffRole.CALLER, f"/tasks/{task.task_id}"),
        api.get(StaffRole.MANAGER, "/tasks/0123456789abcdef"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_task")
    assert api.get(StaffRole.MANAGER, "/tasks?account_id=a-1", holder="m-9").json()["items"] == []
    assert api.get(StaffRole.MANAGER, "/tasks?owner=m-1", holder="m-9").status_code == 403
    assert api.get(StaffRole.SUPERVISOR, "/tasks?owner=m-1").json()["total"] == 1


def test_pages_follow_each_other_without_gap_or_repeat(client: redis.Redis, store: TaskStore) -> None:
    store.directory.put([customer_record(f"a-{number}") for number in range(25)], [], {})
    store.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}", score=n / 100) for n in range(25)])
    api = api_user(client, store)
    seen: list[str] = []
    path: str | None = "/tasks?limit=10"
    while path:
        page = api.get(StaffRole.CALLER, path).json()
        seen += [item["account_id"] for item in page["items"]]
        path = page["next"]
    assert seen == [f"a-{number}" for number in range(24, -1, -1)]


def test_a_wrong_or_old_token_opens_nothing(api: ApiUser) -> None:
    expired = api.keys.make(StaffRole.SUPERVISOR, expires_ms=NOON_MS)
    good = api.keys.make(StaffRole.SUPERVISOR)
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    for text in ("", "cwt_", wrong, expired, good.upper()):
        answer = api.client.get("/tasks", headers={"authorization": f"Bearer {text}"})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert api.client.get("/tasks").status_code == 401
    assert api.client.get("/tasks", headers={"authorization": f"Bearer {good}"}).status_code == 200


#: What each permission opens; every route of the description must be in one of these.
ROUTES: dict[tuple[Permission, ...], tuple[tuple[str, str], ...]] = {
    READ_TASKS: (
        ("get", "/customers/{account_id}"),
        ("get", "/tasks"),
        ("get", "/tasks/{task_id}"),
        ("get", "/tasks/{task_id}/playbook"),
    ),
    (Permission.WORK_TASKS,): tuple(
        ("post", f"/tasks/{{task_id}}/{act}")
        for act in ("claim", "dispositions", "notes", "snooze", "hand-over", "offers")
    ),
    (Permission.REVEAL,): (("post", "/reveals"),),
    (Permission.QUEUE,): (("get", "/queue"),),
    (Permission.DIAL,): (
        ("post", "/queue/leases"),
        *(("post", f"/queue/leases/{{lease_id}}/{act}") for act in ("begin", "heartbeat", "ack")),
        ("post", "/dispositions"),
    ),
    (Permission.REPORTS,): (("get", "/reports/{name}"),),
}
#: Opened by a signature, not by a token.
SIGNED = {("post", "/hooks/{dialer}")}
BODIES: dict[str, dict[str, object]] = {
    "notes": {"text": "x"},
    "offers": {"offer": "x"},
    "snooze": {"until_ms": 1},
    "hand-over": {"owner": "m-2"},
    "dispositions": {"disposition": "busy"},
    "ack": {"disposition": "busy"},
    "reveals": {"account_id": "a-1", "line_id": "l-1", "why": "test"},
    "leases": {"count": 1},
}


def test_every_route_is_in_the_matrix_of_roles(api: ApiUser) -> None:
    described = {(method, path) for path, methods in api.app.openapi()["paths"].items() for method in methods}
    assert described == {route for routes in ROUTES.values() for route in routes} | SIGNED


@pytest.mark.parametrize("role", list(StaffRole))
def test_a_role_opens_what_it_is_granted_and_nothing_else(api: ApiUser, role: StaffRole) -> None:
    for any_of, routes in ROUTES.items():
        for method, path in routes:
            real = path.format(task_id="0123", account_id="nobody", lease_id="1-1", name="ladder")
            last = real.rpartition("/")[2]
            body = {"call": "t:1", "disposition": "busy"} if real == "/dispositions" else BODIES.get(last)
            answer = api.get(role, real) if method == "get" else api.post(role, real, body, version=1)
            denied = answer.status_code == 403
            assert denied == (not ALLOWED[role] & set(any_of)), (role, method, real, answer.text)


def test_a_store_that_is_away_is_a_503_and_no_traceback(client: redis.Redis, store: TaskStore) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True)
    api = api_user(client, TaskStore(away, "p", store.clock))
    answer = api.get(StaffRole.SUPERVISOR, "/tasks")
    assert (answer.status_code, answer.json()["reason"]) == (503, "store_away")
    assert answer.headers["retry-after"]
