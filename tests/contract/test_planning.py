"""The plan, the sweeps, numbers that must not be called, and what makes tasks without a warning: on a real Redis."""

from dataclasses import replace

import msgspec
import pytest
import redis

from alerts.clock import ManualClock
from alerts.rules import Rules, read_rules
from alerts.store import TaskStore
from alerts.store.planning import Planner
from alerts.store.rebuild import Rebuilder
from alerts.store.sweeps import Sweeps
from alerts.store.valuation import assessment_of
from alerts.tasks import (
    OUTBOUND,
    UNASSIGNED,
    Actor,
    Purpose,
    RefusalReason,
    Role,
    Task,
    TaskEvent,
    TaskResult,
    TaskState,
)
from alerts.triggers import Trigger, TriggerKind
from alerts.value.measures import billing_measure, order_measure
from alerts.value.policy import Indicator
from pipeline.events import BillingKind, BillingRecord, Disposition, Level, OrderKind, OrderRecord, Origin
from tests.fakes.alert_records import (
    DAY_MS,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    SUPERVISOR,
    customer_record,
    managed,
    signal,
    the_refusal,
    the_task,
    warning,
)

#: 09:00 in Shanghai, Tuesday 2026-03-03.
MORNING_MS = NOON_MS - 11 * HOUR_MS
TODAY = "2026-03-03"


def tight(rules: Rules, manager: int, outbound: int) -> Rules:
    capacity = rules.capacity
    changed = msgspec.structs.replace(
        capacity,
        manager=msgspec.structs.replace(capacity.manager, contacts_per_day=manager),
        outbound=msgspec.structs.replace(capacity.outbound, contacts_per_day=outbound),
    )
    return replace(rules, capacity=changed)


@pytest.fixture
def office(client: redis.Redis, topic_prefix: str) -> tuple[TaskStore, ManualClock]:
    """An open inbox in which a manager has three contacts a day and the outbound team five."""
    clock = ManualClock(MORNING_MS)
    made = TaskStore(client, topic_prefix, clock, tight(read_rules(), 3, 5))
    Rebuilder(client, made.keys, made.ledger).open_gate()
    return made, clock


def fill(store: TaskStore, count: int, *, key: bool = False) -> list[Task]:
    records = [managed(f"a-{n}") if key else customer_record(f"a-{n}") for n in range(count)]
    store.directory.put([msgspec.structs.replace(one, timezone="Asia/Shanghai") for one in records], [], {})
    store.admit_warnings(
        [
            warning(
                f"w-{n}",
                signal("complaint"),
                account_id=f"a-{n}",
                line_id=f"l-{n}",
                ts_ms=MORNING_MS,
                score=0.2 + n / 50,
            )
            for n in range(count)
        ]
    )
    return store.open_tasks(limit=count)


def slots(store: TaskStore) -> dict[str, str]:
    return {task.account_id: task.slot.owner for task in store.open_tasks(limit=1000) if task.slot}


