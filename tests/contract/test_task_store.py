"""What every user of the store of tasks may rely on, on a real Redis."""

import threading
from collections.abc import Sequence

import msgspec
import pytest
import redis

from alerts.chain import verify
from alerts.clock import ManualClock
from alerts.store import TaskStore
from alerts.store.ledger import Answer, Append, InboxNotReady
from alerts.store.rebuild import Rebuilder
from alerts.tasks import OUTBOUND, Actor, Refusal, RefusalReason, Role, Task, TaskEvent, TaskEventKind, TaskState
from pipeline.events import Disposition, Level, OutcomeRecord
from tests.fakes.alert_records import (
    DAY_MS,
    DEPUTY,
    MANAGER,
    NOON_MS,
    STRANGER,
    customer_record,
    line_view,
    managed,
    signal,
    the_refusal,
    the_task,
    warning,
)


def logged(store: TaskStore) -> list[TaskEvent]:
    parcels = store.outbox.pending(100_000)
    return [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in parcels if parcel.topic == "task-events"]


def one_task(store: TaskStore) -> Task:
    store.directory.put([managed()], [], {})
    store.admit_warnings([warning()])
    return store.open_tasks("m-1")[0]


def test_a_warning_is_a_task_in_its_owners_inbox_and_an_event_in_the_outbox(store: TaskStore) -> None:
    task = one_task(store)
    assert store.get(task.task_id) == task
    assert store.tasks_of("a-1") == [task]
    assert [event.task for event in logged(store)] == [task]
    assert [(owner.owner, owner.open, owner.new) for owner in store.owners()] == [("m-1", 1, 1)]


def test_replaying_warnings_changes_nothing(store: TaskStore) -> None:
    store.directory.put([managed(), customer_record("a-2", call=False)], [], {})
    told = [
        warning("w-1"),
        warning("w-2", signal("usage_drop")),
        warning("w-3", account_id="a-2"),
        warning("w-4", level=Level.WATCH, account_id="a-3"),
    ]
    first = store.admit_warnings(told)
    before = (store.counts(), store.open_tasks(), logged(store))
    assert store.admit_warnings([*told, *told]) == []
    assert (store.counts(), store.open_tasks(), logged(store)) == before
    assert [event.kind for event in first].count(TaskEventKind.WARNING_REFUSED) == 2


def test_the_most_urgent_task_stands_on_top(store: TaskStore) -> None:
    store.directory.put([managed(f"a-{number}") for number in range(4)], [], {})
    levels = [(Level.WARN, 0.9), (Level.CRITICAL, 0.1), (Level.WARN, 0.95), (Level.CRITICAL, 0.2)]
    store.admit_warnings(
        [
            warning(f"w-{number}", account_id=f"a-{number}", level=level, score=score)
            for number, (level, score) in enumerate(levels)
        ]
    )
    assert [task.account_id for task in store.open_tasks("m-1")] == ["a-3", "a-1", "a-2", "a-0"]
    assert [task.account_id for task in store.open_tasks("m-1", limit=2, offset=1)] == ["a-1", "a-2"]
    assert store.count_open("m-1", TaskState.NEW) == 4
    assert store.count_open("m-1", TaskState.ACCEPTED) == 0


def test_accept_then_disposition_moves_the_task_through_its_lists(store: TaskStore, clock: ManualClock) -> None:
    task = one_task(store)
    accepted = the_task(store.accept(task.task_id, MANAGER, task.version))
    assert store.open_tasks("m-1", TaskState.NEW) == []
    assert store.open_tasks("m-1", TaskState.ACCEPTED) == [accepted]
    clock.advance(NOON_MS + DAY_MS)
    done = the_task(
        store.record_disposition(task.task_id, MANAGER, Disposition.REACHED_SAVED, "glad", accepted.version)
    )
    assert store.open_tasks() == []
    assert store.closed_tasks("m-1") == [done]
    assert store.tasks_of("a-1") == [done]
    counts = store.counts()
    assert (counts.open, counts.closed, counts.created) == (0, 1, 1)
    assert verify(logged(store)) == {"a-1": 3}


def test_a_disposition_waits_in_the_outbox_as_an_outcome_to_learn_from(store: TaskStore) -> None:
    task = one_task(store)
    store.record_disposition(task.task_id, MANAGER, Disposition.REACHED_REFUSED, "too dear")
    parcels = [parcel for parcel in store.outbox.pending(10) if parcel.topic == "outcomes"]
    outcome = msgspec.json.decode(parcels[0].value, type=OutcomeRecord)
    assert (outcome.task_id, outcome.line_id, outcome.disposition) == (task.task_id, "l-1", Disposition.REACHED_REFUSED)
    assert parcels[0].key == "a-1"


