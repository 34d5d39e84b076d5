"""What people do with a task."""

import pytest

from alerts.admission import admit
from alerts.book import Book
from alerts.moves import accept, add_note, forbid, reassign, record, recover, snooze
from alerts.outcomes import disposition_outcome
from alerts.rules import read_rules
from alerts.store.directory import customer_of
from alerts.tasks import (
    NOTE_LENGTH_MAX,
    OUTBOUND,
    Actor,
    Refusal,
    RefusalReason,
    Task,
    TaskEvent,
    TaskResult,
    TaskState,
)
from pipeline.events import Disposition, OutcomeKind
from tests.fakes.alert_records import (
    CALLER,
    DAY_MS,
    DEPUTY,
    DIALER,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    STRANGER,
    SUPERVISOR,
    customer,
    managed,
    the_refusal,
    warning,
)

RULES = read_rules()
POLICY = RULES.tasks


def new_task(*, outbound: bool = False) -> Task:
    whose = customer() if outbound else customer_of(managed())
    event = admit(Book("a-1"), warning(), whose, RULES, NOON_MS)
    assert event.task is not None
    return event.task


def task_after(move: TaskEvent | Refusal) -> Task:
    assert isinstance(move, TaskEvent), move
    assert move.task is not None
    return move.task


def test_the_manager_accepts_and_the_version_rises() -> None:
    task = task_after(accept(new_task(), MANAGER, NOON_MS + 1))
    assert (task.state, task.accepted_by, task.accepted_ms, task.version) == (TaskState.ACCEPTED, "m-1", NOON_MS + 1, 2)
    assert task.history[-1].kind == "accepted"


def test_two_people_cannot_both_accept() -> None:
    task = task_after(accept(new_task(), MANAGER, NOON_MS))
    assert the_refusal(accept(task, DEPUTY, NOON_MS)).reason is RefusalReason.WRONG_STATE


@pytest.mark.parametrize(
    ("actor", "outbound", "allowed"),
    [
        (MANAGER, False, True),
        (DEPUTY, False, True),
        (SUPERVISOR, False, True),
        (STRANGER, False, False),
        (CALLER, False, False),
        (DIALER, False, False),
        (CALLER, True, True),
        (MANAGER, True, False),
    ],
)
def test_a_task_is_accepted_only_by_those_whose_it_is(actor: Actor, outbound: bool, allowed: bool) -> None:
    outcome = accept(new_task(outbound=outbound), actor, NOON_MS)
    assert isinstance(outcome, TaskEvent) is allowed
    if isinstance(outcome, Refusal):
        assert outcome.reason is RefusalReason.NOT_YOURS


def test_a_disposition_of_somebody_else_is_refused() -> None:
    task = task_after(accept(new_task(outbound=True), CALLER, NOON_MS))
    outcome = record(task, STRANGER, Disposition.REACHED_SAVED, "", NOON_MS, POLICY)
    assert the_refusal(outcome).reason is RefusalReason.NOT_YOURS


@pytest.mark.parametrize(
    ("disposition", "result"),
    [
        (Disposition.REACHED_SAVED, TaskResult.SAVED),
        (Disposition.REACHED_REFUSED, TaskResult.REFUSED),
        (Disposition.OPT_OUT, TaskResult.REFUSED),
        (Disposition.BAD_NUMBER, TaskResult.UNREACHABLE),
        (Disposition.TRANSFERRED, TaskResult.TRANSFERRED),
    ],
)
def test_a_final_disposition_closes_the_task(disposition: Disposition, result: TaskResult) -> None:
    task = task_after(record(new_task(), MANAGER, disposition, "said so", NOON_MS, POLICY))
    assert (task.state, task.result, task.disposition, task.closed_ms) == (TaskState.DONE, result, disposition, NOON_MS)
    assert not task.open
    assert task.notes[-1].text == "said so"


def test_no_answer_makes_it_wait_and_the_last_attempt_closes_it_as_unreachable() -> None:
    task = new_task()
    for attempt in range(1, 4):
        task = task_after(record(task, MANAGER, Disposition.NO_ANSWER, "", NOON_MS, POLICY))
        assert (task.state, task.attempts) == (TaskState.WAITING, attempt)
        assert task.not_before_ms == NOON_MS + 4 * HOUR_MS
    task = task_after(record(task, MANAGER, Disposition.NO_ANSWER, "", NOON_MS, POLICY))
    assert (task.state, task.result, task.attempts) == (TaskState.DONE, TaskResult.UNREACHABLE, 4)


def test_an_outbound_task_that_waits_is_free_for_anybody_again() -> None:
    task = task_after(accept(new_task(outbound=True), CALLER, NOON_MS))
    task = task_after(record(task, CALLER, Disposition.BUSY, "", NOON_MS, POLICY))
    assert task.accepted_by is None


