"""The outbound queue on a real Redis: each attempt rings at most once, and nothing is lost."""

import time
from dataclasses import replace

import msgspec
import pytest
import redis

from alerts.clock import ManualClock
from alerts.dialer import Dialer
from alerts.queue import CallQueue, Lease, queue_depth
from alerts.rules import Rules, read_rules
from alerts.store import TaskStore
from alerts.tasks import OUTBOUND, RefusalReason, Task, TaskResult, TaskState
from pipeline.events import Consent, Disposition
from tests.fakes.alert_records import DAY_MS, HOUR_MS, NOON_MS, customer_record, the_refusal, the_task, warning

LEASE_S = 0.05
#: A machine that stalls for less than half of it ends no lease that is kept alive.
KEPT_LEASE_S = 1.0


def quick_rules(lease_s: float = LEASE_S) -> Rules:
    rules = read_rules()
    contact = msgspec.structs.replace(rules.tasks.contact, lease_s=lease_s, deliveries_max=2)
    return replace(rules, tasks=msgspec.structs.replace(rules.tasks, contact=contact))


@pytest.fixture
def quick_store(client: redis.Redis, store: TaskStore, clock: ManualClock) -> TaskStore:
    """Leases of 50 ms, two deliveries."""
    return TaskStore(client, store.keys.prefix, clock, quick_rules())


@pytest.fixture
def queue(client: redis.Redis, quick_store: TaskStore) -> CallQueue:
    return prepared(client, quick_store, "d-1")


def prepared(client: redis.Redis, store: TaskStore, name: str) -> CallQueue:
    made = CallQueue(client, store, name)
    made.prepare()
    made.prepare()
    return made


def put_calls(store: TaskStore, count: int = 1) -> list[Task]:
    store.directory.put([customer_record(f"a-{number}") for number in range(count)], [], {})
    store.admit_warnings(
        [warning(f"w-{number}", account_id=f"a-{number}", line_id=f"l-{number}") for number in range(count)]
    )
    return store.open_tasks(OUTBOUND, limit=count)


def lease_one(queue: CallQueue) -> Lease:
    queue.move_due()
    (lease,) = queue.lease(1, 1)
    return lease


def wait_for_the_lease_to_end() -> None:
    deadline = time.monotonic() + LEASE_S * 1.5
    while time.monotonic() < deadline:
        time.sleep(LEASE_S / 5)


def test_a_call_is_leased_begun_and_finished(queue: CallQueue, quick_store: TaskStore, client: redis.Redis) -> None:
    (task,) = put_calls(quick_store)
    lease = lease_one(queue)
    assert lease.call == f"{task.task_id}:1"
    assert the_task(queue.begin(lease)).state is TaskState.IN_CONTACT
    assert the_task(queue.finish(lease, Disposition.REACHED_SAVED)).result is TaskResult.SAVED
    assert queue.lease(1, 1) == []
    assert queue_depth(client, quick_store, time.time()) == (0, 0, 0, 0, 0.0)


def test_two_dialers_never_hold_the_same_call(store: TaskStore, client: redis.Redis) -> None:
    put_calls(store, 40)
    one, other = prepared(client, store, "d-1"), prepared(client, store, "d-2")
    one.move_due()
    other.move_due()
    calls = [lease.call for _ in range(20) for dialer in (one, other) for lease in dialer.lease(1, 1)]
    assert len(calls) == len(set(calls)) == 40


def test_a_call_not_begun_by_a_dead_dialer_goes_to_another(
    queue: CallQueue, quick_store: TaskStore, client: redis.Redis
) -> None:
    put_calls(quick_store)
    held = lease_one(queue)
    other = prepared(client, quick_store, "d-2")
    assert other.lease(1, 1) == []
    wait_for_the_lease_to_end()
    (taken,) = other.lease(1, 1)
    assert (taken.call, taken.deliveries) == (held.call, 2)
    assert the_task(other.begin(taken)).state is TaskState.IN_CONTACT


def test_a_call_begun_by_a_dead_dialer_is_reported_lost_and_never_dialled_again(
    queue: CallQueue, quick_store: TaskStore, client: redis.Redis
) -> None:
    (task,) = put_calls(quick_store)
    the_task(queue.begin(lease_one(queue)))
    other = prepared(client, quick_store, "d-2")
    wait_for_the_lease_to_end()
    (taken,) = other.lease(1, 1)
    assert the_refusal(other.begin(taken)).reason is RefusalReason.WRONG_STATE
    now = the_task(quick_store.get(task.task_id))
    assert (now.state, now.attempts) == (TaskState.WAITING, 1)
    assert now.not_before_ms == NOON_MS + DAY_MS
    assert other.lease(1, 1) == []


