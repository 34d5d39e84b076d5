"""Redis is a view: what the task log says, a rebuild brings back, all of it and nothing else."""

from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.chain import ChainBroken, verify
from alerts.clock import ManualClock
from alerts.queue import CallQueue, Lease
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import OUTBOUND, Actor, Role, Task, TaskEvent
from pipeline.events import ChurnWarning, Disposition, Level
from tests.fakes.alert_records import (
    DAY_MS,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    SUPERVISOR,
    customer_record,
    managed,
    signal,
    warning,
)
from tests.fakes.inbox_contents import contents

ACCOUNTS = ("a-0", "a-1", "a-2")
SIGNALS = ("silence", "usage_drop", "complaint", "port_code_issued")


def log_of(store: TaskStore) -> list[TaskEvent]:
    parcels = store.outbox.pending(1_000_000)
    return [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in parcels if parcel.topic == "task-events"]


def rebuilt(client: redis.Redis, store: TaskStore, events: list[TaskEvent], size: int = 7) -> None:
    rebuilder = Rebuilder(client, store.keys, store.ledger)
    rebuilder.wipe()
    for start in range(0, len(events), size):
        rebuilder.apply(events[start : start + size])
    rebuilder.revive_calls()
    rebuilder.open_gate()


def live_a_while(store: TaskStore, client: redis.Redis, clock: ManualClock) -> None:
    """Some of everything that can happen to tasks."""
    store.directory.put([managed("a-0"), customer_record("a-1"), customer_record("a-2", call=False)], [], {})
    store.admit_warnings([warning(f"w-{n}-{s}", signal(s), account_id=f"a-{n}") for n in range(3) for s in SIGNALS])
    mine = store.open_tasks("m-1")
    store.accept(mine[0].task_id, MANAGER)
    store.record_disposition(mine[0].task_id, MANAGER, Disposition.NO_ANSWER, "no answer")
    store.record_disposition(mine[1].task_id, MANAGER, Disposition.REACHED_SAVED, "stays")
    store.add_note(mine[1].task_id, MANAGER, "sent flowers")
    store.snooze(mine[2].task_id, MANAGER, NOON_MS + DAY_MS)
    queue = CallQueue(client, store, "d-1")
    queue.prepare()
    queue.move_due()
    leases = queue.lease(2, 1)
    queue.begin(leases[0])
    store.reassign(store.open_tasks(OUTBOUND)[0].task_id, SUPERVISOR, "m-5")
    clock.advance(NOON_MS + 12 * DAY_MS)
    store.close_recovered()


def test_a_rebuilt_redis_equals_the_old_one(store: TaskStore, client: redis.Redis, clock: ManualClock) -> None:
    live_a_while(store, client, clock)
    before, events = contents(client, store), log_of(store)
    rebuilt(client, store, events)
    assert contents(client, store) == before
    assert before["counters"]["created"]


def test_applying_what_is_there_already_changes_nothing(
    store: TaskStore, client: redis.Redis, clock: ManualClock
) -> None:
    live_a_while(store, client, clock)
    before, events = contents(client, store), log_of(store)
    assert Rebuilder(client, store.keys, store.ledger).apply(events) == 0
    assert contents(client, store) == before