def test_a_day_is_planned_once_within_capacity_for_those_worth_most(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, _ = office
    fill(store, 12)
    planner = Planner(client, store)
    report = planner.plan_day()
    assert report is not None
    # A fifth of the day is kept for what comes in later.
    assert (report.day, report.candidates, report.reserved) == (TODAY, 12, 4)
    assert slots(store) == dict.fromkeys(("a-8", "a-9", "a-10", "a-11"), OUTBOUND)
    assert report.hour_prices[OUTBOUND] > 0
    assert planner.plan_day() is None
    assert client.zcard(store.keys.capacity(TODAY, OUTBOUND)) == 4


def test_what_comes_in_later_takes_what_was_kept_back_if_it_is_worth_it(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, _ = office
    fill(store, 12)
    planner = Planner(client, store)
    planner.plan_day()
    late = [customer_record(f"b-{n}", timezone="Asia/Shanghai") for n in range(3)]
    store.directory.put(late, [], {})
    scores = (0.9, 0.01, 0.8)
    events = store.admit_warnings(
        [
            warning(
                f"v-{n}", signal("complaint"), account_id=f"b-{n}", line_id=f"k-{n}", ts_ms=MORNING_MS, score=scores[n]
            )
            for n in range(3)
        ]
    )
    assert planner.plan_between([event.task_id for event in events if event.task_id]) == 1
    assert slots(store)["b-0"] == OUTBOUND
    assert "b-1" not in slots(store)
    assert client.zcard(store.keys.capacity(TODAY, OUTBOUND)) == 5


def test_the_deputy_steps_in_where_the_managers_day_is_full(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, _ = office
    fill(store, 6, key=True)
    Planner(client, store).plan_day()
    owners = list(slots(store).values())
    assert (owners.count("m-1"), owners.count("m-2")) == (2, 2)
    taken = next(task for task in store.open_tasks("m-2") if task.slot)
    assert taken.passed_by == ["m-1"]
    assert isinstance(store.accept(taken.task_id, MANAGER), Task)


def test_a_full_day_refuses_one_more_contact_and_says_when_there_is_room(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, clock = office
    tasks = fill(store, 5, key=True)
    for task in tasks[:3]:
        assert isinstance(store.begin_contact(task.task_id, MANAGER), Task)
    refusal = the_refusal(store.begin_contact(tasks[3].task_id, MANAGER))
    assert refusal.reason is RefusalReason.CAPACITY_FULL
    assert refusal.retry_ms == MORNING_MS + 15 * HOUR_MS
    clock.advance(MORNING_MS + DAY_MS)
    assert isinstance(store.begin_contact(tasks[3].task_id, MANAGER), Task)


def test_a_reservation_is_released_when_its_task_dies_or_its_day_is_over(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, clock = office
    fill(store, 4)
    Planner(client, store).plan_day()
    first, *others = [task for task in store.open_tasks(limit=10) if task.slot]
    store.record_disposition(first.task_id, SUPERVISOR, Disposition.REACHED_SAVED)
    assert client.zcard(store.keys.capacity(TODAY, OUTBOUND)) == 1 + len(others)
    store.snooze(others[0].task_id, SUPERVISOR, MORNING_MS + DAY_MS)
    assert client.zcard(store.keys.capacity(TODAY, OUTBOUND)) == len(others)
    clock.advance(MORNING_MS + DAY_MS)
    assert len(Sweeps(client, store).release_missed()) == len(others) - 1
    assert slots(store) == {}
    assert client.zcard(store.keys.capacity(TODAY, OUTBOUND)) == 1


def test_a_manager_who_is_away_or_no_longer_the_customers_loses_the_task_to_who_is(
    client: redis.Redis, topic_prefix: str
) -> None:
    rules = read_rules()
    away = replace(rules, capacity=msgspec.structs.replace(rules.capacity, away={"m-1": "2026-03-01"}))
    store = TaskStore(client, topic_prefix, ManualClock(MORNING_MS), away)
    Rebuilder(client, store.keys, store.ledger).open_gate()
    fill(store, 2, key=True)
    report = Planner(client, store).plan_day()
    assert report is not None
    assert report.handed_over == 2
    assert {task.owner for task in store.open_tasks()} == {"m-2"}
    store.directory.put([customer_record("a-0", segment="key_account", manager_id="m-7")], [], {})
    Planner(client, TaskStore(client, topic_prefix, ManualClock(MORNING_MS), rules)).plan_day()
    # What was handed over once by somebody's decision stays where it is.
    assert {task.owner for task in store.tasks_of("a-0")} == {"m-2"}


def test_a_barred_number_is_not_called_whoever_has_it_and_survives_a_rebuild(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, _ = office
    fill(store, 2)
    actor = Actor("s-1", Role.SUPERVISOR)
    assert store.bar_number("l-1", actor, "asked by letter")
    assert not store.bar_number("l-1", actor)
    assert the_task(store.tasks_of("a-1")[0]).result is TaskResult.NOT_ALLOWED
    told = warning("w-9", signal("spend_drop"), account_id="a-1", line_id="l-1", ts_ms=MORNING_MS)
    assert [event.reason for event in store.admit_warnings([told])] == [RefusalReason.DO_NOT_CALL]
    store.directory.put([msgspec.structs.replace(managed("k-1"), timezone="Asia/Shanghai")], [], {})
    store.admit_warnings([warning("w-8", account_id="k-1", line_id="l-1", ts_ms=MORNING_MS)])
    (kept,) = store.open_tasks("m-1")
    assert the_refusal(store.begin_contact(kept.task_id, MANAGER)).reason is RefusalReason.DO_NOT_CALL
    assert [task.account_id for task in store.open_tasks(OUTBOUND)] == ["a-0"]
    events = [
        msgspec.json.decode(parcel.value, type=TaskEvent)
        for parcel in store.outbox.pending(100)
        if parcel.topic == "task-events"
    ]
    rebuilder = Rebuilder(client, store.keys, store.ledger)
    rebuilder.wipe()
    assert not store.number_barred("l-1")
    rebuilder.apply(events)
    rebuilder.open_gate()
    assert store.number_barred("l-1")
    assert store.allow_number("l-1", actor)


def test_an_opt_out_bars_the_customer_and_the_number_and_ends_what_waits_in_the_queue(
    office: tuple[TaskStore, ManualClock],
) -> None:
    store, _ = office
    (task,) = fill(store, 1)
    store.admit_warnings([warning("w-x", signal("spend_drop"), account_id="a-0", line_id="l-0", ts_ms=MORNING_MS)])
    caller = Actor("c-1", Role.CALLER)
    store.begin_contact(task.task_id, caller)
    store.record_disposition(task.task_id, caller, Disposition.OPT_OUT)
    assert store.number_barred("l-0")
    assert store.open_tasks() == []
    told = store.follow_triggers(
        [Trigger("care:1", TriggerKind.VISIT, "fault_closed", "a-0", "l-0", MORNING_MS, MORNING_MS + DAY_MS)]
    )
    assert [event.reason for event in told] == [RefusalReason.OPTED_OUT]


def test_what_happened_is_followed_once(office: tuple[TaskStore, ManualClock]) -> None:
    store, _ = office
    fill(store, 1, key=True)
    fault = Trigger("care:1", TriggerKind.VISIT, "fault_closed", "a-0", "l-0", MORNING_MS, MORNING_MS + 3 * DAY_MS)
    left = Trigger("orders:1", TriggerKind.LEFT, "port_out", "a-0", "l-0", MORNING_MS)
    assert len(store.follow_triggers([fault, fault, left])) == 3
    assert store.follow_triggers([fault, left]) == []
    purposes = {task.purpose: task for task in store.tasks_of("a-0")}
    assert set(purposes) == set(Purpose) - {Purpose.CRISIS}
    assert purposes[Purpose.RETENTION].result is TaskResult.LOST
    assert purposes[Purpose.WIN_BACK].state is TaskState.WAITING


def test_a_crowd_makes_one_incident(office: tuple[TaskStore, ManualClock]) -> None:
    store, _ = office
    count = store.policy.crisis.customers_min + 30
    fill(store, count)
    retention = [task for task in store.open_tasks(limit=1000) if task.purpose is Purpose.RETENTION]
    assert len(retention) == store.policy.crisis.customers_min
    (incident,) = store.open_tasks(UNASSIGNED)
    assert (incident.purpose, incident.level) == (Purpose.CRISIS, Level.CRITICAL)
    assert incident.signals[0].evidence["customers"] == float(count)
    assert store.counts().refused["crisis"] == 30


def test_a_contact_that_a_person_never_ended_is_an_attempt_without_known_end(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, clock = office
    (task,) = fill(store, 1, key=True)
    store.begin_contact(task.task_id, MANAGER)
    sweeps = Sweeps(client, store)
    assert sweeps.end_silent_contacts() == []
    clock.advance(MORNING_MS + 5 * HOUR_MS)
    (lost,) = sweeps.end_silent_contacts()
    assert (lost.state, lost.attempts, lost.contact_by) == (TaskState.WAITING, 1, None)


def test_a_task_that_nobody_comes_to_expires(office: tuple[TaskStore, ManualClock], client: redis.Redis) -> None:
    store, clock = office
    fill(store, 1, key=True)
    sweeps = Sweeps(client, store)
    clock.advance(MORNING_MS + 44 * DAY_MS)
    assert sweeps.expire() == []
    clock.advance(MORNING_MS + 45 * DAY_MS)
    (expired,) = sweeps.expire()
    assert expired.result is TaskResult.EXPIRED


def test_dispositions_teach_the_rates_and_a_rebuild_learns_the_same(
    office: tuple[TaskStore, ManualClock], client: redis.Redis
) -> None:
    store, _ = office
    planner = Planner(client, store)
    before = planner.rates().save("service", "key_account")
    for task in fill(store, 3, key=True):
        store.record_disposition(task.task_id, MANAGER, Disposition.REACHED_SAVED)
    after = planner.rates().save("service", "key_account")
    assert after.mean > before.mean
    assert (before.tries, after.tries) == (0, 3)
    assert planner.rates().reach("manager", 9).tries == 3


def test_what_the_streams_tell_of_an_account_counts_towards_its_value_once(
    office: tuple[TaskStore, ManualClock],
) -> None:
    store, _ = office
    store.directory.put([managed("a-1")], [], {})
    ported = OrderRecord("o-1", MORNING_MS, "a-1", OrderKind.PORT_OUT_DONE, Origin.WHOLESALE_PORTING, line_id="l-1")
    opened = OrderRecord("o-2", MORNING_MS, "a-1", OrderKind.PROVISIONING_DONE, Origin.CUSTOMER_TO_US, product="fibre")
    late = BillingRecord("b-1", MORNING_MS, "a-1", BillingKind.OVERDUE, 9.0, due_ms=MORNING_MS - 10 * DAY_MS)
    later = BillingRecord("b-2", MORNING_MS + DAY_MS, "a-1", BillingKind.OVERDUE, 9.0, due_ms=MORNING_MS - 10 * DAY_MS)
    old = BillingRecord("b-0", MORNING_MS - 400 * DAY_MS, "a-1", BillingKind.OVERDUE, 9.0, due_ms=0)
    cloud = OrderRecord(
        "o-3", MORNING_MS, "a-1", OrderKind.PROVISIONING_DONE, Origin.CUSTOMER_TO_US, product="cloud-disk"
    )
    told = [order_measure(ported), order_measure(opened), order_measure(cloud)]
    told += [billing_measure(late), billing_measure(old)]
    measures = [one for one in told if one is not None]
    store.measured.note(measures + measures)
    assert store.measured.of("a-1", MORNING_MS) == {
        "lines_moved": 1.0, "new_services": 2.0, "bandwidth_share": 0.5, "overdue_days": 10.0,
    }  # fmt: skip
    # A second notice of the same bill tells of the same days and one more.
    second = billing_measure(later)
    assert second is not None
    store.measured.note([second])
    assert store.measured.of("a-1", MORNING_MS + DAY_MS)[Indicator.OVERDUE_DAYS] == 11.0
    assessed = assessment_of(store, "a-1")
    assert assessed is not None
    assert assessed.facts.indicators[Indicator.LINES_MOVED].source == "measured"
    assert store.measured.of("a-2", MORNING_MS) == {}
