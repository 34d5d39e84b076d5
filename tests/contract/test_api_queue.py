"""Telephone systems over HTTP on a real Redis: one lease a call, a number only when it may ring, each end told once."""

import json

import pytest
import redis

from alerts.accounts.roles import StaffRole
from alerts.clock import ManualClock
from alerts.dialers.signature import sign
from alerts.queue import CallQueue
from alerts.store import TaskStore
from alerts.tasks import TaskEventKind, TaskState
from pipeline.events import Consent
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer_record, managed, warning
from tests.fakes.api_desk import SECRET, ApiUser, api_user, fill_vault

NUMBER = "+8613800138000"


@pytest.fixture
def api(client: redis.Redis, store: TaskStore) -> ApiUser:
    """Two calls of the outbound team, the first one's number in the vault."""
    store.directory.put([customer_record("a-1"), customer_record("a-2")], [], {})
    store.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}", score=0.9 / n) for n in (1, 2)])
    fill_vault(client, store, {"l-1": NUMBER})
    return api_user(client, store)


def machine(api: ApiUser) -> dict[str, str]:
    return api.headers(StaffRole.DIALER)


def leased(api: ApiUser, headers: dict[str, str], count: int = 10) -> list[dict[str, str]]:
    answer = api.client.post("/queue/leases", json={"count": count}, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, str]] = answer.json()["items"]
    return items


def audit(api: ApiUser) -> list[dict[str, str]]:
    rows = [json.loads(parcel.value) for parcel in api.desk.store.outbox.pending(100) if parcel.topic == "task-events"]
    return [row for row in rows if row["kind"] == TaskEventKind.NUMBER_READ]


def begun_call(api: ApiUser, headers: dict[str, str]) -> dict[str, str]:
    """The call of a-1, begun."""
    call = next(one for one in leased(api, headers) if api.desk.store.get(one["task_id"]).account_id == "a-1")  # type: ignore[union-attr]  # it was leased
    assert api.client.post(f"/queue/leases/{call['lease_id']}/begin", headers=headers).status_code == 200
    return call


def test_a_call_is_leased_begun_with_its_number_and_told(api: ApiUser) -> None:
    one = machine(api)
    calls = leased(api, one)
    assert len(calls) == 2
    told = {}
    for call in calls:
        path = f"/queue/leases/{call['lease_id']}"
        assert api.client.post(f"{path}/heartbeat", headers=one).json()["call"] == call["call"]
        begun = api.client.post(f"{path}/begin", headers=one).json()
        told[begun["task"]["account_id"]] = begun["number"]
        assert begun["task"]["state"] == "in_contact"
        assert api.client.post(f"{path}/ack", json={"code": "SALE"}, headers=one).json()["state"] == "done"
        assert api.client.post(f"{path}/ack", json={"code": "SALE"}, headers=one).status_code == 404
    assert told == {"a-1": NUMBER, "a-2": None}
    assert [(row["actor"], row["read_for"], row["line_id"]) for row in audit(api)] == [("d-1", "dial", "l-1")]


def test_two_machines_never_hold_the_same_call(api: ApiUser) -> None:
    one, other = machine(api), machine(api)
    first, second = leased(api, one, 1), leased(api, other, 1)
    assert first[0]["call"] != second[0]["call"]
    assert leased(api, one) == leased(api, other) == []
    stolen = api.client.post(f"/queue/leases/{first[0]['lease_id']}/begin", headers=other)
    assert (stolen.status_code, stolen.json()["reason"]) == (404, "unknown_lease")


def test_a_call_that_may_not_ring_gives_no_number(api: ApiUser) -> None:
    one = machine(api)
    calls = leased(api, one)
    api.desk.store.directory.put([customer_record("a-1", consent=Consent())], [], {})
    answers = [api.client.post(f"/queue/leases/{call['lease_id']}/begin", headers=one) for call in calls]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["reason"] == "no_consent"
    assert audit(api) == []


def test_a_handed_over_call_is_told_later_and_only_once(api: ApiUser, client: redis.Redis, store: TaskStore) -> None:
    one = machine(api)
    call = begun_call(api, one)
    body = {"call": call["call"], "code": "NI"}
    assert api.client.post("/dispositions", json=body, headers=one).json()["result"] == "refused"
    again = api.client.post("/dispositions", json=body, headers=one)
    assert (again.status_code, again.json()["reason"]) == (409, "stale_attempt")


