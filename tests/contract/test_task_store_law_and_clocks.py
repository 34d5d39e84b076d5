"""The store under the law, the clocks and the firewall, on a real Redis."""

from collections.abc import Callable

import msgspec
import pytest
import redis

from alerts.chain import verify
from alerts.clock import ManualClock
from alerts.queue import CallQueue
from alerts.rules import read_rules
from alerts.store import TaskStore
from alerts.store.valuation import ExpiryAlarms, assessment_of
from alerts.tasks import OUTBOUND, RefusalReason, TaskEvent, TaskEventKind, TaskResult, TaskState
from pipeline.events import Consent, Disposition, Level, Origin
from pipeline.line_views import InvoiceView
from tests.fakes.alert_records import (
    DAY_MS,
    DEPUTY,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    SUPERVISOR,
    customer_record,
    line_view,
    managed,
    signal,
    the_refusal,
    the_task,
    warning,
)

StoreOf = Callable[[str], TaskStore]
PORTING = signal("port_out_order", 1.0, Origin.WHOLESALE_PORTING)


@pytest.fixture
def store_of(client: redis.Redis, store: TaskStore, clock: ManualClock) -> StoreOf:
    """The same inbox under the law of another country."""
    return lambda country: TaskStore(client, store.keys.prefix, clock, read_rules(country))


def logged(store: TaskStore) -> list[TaskEvent]:
    parcels = store.outbox.pending(100_000)
    return [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in parcels if parcel.topic == "task-events"]


def test_a_porting_order_ends_the_open_tasks_in_the_same_step(store_of: StoreOf) -> None:
    store = store_of("uk")
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning("w-1", signal("complaint", origin=Origin.CUSTOMER_TO_US))])
    (task,) = store.open_tasks()
    events = store.admit_warnings([warning("w-2", PORTING, level=Level.CRITICAL)])
    assert [(event.kind, event.reason) for event in events] == [
        (TaskEventKind.WARNING_REFUSED, RefusalReason.STOP_WORK),
        (TaskEventKind.DONE, RefusalReason.STOP_WORK),
    ]
    assert {event.rule for event in events} == {"uk_no_save_from_porting_order"}
    assert the_task(store.get(task.task_id)).result is TaskResult.NOT_ALLOWED
    assert store.counts().refused == {"stop_work": 1}
    assert verify(logged(store)) == {"a-1": 3}
    assert store.admit_warnings([warning("w-3", signal("silence"))])[0].reason is RefusalReason.STOP_WORK


def test_after_the_one_service_contact_other_tasks_of_the_line_end(store: TaskStore) -> None:
    store.directory.put([managed()], [], {})
    code = signal("port_code_issued", 0.95, Origin.CUSTOMER_TO_US)
    store.admit_warnings([warning("w-1"), warning("w-2", code, level=Level.CRITICAL)])
    assert all(task.rules == ["cn_service_contact_after_code"] for task in store.open_tasks())
    urgent = store.open_tasks()[0]
    done = the_task(store.record_disposition(urgent.task_id, MANAGER, Disposition.REACHED_SAVED))
    assert done.result is TaskResult.SAVED
    assert store.open_tasks() == []
    assert {task.result for task in store.closed_tasks()} == {TaskResult.SAVED, TaskResult.NOT_ALLOWED}


def test_a_call_is_not_made_when_consent_to_its_ground_was_withdrawn(store_of: StoreOf, client: redis.Redis) -> None:
    store = store_of("eu")
    store.directory.put([customer_record(consent=Consent(call=True, profiling=True))], [], {})
    store.admit_warnings([warning()])
    queue = CallQueue(client, store, "d-1")
    queue.prepare()
    queue.move_due()
    (lease,) = queue.lease(1, 1)
    store.directory.put([customer_record(consent=Consent(call=True))], [], {})
    assert the_refusal(queue.begin(lease)).reason is RefusalReason.BARRED_SIGNAL
    assert store.open_tasks() == []


def test_a_view_is_withheld_where_traffic_data_may_not_be_used(store_of: StoreOf) -> None:
    asked = store_of("eu")
    asked.directory.put([customer_record(consent=Consent(call=True))], [line_view("l-1", NOON_MS, "a-1", signal())], {})
    assert asked.line_view("l-1") is None
    asked.directory.put([customer_record(consent=Consent(profiling=True))], [], {})
    assert asked.line_view("l-1") is not None