def test_a_heartbeat_keeps_the_lease(store: TaskStore, client: redis.Redis, clock: ManualClock) -> None:
    kept = TaskStore(client, store.keys.prefix, clock, quick_rules(KEPT_LEASE_S))
    queue, other = prepared(client, kept, "d-1"), prepared(client, kept, "d-2")
    put_calls(kept)
    lease = lease_one(queue)
    for _ in range(3):
        time.sleep(KEPT_LEASE_S / 2)
        queue.heartbeat(lease)
        assert other.lease(1, 1) == []


def test_a_call_handed_out_too_often_goes_to_the_dead_stream(
    queue: CallQueue, quick_store: TaskStore, client: redis.Redis
) -> None:
    put_calls(quick_store)
    call = lease_one(queue).call
    for _ in range(3):
        wait_for_the_lease_to_end()
        queue.lease(1, 1)
    assert queue.dead() == [call]
    assert queue_depth(client, quick_store, time.time()).dead == 1
    assert quick_store.count_open(OUTBOUND) == 1


def test_finishing_twice_is_told_once(queue: CallQueue, quick_store: TaskStore) -> None:
    put_calls(quick_store)
    lease = lease_one(queue)
    queue.begin(lease)
    the_task(queue.finish(lease, Disposition.BUSY))
    assert the_refusal(queue.finish(lease, Disposition.BUSY)).reason is RefusalReason.STALE_ATTEMPT
    assert len([parcel for parcel in quick_store.outbox.pending(100) if parcel.topic == "outcomes"]) == 1


def test_a_busy_line_is_called_again_after_the_delay_under_the_next_attempt(
    queue: CallQueue, quick_store: TaskStore, clock: ManualClock
) -> None:
    (task,) = put_calls(quick_store)
    lease = lease_one(queue)
    queue.begin(lease)
    queue.finish(lease, Disposition.BUSY)
    assert queue.move_due() == 0
    clock.advance(NOON_MS + DAY_MS)
    assert lease_one(queue).call == f"{task.task_id}:2"


def test_outside_the_window_a_call_is_put_off_until_it_opens(
    queue: CallQueue, quick_store: TaskStore, clock: ManualClock
) -> None:
    put_calls(quick_store)
    clock.advance(NOON_MS + 9 * HOUR_MS)
    refusal = the_refusal(queue.begin(lease_one(queue)))
    assert (refusal.reason, refusal.retry_ms) == (RefusalReason.OUTSIDE_WINDOW, NOON_MS + 21 * HOUR_MS)
    assert queue.move_due() == 0
    clock.advance(NOON_MS + 21 * HOUR_MS)
    assert the_task(queue.begin(lease_one(queue))).state is TaskState.IN_CONTACT


def test_consent_withdrawn_while_queued_ends_the_task_without_a_ring(queue: CallQueue, quick_store: TaskStore) -> None:
    (task,) = put_calls(quick_store)
    quick_store.directory.put([customer_record("a-0", consent=Consent())], [], {})
    assert the_refusal(queue.begin(lease_one(queue))).reason is RefusalReason.NO_CONSENT
    assert the_task(quick_store.get(task.task_id)).result is TaskResult.NOT_ALLOWED
    assert queue.lease(1, 1) == []


def test_a_task_closed_by_a_person_meanwhile_is_not_dialled(
    queue: CallQueue, quick_store: TaskStore, clock: ManualClock
) -> None:
    put_calls(quick_store)
    lease = lease_one(queue)
    clock.advance(NOON_MS + 11 * DAY_MS)
    assert len(quick_store.close_recovered()) == 1
    assert the_refusal(queue.begin(lease)).reason is RefusalReason.ALREADY_CLOSED
    assert queue.lease(1, 1) == []


def test_the_reference_dialer_rings_each_call_once_and_tells_how_it_ended(
    queue: CallQueue, quick_store: TaskStore
) -> None:
    put_calls(quick_store, 30)
    rung: list[str] = []

    def ring(_: Task, lease: Lease) -> Disposition:
        rung.append(lease.call)
        return Disposition.REACHED_SAVED

    dialer = Dialer(queue, ring)
    while dialer.work(block_ms=1):
        pass
    assert len(rung) == len(set(rung)) == 30
    assert quick_store.count_open() == 0
    assert dialer.rung == {Disposition.REACHED_SAVED: 30}


def test_a_dialer_that_leaves_takes_no_call_with_it(
    queue: CallQueue, quick_store: TaskStore, client: redis.Redis
) -> None:
    put_calls(quick_store)
    lease_one(queue)
    queue.leave()
    other = prepared(client, quick_store, "d-2")
    wait_for_the_lease_to_end()
    assert len(other.lease(1, 1)) == 1
    queue.leave()
    names = [row["name"] for row in client.xinfo_consumers(quick_store.keys.calls, "dialers")]
    assert names == ["d-2"]