def test_nobody_tells_the_end_of_a_call_that_was_never_begun(api: ApiUser) -> None:
    one = machine(api)
    (call, *_) = leased(api, one)
    answer = api.client.post("/dispositions", json={"call": call["call"], "code": "SALE"}, headers=one)
    assert (answer.status_code, answer.json()["reason"]) == (409, "wrong_state")
    unknown = api.client.post("/dispositions", json={"call": "none:1", "code": "SALE"}, headers=one)
    assert unknown.status_code == 404


def test_a_handed_over_call_of_which_nobody_tells_is_reported_lost(
    api: ApiUser, client: redis.Redis, store: TaskStore, clock: ManualClock
) -> None:
    queue = CallQueue(client, store, "d-7")
    queue.prepare()
    queue.move_due()
    lease = queue.lease(1, 1)[0]
    queue.begin(lease)
    queue.hand_over(lease, DAY_MS)
    assert queue.held(lease.entry_id) is None
    assert queue.report_silent() == 0
    clock.advance(NOON_MS + DAY_MS)
    assert queue.report_silent() == 1
    task = store.get(lease.task_id)
    assert task is not None
    assert (task.state, task.attempts) == (TaskState.WAITING, 1)
    assert queue.report_silent() == 0


def test_a_signed_message_ends_a_call_and_its_replay_does_nothing(api: ApiUser) -> None:
    call = begun_call(api, machine(api))
    body = json.dumps({"call": call["call"], "code": "SALE", "note": "Stays."}).encode()
    headers = sign(SECRET, NOON_MS // 1000, "message-1", body)
    done = api.client.post("/hooks/vicidial", content=body, headers=headers)
    assert (done.status_code, done.json()["result"]) == (200, "saved")
    replayed = api.client.post("/hooks/vicidial", content=body, headers=headers)
    assert (replayed.status_code, replayed.json()["reason"]) == (409, "replayed")
    assert api.desk.store.get(call["task_id"]).attempts == 1  # type: ignore[union-attr]  # it is there


def test_a_message_with_a_bad_signature_does_nothing(api: ApiUser) -> None:
    call = begun_call(api, machine(api))
    body = json.dumps({"call": call["call"], "code": "SALE"}).encode()
    for headers in (
        sign(b"guessed", NOON_MS // 1000, "message-1", body),
        sign(SECRET, NOON_MS // 1000 - 301, "message-2", body),
    ):
        assert api.client.post("/hooks/vicidial", content=body, headers=headers).status_code == 401
    assert (
        api.client.post(
            "/hooks/nobody", content=body, headers=sign(SECRET, NOON_MS // 1000, "message-3", body)
        ).status_code
        == 404
    )
    assert api.client.post("/hooks/vicidial", content=body).status_code == 422
    assert api.desk.store.get(call["task_id"]).state is TaskState.IN_CONTACT  # type: ignore[union-attr]  # it is there


def test_a_number_is_revealed_with_a_reason_and_written_down_first(client: redis.Redis, store: TaskStore) -> None:
    store.directory.put([managed()], [], {})
    fill_vault(client, store, {"l-1": NUMBER})
    api = api_user(client, store)
    asked = {"account_id": "a-1", "line_id": "l-1", "why": "returns a missed call"}
    assert api.post(StaffRole.MANAGER, "/reveals", asked).json() == {"line_id": "l-1", "number": NUMBER}
    (row,) = audit(api)
    assert (row["actor"], row["role"], row["read_for"], row["note"]) == ("m-1", "manager", "reveal", asked["why"])
    assert NUMBER not in json.dumps(row)
    assert api.post(StaffRole.MANAGER, "/reveals", asked, holder="m-9").status_code == 404
    assert api.post(StaffRole.MANAGER, "/reveals", {**asked, "line_id": "l-2"}).status_code == 404
    assert len(audit(api)) == 1


def test_without_its_log_the_vault_says_nothing(client: redis.Redis, store: TaskStore) -> None:
    store.directory.put([managed()], [], {})
    fill_vault(client, store, {"l-1": NUMBER})
    client.delete(store.keys.ready)
    asked = {"account_id": "a-1", "line_id": "l-1", "why": "returns a missed call"}
    answer = api_user(client, store).post(StaffRole.MANAGER, "/reveals", asked)
    assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
    assert NUMBER not in answer.text