def test_a_disposition_for_a_closed_task_is_refused() -> None:
    task = task_after(record(new_task(), MANAGER, Disposition.REACHED_SAVED, "", NOON_MS, POLICY))
    refusal = the_refusal(record(task, MANAGER, Disposition.REACHED_SAVED, "", NOON_MS, POLICY))
    assert refusal.reason is RefusalReason.ALREADY_CLOSED
    assert refusal.task == task


def test_a_disposition_told_twice_for_one_attempt_is_refused_the_second_time() -> None:
    task = task_after(record(new_task(), MANAGER, Disposition.BUSY, "", NOON_MS, POLICY, attempt=1))
    refusal = the_refusal(record(task, MANAGER, Disposition.BUSY, "", NOON_MS, POLICY, attempt=1))
    assert refusal.reason is RefusalReason.STALE_ATTEMPT


def test_a_dialer_cannot_record_a_call_it_never_began() -> None:
    outcome = record(new_task(outbound=True), DIALER, Disposition.REACHED_SAVED, "", NOON_MS, POLICY)
    assert the_refusal(outcome).reason is RefusalReason.WRONG_STATE


def test_the_outcome_of_a_disposition_has_an_id_that_depends_on_task_and_attempt_alone() -> None:
    task = new_task()
    first = record(task, MANAGER, Disposition.BUSY, "", NOON_MS, POLICY)
    again = record(task, MANAGER, Disposition.NO_ANSWER, "later", NOON_MS + 5, POLICY)
    assert isinstance(first, TaskEvent)
    assert isinstance(again, TaskEvent)
    one, two = disposition_outcome(first), disposition_outcome(again)
    assert one is not None
    assert two is not None
    assert one.record_id == two.record_id
    assert (one.kind, one.task_id, one.line_id) == (OutcomeKind.DISPOSITION, task.task_id, "l-1")
    assert (two.disposition, two.note) == (Disposition.NO_ANSWER, "later")


def test_only_dispositions_become_outcomes() -> None:
    move = accept(new_task(), MANAGER, NOON_MS)
    assert isinstance(move, TaskEvent)
    assert disposition_outcome(move) is None


def test_a_note_may_be_added_to_a_closed_task_but_not_by_a_stranger() -> None:
    task = task_after(record(new_task(), MANAGER, Disposition.REACHED_SAVED, "", NOON_MS, POLICY))
    assert task_after(add_note(task, MANAGER, "called back", NOON_MS)).notes[-1].text == "called back"
    assert the_refusal(add_note(task, STRANGER, "hm", NOON_MS)).reason is RefusalReason.NOT_YOURS


def test_a_note_has_a_limit() -> None:
    too_long = "x" * (NOTE_LENGTH_MAX + 1)
    assert the_refusal(add_note(new_task(), MANAGER, too_long, NOON_MS)).reason is RefusalReason.NOTE_TOO_LONG
    outcome = record(new_task(), MANAGER, Disposition.BUSY, too_long, NOON_MS, POLICY)
    assert the_refusal(outcome).reason is RefusalReason.NOTE_TOO_LONG


def test_a_snooze_must_lie_in_the_future() -> None:
    assert task_after(snooze(new_task(), MANAGER, NOON_MS + 1, NOON_MS)).state is TaskState.SNOOZED
    assert the_refusal(snooze(new_task(), MANAGER, NOON_MS, NOON_MS)).reason is RefusalReason.IN_THE_PAST


def test_a_reassigned_task_is_new_to_its_owner() -> None:
    task = task_after(accept(new_task(), MANAGER, NOON_MS))
    task = task_after(reassign(task, SUPERVISOR, OUTBOUND, NOON_MS))
    assert (task.owner, task.state, task.accepted_by) == (OUTBOUND, TaskState.NEW, None)
    assert the_refusal(reassign(task, SUPERVISOR, OUTBOUND, NOON_MS)).reason is RefusalReason.WRONG_STATE


def test_a_recovered_task_cools_down_only_briefly() -> None:
    task = task_after(recover(new_task(), NOON_MS, POLICY))
    assert task.state is TaskState.RECOVERED
    assert task.cooldown_until_ms == NOON_MS + 3 * DAY_MS
    assert the_refusal(recover(task, NOON_MS, POLICY)).reason is RefusalReason.ALREADY_CLOSED


def test_a_call_that_may_never_be_made_ends_its_task_and_says_why() -> None:
    move = forbid(new_task(outbound=True), RefusalReason.NO_CONSENT, NOON_MS, POLICY)
    assert isinstance(move, TaskEvent)
    assert move.reason is RefusalReason.NO_CONSENT
    assert task_after(move).result is TaskResult.NOT_ALLOWED