def test_overdue_tasks_climb_the_chain_once_a_step(store: TaskStore, clock: ManualClock) -> None:
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning(level=Level.CRITICAL)])
    (task,) = store.open_tasks(MANAGER.name)
    assert task.due_ms == NOON_MS + 4 * HOUR_MS
    assert store.escalate_overdue() == []
    clock.advance(task.due_ms)
    (moved,) = store.escalate_overdue()
    assert (moved.owner, moved.passed_by) == (DEPUTY.name, [MANAGER.name])
    assert store.escalate_overdue() == []
    assert store.count_open(MANAGER.name) == 0
    clock.advance(NOON_MS + DAY_MS)
    assert [one.owner for one in store.escalate_overdue()] == ["unassigned"]
    clock.advance(NOON_MS + 2 * DAY_MS)
    assert store.escalate_overdue() == []
    assert [event.kind for event in logged(store)].count(TaskEventKind.ESCALATED) == 2
    assert verify(logged(store)) == {"a-1": 3}


def test_somebody_who_asks_for_a_supervisor_gets_one_at_once_and_the_log_keeps_why(
    store: TaskStore, clock: ManualClock
) -> None:
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning(level=Level.CRITICAL)])
    (task,) = store.open_tasks(MANAGER.name)
    raised = the_task(store.escalate(task.task_id, MANAGER, "asks for the director", task.version))
    assert (raised.owner, raised.passed_by) == ("unassigned", [MANAGER.name])
    again = the_refusal(store.escalate(task.task_id, MANAGER, "asks for the director"))
    assert again.reason is RefusalReason.WRONG_STATE
    clock.advance(NOON_MS + 3 * DAY_MS)
    assert store.escalate_overdue() == []
    assert verify(logged(store)) == {"a-1": 2}
    told = logged(store)[-1]
    assert (told.kind, told.actor, told.note) == (TaskEventKind.ESCALATED, MANAGER.name, "asks for the director")


def test_a_task_that_waits_for_its_customer_does_not_escalate(store: TaskStore, clock: ManualClock) -> None:
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning(level=Level.CRITICAL)])
    (task,) = store.open_tasks()
    waiting = the_task(store.snooze(task.task_id, MANAGER, NOON_MS + 3 * DAY_MS))
    assert waiting.clock_left_ms == 4 * HOUR_MS
    clock.advance(NOON_MS + 2 * DAY_MS)
    assert store.escalate_overdue() == []
    given = the_task(store.reassign(task.task_id, SUPERVISOR, OUTBOUND))
    assert (given.state, given.clock_left_ms) == (TaskState.NEW, None)


def test_a_contract_that_ends_is_alarmed_once_a_threshold(store: TaskStore, clock: ManualClock) -> None:
    ends_ms = NOON_MS + 61 * DAY_MS
    record = msgspec.structs.replace(managed(), contract_end_ms=ends_ms)
    public = customer_record("a-2", contract_end_ms=ends_ms)
    store.directory.put([record, public], [], {})
    alarms = ExpiryAlarms(store)
    (first,) = alarms.ring()
    assert (first.kind, first.reason) == (TaskEventKind.WARNING_REFUSED, RefusalReason.BELOW_LEVEL)
    assert alarms.ring() == []
    assert ExpiryAlarms(store).ring() == []
    clock.advance(NOON_MS + 31 * DAY_MS)
    (made,) = alarms.ring()
    assert (made.kind, made.reason_group) == (TaskEventKind.CREATED, "price")
    clock.advance(NOON_MS + 40 * DAY_MS)
    assert alarms.ring() == []


def test_a_contract_that_was_renewed_or_lost_its_end_is_forgotten(store: TaskStore) -> None:
    record = msgspec.structs.replace(managed(), contract_end_ms=NOON_MS + 10 * DAY_MS)
    store.directory.put([record], [], {})
    assert store.directory.contracts_ending(NOON_MS, NOON_MS + 90 * DAY_MS) == ["a-1"]
    store.directory.put([managed()], [], {})
    assert store.directory.contracts_ending(NOON_MS, NOON_MS + 90 * DAY_MS) == []


def test_an_account_is_assessed_from_its_record_and_its_bills(store: TaskStore) -> None:
    assert assessment_of(store, "a-1") is None
    record = msgspec.structs.replace(managed(), indicators={"demand_forecast": 10.0, "size": 3.0})
    billed = msgspec.structs.replace(line_view(), invoices=[InvoiceView(NOON_MS - DAY_MS, 250.0)])
    store.directory.put([record], [billed], {})
    found = assessment_of(store, "a-1")
    assert found is not None
    assert {name: known.value for name, known in found.facts.indicators.items()} == {
        "monthly_revenue": 250.0,
        "demand_forecast": 10.0,
    }
