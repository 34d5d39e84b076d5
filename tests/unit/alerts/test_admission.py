"""From warning to task."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from alerts.admission import admit, owner_of
from alerts.book import Book
from alerts.moves import accept, record, snooze
from alerts.rules import read_rules
from alerts.store.directory import customer_of
from alerts.tasks import OUTBOUND, UNASSIGNED, Customer, RefusalReason, TaskEvent, TaskEventKind, TaskState
from pipeline.events import ChurnWarning, Disposition, Level
from tests.fakes.alert_records import (
    DAY_MS,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    customer,
    happened,
    managed,
    signal,
    warning,
)

RULES = read_rules()
MANAGED = customer_of(managed())


def admitted(
    book: Book, what: ChurnWarning, whose: Customer | None = MANAGED, now_ms: int = NOON_MS
) -> tuple[Book, TaskEvent]:
    return happened(book, admit(book, what, whose, RULES, now_ms))


def test_a_warning_makes_a_task_for_the_accounts_manager() -> None:
    book, event = admitted(Book("a-1"), warning())
    task = book.open["inactivity"]
    assert event.kind is TaskEventKind.CREATED
    assert (task.owner, task.deputy, task.state, task.version) == ("m-1", "m-2", TaskState.NEW, 1)
    # No star: 18 working hours of 9 a day; six are left on this Tuesday, nine on Wednesday, three on Thursday.
    assert task.due_ms == NOON_MS + 2 * DAY_MS
    assert event.task == task


def test_a_customer_without_a_manager_goes_to_the_outbound_queue() -> None:
    book, _ = admitted(Book("a-1"), warning(), customer())
    assert book.open["inactivity"].owner == OUTBOUND


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({}, UNASSIGNED),
        ({"team_id": "t-1"}, "t-1"),
        ({"team_id": "t-1", "deputy_id": "m-2"}, "m-2"),
    ],
)
def test_a_key_account_without_a_manager_never_goes_to_a_call_queue(changes: dict[str, Any], owner: str) -> None:
    assert owner_of(customer(segment="key_account", **changes)) == owner


def test_a_second_warning_of_the_same_reason_adds_evidence_and_no_second_task() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1"))
    book, event = admitted(book, warning("w-2", signal("usage_drop", 0.9), line_id="l-2", ts_ms=NOON_MS + 5))
    task = book.open["inactivity"]
    assert event.kind is TaskEventKind.EVIDENCE_ADDED
    assert len(book.open) == 1
    assert [report.name for report in task.signals] == ["usage_drop", "silence"]
    assert task.line_ids == ["l-1", "l-2"]
    assert task.warning_ids == ["w-1", "w-2"]
    assert task.refreshed_ms == NOON_MS + 5


def test_another_reason_of_the_same_account_is_another_task() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1"))
    book, _ = admitted(book, warning("w-2", signal("complaint")))
    assert set(book.open) == {"inactivity", "service"}


def test_a_later_warning_may_raise_the_level_and_hasten_the_task() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1"))
    book, _ = admitted(book, warning("w-2", level=Level.CRITICAL), now_ms=NOON_MS + HOUR_MS)
    task = book.open["inactivity"]
    assert task.level is Level.CRITICAL
    assert task.due_ms == NOON_MS + 5 * HOUR_MS
    assert task.escalate_ms == task.due_ms


def test_a_later_warning_of_a_lower_level_does_not_calm_the_task() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1", level=Level.CRITICAL))
    before = book.open["inactivity"]
    book, _ = admitted(book, warning("w-2", level=Level.WATCH))
    assert book.open["inactivity"].level is Level.CRITICAL
    assert book.open["inactivity"].due_ms == before.due_ms


def test_an_older_warning_that_arrives_late_does_not_overwrite_the_score() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1", score=0.7))
    book, _ = admitted(book, warning("w-0", score=0.1, ts_ms=NOON_MS - DAY_MS))
    assert book.open["inactivity"].score == 0.7


def test_a_raised_level_wakes_a_snoozed_task() -> None:
    book, _ = admitted(Book("a-1"), warning("w-1"))
    book, _ = happened(book, snooze(book.open["inactivity"], MANAGER, NOON_MS + DAY_MS, NOON_MS))
    book, _ = admitted(book, warning("w-2", level=Level.CRITICAL))
    assert book.open["inactivity"].state is TaskState.NEW
    assert book.open["inactivity"].not_before_ms is None


def test_a_watch_level_warning_alone_makes_no_task_and_is_logged() -> None:
    book, event = admitted(Book("a-1"), warning(level=Level.WATCH))
    assert not book.open
    assert (event.kind, event.reason) == (TaskEventKind.WARNING_REFUSED, RefusalReason.BELOW_LEVEL)
    assert book.seq == 1


@pytest.mark.parametrize(
    ("whose", "reason"),
    [(None, RefusalReason.UNKNOWN_CUSTOMER), (customer(call=False), RefusalReason.NO_CONSENT)],
)
def test_nobody_is_queued_for_a_call_without_consent(whose: Customer | None, reason: RefusalReason) -> None:
    book, event = admitted(Book("a-1"), warning(), whose)
    assert not book.open
    assert event.reason is reason


def test_a_manager_gets_the_task_whatever_the_consent_to_calls_says() -> None:
    whose = msgspec.structs.replace(MANAGED, may_call=False)
    book, _ = admitted(Book("a-1"), warning(), whose)
    assert book.open


def test_who_opted_out_is_not_queued_again() -> None:
    _, event = admitted(Book("a-1", opted_out=True), warning(), customer())
    assert event.reason is RefusalReason.OPTED_OUT


def closed_book() -> Book:
    book, _ = admitted(Book("a-1"), warning("w-1"))
    book, _ = happened(book, accept(book.open["inactivity"], MANAGER, NOON_MS))
    book, _ = happened(
        book, record(book.open["inactivity"], MANAGER, Disposition.REACHED_SAVED, "", NOON_MS, RULES.tasks)
    )
    assert not book.open
    return book


def test_after_a_close_the_reason_cools_down() -> None:
    _, event = admitted(closed_book(), warning("w-2"), now_ms=NOON_MS + 20 * DAY_MS)
    assert event.reason is RefusalReason.COOLDOWN


def test_a_higher_level_breaks_the_cooldown() -> None:
    book, _ = admitted(closed_book(), warning("w-2", level=Level.CRITICAL), now_ms=NOON_MS + DAY_MS)
    assert book.open


def test_after_the_cooldown_a_new_task_with_a_new_id_is_made() -> None:
    book, event = admitted(closed_book(), warning("w-2"), now_ms=NOON_MS + 22 * DAY_MS)
    assert event.kind is TaskEventKind.CREATED
    assert book.open["inactivity"].warning_ids == ["w-2"]


def test_the_cooldown_of_one_reason_does_not_hold_back_another() -> None:
    _, event = admitted(closed_book(), warning("w-2", signal("complaint")))
    assert event.kind is TaskEventKind.CREATED


def test_who_is_held_out_gets_no_task_but_every_other_customer_does() -> None:
    everybody = replace(RULES, holdout={"public": 0.999999})
    told = admit(Book("a-1"), warning(), customer(), everybody, NOON_MS)
    assert (told.reason, told.task) == (RefusalReason.HOLDOUT, None)
    key = customer(segment="key_account", manager_id="m-1")
    assert admit(Book("a-1"), warning(), key, everybody, NOON_MS).kind is TaskEventKind.CREATED