def test_a_redis_that_went_back_in_time_gets_only_its_last_changes(
    store: TaskStore, client: redis.Redis, clock: ManualClock
) -> None:
    live_a_while(store, client, clock)
    before, events = contents(client, store), log_of(store)
    rebuilt(client, store, events[: len(events) // 2])
    assert contents(client, store) != before
    rebuilder = Rebuilder(client, store.keys, store.ledger)
    lacking = rebuilder.apply(events)
    rebuilder.revive_calls()
    assert lacking == len(events) - len(events) // 2
    assert contents(client, store) == before


def test_a_log_with_a_hole_or_a_forgery_is_refused(store: TaskStore, client: redis.Redis, clock: ManualClock) -> None:
    live_a_while(store, client, clock)
    events = log_of(store)
    with pytest.raises(ChainBroken):
        rebuilt(client, store, [event for event in events if (event.account_id, event.seq) != ("a-0", 2)])
    forged = [msgspec.structs.replace(event, actor="x") if event.seq == 3 else event for event in events]
    with pytest.raises(ChainBroken):
        rebuilt(client, store, forged)


def test_a_call_under_way_before_a_loss_is_not_dialled_again(
    store: TaskStore, client: redis.Redis, clock: ManualClock
) -> None:
    store.directory.put([customer_record()], [], {})
    store.admit_warnings([warning()])
    queue = CallQueue(client, store, "d-1")
    queue.prepare()
    queue.move_due()
    (lease,) = queue.lease(1, 1)
    queue.begin(lease)
    rebuilt(client, store, log_of(store))
    queue.prepare()
    queue.move_due()
    (again,) = queue.lease(1, 1)
    assert again.call == lease.call
    queue.begin(again)
    task = store.get(lease.task_id)
    assert task is not None
    assert (task.attempts, task.state) == (1, "waiting")


STEPS = st.one_of(
    st.tuples(st.just("warn"), st.sampled_from(ACCOUNTS), st.sampled_from(SIGNALS), st.sampled_from(list(Level))),
    st.tuples(st.just("again"), st.integers(0, 5)),
    st.tuples(st.just("accept"), st.integers(0, 3)),
    st.tuples(st.just("record"), st.integers(0, 3), st.sampled_from(list(Disposition))),
    st.tuples(st.just("snooze"), st.integers(0, 3)),
    st.tuples(st.just("reassign"), st.integers(0, 3), st.sampled_from(["m-1", OUTBOUND])),
    st.tuples(st.just("lease"), st.integers(0, 1)),
    st.tuples(st.just("begin"), st.integers(0, 1)),
    st.tuples(st.just("finish"), st.integers(0, 1), st.sampled_from(list(Disposition))),
    st.tuples(st.just("pass"), st.sampled_from([HOUR_MS, DAY_MS, 9 * DAY_MS])),
)


class Office:
    """Two tasks processes, two dialers and some people on one Redis, moved step by step."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.clock = ManualClock(NOON_MS)
        self.stores = [TaskStore(client, prefix, self.clock) for _ in range(2)]
        self.store = self.stores[0]
        Rebuilder(client, self.store.keys, self.store.ledger).open_gate()
        self.store.directory.put([managed("a-0"), customer_record("a-1"), customer_record("a-2", call=False)], [], {})
        self.queues = [CallQueue(client, store, f"d-{number}") for number, store in enumerate(self.stores)]
        self.queues[0].prepare()
        self.leases: list[list[Lease]] = [[], []]
        self.told: list[ChurnWarning] = []
        self.rung: list[str] = []

    def do(self, what: str, *arguments: Any) -> None:
        getattr(self, what)(*arguments)
        groups = [(task.account_id, task.reason_group) for task in self.store.open_tasks(limit=1000)]
        assert len(groups) == len(set(groups)), "two open tasks for one account and reason group"

    def warn(self, account_id: str, name: str, level: Level) -> None:
        number = len(self.told)
        told = warning(
            f"w-{number}", signal(name), account_id=account_id, line_id=f"l{account_id[1:]}", level=level,
            ts_ms=self.clock.now_ms(),
        )  # fmt: skip
        self.told.append(told)
        self.stores[number % 2].admit_warnings([told])

    def again(self, index: int) -> None:
        if index < len(self.told):
            before = log_of(self.store)
            assert self.stores[1].admit_warnings([self.told[index]]) == []
            assert log_of(self.store) == before

    def task(self, index: int) -> Task | None:
        tasks = self.store.open_tasks(limit=10)
        return tasks[index] if index < len(tasks) else None

    def accept(self, index: int) -> None:
        if task := self.task(index):
            self.store.accept(task.task_id, Actor("c-1", Role.SUPERVISOR))

    def record(self, index: int, disposition: Disposition) -> None:
        if task := self.task(index):
            self.stores[1].record_disposition(task.task_id, SUPERVISOR, disposition)

    def snooze(self, index: int) -> None:
        if task := self.task(index):
            self.store.snooze(task.task_id, SUPERVISOR, self.clock.now_ms() + DAY_MS)

    def reassign(self, index: int, owner: str) -> None:
        if task := self.task(index):
            self.store.reassign(task.task_id, SUPERVISOR, owner)

    def lease(self, who: int) -> None:
        self.queues[who].move_due()
        self.leases[who] += self.queues[who].lease(2, 1)

    def begin(self, who: int) -> None:
        for lease in self.leases[who]:
            if isinstance(self.queues[who].begin(lease), Task):
                assert lease.call not in self.rung, "one attempt rang twice"
                self.rung.append(lease.call)

    def finish(self, who: int, disposition: Disposition) -> None:
        while self.leases[who]:
            self.queues[who].finish(self.leases[who].pop(), disposition)

    def pass_(self, delta_ms: int) -> None:
        self.clock.advance(self.clock.now_ms() + delta_ms)
        self.store.close_recovered()
        self.store.escalate_overdue()


setattr(Office, "pass", Office.pass_)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_whatever_happens_in_whatever_order_the_log_holds_and_rebuilds_the_same(
    client: redis.Redis, topic_prefix: str, steps: list[tuple[Any, ...]]
) -> None:
    for key in client.scan_iter(match=f"{topic_prefix}:*"):
        client.delete(key)
    office = Office(client, topic_prefix)
    for step in steps:
        office.do(*step)
    events = log_of(office.store)
    verify(events)
    before = contents(client, office.store)
    rebuilt(client, office.store, events)
    assert contents(client, office.store) == before