def test_who_acts_on_an_old_page_is_told_and_nothing_changes(store: TaskStore) -> None:
    task = one_task(store)
    store.accept(task.task_id, MANAGER, task.version)
    refusal = the_refusal(store.record_disposition(task.task_id, DEPUTY, Disposition.BUSY, "", task.version))
    assert refusal.reason is RefusalReason.STALE_VERSION
    assert refusal.task == store.get(task.task_id)
    assert len(logged(store)) == 2


def test_unknown_and_foreign_tasks_are_refused(store: TaskStore) -> None:
    task = one_task(store)
    assert the_refusal(store.accept("nothing", MANAGER)).reason is RefusalReason.UNKNOWN_TASK
    assert the_refusal(store.accept(task.task_id, STRANGER)).reason is RefusalReason.NOT_YOURS


def test_a_closed_task_takes_notes_and_keeps_its_place(store: TaskStore) -> None:
    task = one_task(store)
    store.record_disposition(task.task_id, MANAGER, Disposition.REACHED_SAVED)
    noted = the_task(store.add_note(task.task_id, MANAGER, "sent flowers"))
    assert store.closed_tasks() == [noted]
    assert store.counts().closed == 1
    assert the_refusal(store.accept(task.task_id, MANAGER)).reason is RefusalReason.ALREADY_CLOSED


def test_of_many_who_accept_at_once_exactly_one_wins(store: TaskStore) -> None:
    store.directory.put([customer_record()], [], {})
    store.admit_warnings([warning()])
    task = store.open_tasks(OUTBOUND)[0]
    outcomes: list[Task | Refusal] = []
    start = threading.Barrier(8)

    def accept(number: int) -> None:
        start.wait()
        outcomes.append(store.accept(task.task_id, Actor(f"c-{number}", Role.CALLER)))

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if isinstance(outcome, Task)]
    assert len(winners) == 1
    assert the_task(store.get(task.task_id)).accepted_by == winners[0].accepted_by
    assert len(logged(store)) == 2


