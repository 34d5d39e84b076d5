"""Return visits kept and not kept, counted by person as their tasks end, on the real Redis."""

import pytest
import redis

from alerts.clock import ManualClock
from alerts.moves import lose_customer
from alerts.store import TaskStore
from alerts.tasks import Actor, Task
from alerts.triggers import Trigger, TriggerKind
from alerts.visit_counts import VisitsBy
from churnwatch.console_desk import ConsoleDesk
from pipeline.events import Disposition
from tests.fakes.alert_records import DAY_MS, DEPUTY, MANAGER, NOON_MS, managed


@pytest.fixture
def desk(client: redis.Redis, store: TaskStore) -> ConsoleDesk:
    return ConsoleDesk(client, store, None)  # type: ignore[arg-type]  # no number is asked for here


def fault_closed(store: TaskStore, number: int) -> Task:
    """A return visit promised within three days."""
    account = f"a-{number}"
    store.directory.put([managed(account)], [], {})
    due_ms = NOON_MS + 3 * DAY_MS
    store.follow_triggers(
        [Trigger(f"care:{number}", TriggerKind.VISIT, "fault_closed", account, f"l-{number}", NOON_MS, due_ms)]
    )
    (task,) = store.tasks_of(account)
    return task


def visited(store: TaskStore, task: Task, actor: Actor = MANAGER) -> None:
    done = store.record_disposition(task.task_id, actor, Disposition.REACHED_SAVED)
    assert isinstance(done, Task), done


def test_visits_are_counted_by_who_made_them_and_the_overdue_by_who_has_them(
    store: TaskStore, desk: ConsoleDesk, clock: ManualClock
) -> None:
    first, second, third, fourth = (fault_closed(store, number) for number in range(4))
    visited(store, first)
    visited(store, second, DEPUTY)
    assert desk.visits(store.open_tasks()) == {MANAGER.name: VisitsBy(in_time=1), DEPUTY.name: VisitsBy(in_time=1)}
    clock.advance(NOON_MS + 3 * DAY_MS + 1)
    visited(store, third)
    assert desk.visits(store.open_tasks())[MANAGER.name] == VisitsBy(in_time=1, late=1, overdue=1)
    assert desk.visits([])[MANAGER.name].share == pytest.approx(1 / 2)
    assert fourth.open


def test_a_task_put_aside_is_late_by_the_day_that_was_promised(
    store: TaskStore, desk: ConsoleDesk, clock: ManualClock
) -> None:
    task = fault_closed(store, 1)
    snoozed = store.snooze(task.task_id, MANAGER, NOON_MS + 5 * DAY_MS)
    assert isinstance(snoozed, Task)
    clock.advance(NOON_MS + 6 * DAY_MS)
    visited(store, task)
    assert desk.visits([]) == {MANAGER.name: VisitsBy(late=1)}


def test_a_visit_to_a_wrong_number_is_missed_and_one_whose_customer_left_is_nobodys(
    store: TaskStore, desk: ConsoleDesk
) -> None:
    gone, left = fault_closed(store, 1), fault_closed(store, 2)
    assert isinstance(store.record_disposition(gone.task_id, MANAGER, Disposition.BAD_NUMBER), Task)
    assert isinstance(store.change(left.task_id, None, lambda _, now: lose_customer(now, NOON_MS, store.policy)), Task)
    assert desk.visits(store.open_tasks()) == {MANAGER.name: VisitsBy(missed=1)}


def test_counts_of_the_month_before_last_are_not_told(store: TaskStore, desk: ConsoleDesk, clock: ManualClock) -> None:
    visited(store, fault_closed(store, 1))
    clock.advance(NOON_MS + 40 * DAY_MS)
    assert desk.visits([]) == {MANAGER.name: VisitsBy(in_time=1)}
    clock.advance(NOON_MS + 75 * DAY_MS)
    assert desk.visits([]) == {}