def test_whoever_is_overtaken_between_reading_and_writing_decides_anew(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = one_task(store)
    append = store.ledger.append
    overtaken: list[bool] = []

    def slow_append(appends: Sequence[Append], *, rebuild: bool = False) -> list[Answer]:
        if not overtaken:
            overtaken.append(True)
            store.accept(task.task_id, DEPUTY)
        return append(appends, rebuild=rebuild)

    monkeypatch.setattr(store.ledger, "append", slow_append)
    assert the_refusal(store.accept(task.task_id, MANAGER)).reason is RefusalReason.WRONG_STATE
    assert the_task(store.get(task.task_id)).accepted_by == DEPUTY.name
    assert verify(logged(store)) == {"a-1": 2}


def test_two_tasks_processes_at_once_make_one_task_of_one_reason(
    store: TaskStore, client: redis.Redis, clock: ManualClock
) -> None:
    store.directory.put([managed(f"a-{number}") for number in range(20)], [], {})
    other = TaskStore(client, store.keys.prefix, clock)
    told = [warning(f"w-{n}-{k}", account_id=f"a-{n}") for n in range(20) for k in range(5)]
    threads = [
        threading.Thread(target=lambda one=one: [one.admit_warnings(told[k : k + 7]) for k in range(0, 100, 7)])
        for one in (store, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count_open() == 20
    assert all(len(task.warning_ids) == 5 for task in store.open_tasks(limit=100))
    assert verify(logged(store)) == {f"a-{n}": 5 for n in range(20)}


def test_a_lost_reply_repeats_nothing(store: TaskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.directory.put([managed()], [], {})
    append = store.ledger.append

    def deaf_append(appends: Sequence[Append], *, rebuild: bool = False) -> list[bool]:
        append(appends, rebuild=rebuild)
        raise redis.TimeoutError("reply lost")

    with monkeypatch.context() as patched:
        patched.setattr(store.ledger, "append", deaf_append)
        with pytest.raises(redis.TimeoutError):
            store.admit_warnings([warning()])
    assert store.admit_warnings([warning()]) == []
    assert store.count_open() == 1
    assert len(logged(store)) == 1


def test_a_task_closes_itself_when_nothing_warns_any_more(store: TaskStore, clock: ManualClock) -> None:
    task = one_task(store)
    clock.advance(NOON_MS + 3 * DAY_MS - 1)
    assert store.close_recovered() == []
    clock.advance(NOON_MS + 3 * DAY_MS)
    assert [closed.task_id for closed in store.close_recovered()] == [task.task_id]
    assert store.counts().closed == 1


def test_a_later_warning_or_a_signal_still_on_its_line_keeps_a_task_open(store: TaskStore, clock: ManualClock) -> None:
    store.directory.put([managed("a-1"), managed("a-2")], [], {})
    store.admit_warnings([warning("w-1"), warning("w-2", account_id="a-2", line_id="l-2")])
    store.admit_warnings([warning("w-3", ts_ms=NOON_MS + 5 * DAY_MS)])
    still_on = store.open_tasks()[0].signals[0]
    store.directory.put([], [line_view("l-2", NOON_MS + 6 * DAY_MS, "a-2", still_on)], {})
    clock.advance(NOON_MS + 7 * DAY_MS)
    assert store.close_recovered() == []
    clock.advance(NOON_MS + 8 * DAY_MS)
    assert [task.account_id for task in store.close_recovered()] == ["a-1"]
    clock.advance(NOON_MS + 9 * DAY_MS)
    assert [task.account_id for task in store.close_recovered()] == ["a-2"]


def test_a_view_without_its_signals_keeps_no_task_open(store: TaskStore, clock: ManualClock) -> None:
    store.directory.put([managed("a-1")], [], {})
    store.admit_warnings([warning("w-1")])
    store.directory.put([], [line_view("l-1", NOON_MS + 9 * DAY_MS)], {})
    clock.advance(NOON_MS + 10 * DAY_MS)
    assert [task.account_id for task in store.close_recovered()] == ["a-1"]


def test_old_warning_ids_are_forgotten_in_the_clocks_time(store: TaskStore, clock: ManualClock) -> None:
    one_task(store)
    clock.advance(NOON_MS + 179 * DAY_MS)
    assert store.forget_old_warnings() == 0
    clock.advance(NOON_MS + 181 * DAY_MS)
    assert store.forget_old_warnings() == 1


def test_the_directory_knows_customers_views_and_lines(store: TaskStore) -> None:
    store.directory.put([customer_record()], [line_view("l-1"), line_view("l-7")], {"x:0": 5})
    assert store.lines_of("a-1") == ["l-1", "l-7"]
    assert store.line_view("l-7") == line_view("l-7")
    assert store.line_view("l-8") is None
    known = store.customer("a-1")
    assert known is not None
    assert known.may_call
    assert store.customer("a-9") is None
    assert store.directory.positions() == {"x:0": 5}


def test_an_opt_out_shows_on_the_customer_and_stops_later_calls(store: TaskStore) -> None:
    store.directory.put([customer_record()], [], {})
    store.admit_warnings([warning("w-1")])
    task = store.open_tasks(OUTBOUND)[0]
    store.record_disposition(task.task_id, Actor("c-1", Role.CALLER), Disposition.OPT_OUT)
    known = store.customer("a-1")
    assert known is not None
    assert known.opted_out
    (event,) = store.admit_warnings([warning("w-2", signal("complaint"))])
    assert event.reason is RefusalReason.OPTED_OUT


def test_while_the_inbox_is_not_ready_nobody_changes_anything(store: TaskStore, client: redis.Redis) -> None:
    task = one_task(store)
    Rebuilder(client, store.keys, store.ledger).close_gate()
    with pytest.raises(InboxNotReady):
        store.accept(task.task_id, MANAGER)
    with pytest.raises(InboxNotReady):
        store.admit_warnings([warning("w-9", account_id="a-9")])
    assert store.get(task.task_id) == task


def test_consent_withdrawn_between_the_decision_and_its_writing_is_seen(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.directory.put([customer_record()], [], {})
    store.admit_warnings([warning()])
    (task,) = store.open_tasks()
    write = store.ledger.append

    def withdrawn_first(appends: Sequence[Append], *, rebuild: bool = False) -> list[Answer]:
        store.directory.put([customer_record(call=False, ts_ms=NOON_MS)], [], {})
        return write(appends, rebuild=rebuild)

    monkeypatch.setattr(store.ledger, "append", withdrawn_first)
    refused = the_refusal(store.begin_dial(task.task_id, Actor("d-1", Role.DIALER), 1))
    assert refused.reason is RefusalReason.NO_CONSENT
    closed = store.get(task.task_id)
    assert closed is not None
    assert (closed.open, closed.attempts, closed.spent) == (False, 0, [])
