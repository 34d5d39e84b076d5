"""Return visits, winning back, and what a departure or a return does to open tasks."""

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book, after
from alerts.chain import seal
from alerts.dialing import begin
from alerts.enforcement import enforce
from alerts.moves import expire, record
from alerts.rules import read_rules
from alerts.tasks import OUTBOUND, Customer, Purpose, RefusalReason, Task, TaskEvent, TaskResult, TaskState
from alerts.trigger_admission import follow
from alerts.triggers import Trigger, TriggerKind, care_trigger, order_trigger, outcome_trigger
from pipeline.events import (
    CareKind,
    CareRecord,
    ChurnKind,
    Disposition,
    OrderKind,
    OrderRecord,
    Origin,
    OutcomeKind,
    OutcomeRecord,
)
from tests.fakes.alert_records import (
    DAY_MS,
    DIALER,
    MANAGER,
    NOON_MS,
    customer,
    happened,
    signal,
    the_refusal,
    warning,
)

RULES = read_rules()
KEY = customer(segment="key_account", star=4, manager_id="m-1", deputy_id="m-2")


def fault_closed(number: int = 1, at_ms: int = NOON_MS, line_id: str | None = "l-1") -> Trigger:
    record = CareRecord(f"c-{number}", at_ms, "a-1", CareKind.FAULT_CLOSED, 2, "hotline", line_id=line_id)
    found = care_trigger(record, RULES.tasks)
    assert found is not None
    return found


def opened_service(number: int = 1, at_ms: int = NOON_MS) -> Trigger:
    record = OrderRecord(f"o-{number}", at_ms, "a-1", OrderKind.PROVISIONING_DONE, Origin.CUSTOMER_TO_US, line_id="l-2")
    found = order_trigger(record, RULES.tasks)
    assert found is not None
    return found


def ported(at_ms: int = NOON_MS, line_id: str | None = "l-1") -> Trigger:
    record = OrderRecord("p-1", at_ms, "a-1", OrderKind.PORT_OUT_DONE, Origin.WHOLESALE_PORTING, line_id=line_id)
    found = order_trigger(record, RULES.tasks)
    assert found is not None
    return found


def followed(
    book: Book, trigger: Trigger, whose: Customer | None = KEY, at_ms: int = NOON_MS
) -> tuple[Book, list[TaskEvent]]:
    events = []
    for move in follow(book, trigger, whose, RULES, at_ms):
        event = seal(move, book.seq, book.hash)
        book = after(book, event)
        events.append(event)
    return book, events


def task_in(book: Book, purpose: Purpose) -> Task:
    return book.open[purpose]


def test_a_closed_fault_is_visited_in_three_days_and_an_opened_service_in_seven_by_the_manager() -> None:
    book, _ = followed(Book("a-1"), fault_closed())
    task = task_in(book, Purpose.RETURN_VISIT)
    assert (task.owner, task.due_ms, task.purpose) == ("m-1", NOON_MS + 3 * DAY_MS, Purpose.RETURN_VISIT)
    book, _ = followed(Book("a-1"), opened_service())
    assert task_in(book, Purpose.RETURN_VISIT).due_ms == NOON_MS + 7 * DAY_MS


def test_one_visit_serves_all_that_wait_and_is_due_by_the_earliest() -> None:
    book, _ = followed(Book("a-1"), opened_service())
    book, events = followed(book, fault_closed())
    task = task_in(book, Purpose.RETURN_VISIT)
    assert [event.kind for event in events] == ["evidence_added"]
    assert task.due_ms == NOON_MS + 3 * DAY_MS
    assert task.causes == ["orders:o-1", "care:c-1"]
    assert task.line_ids == ["l-2", "l-1"]


@pytest.mark.parametrize(
    "disposition", [Disposition.REACHED_SAVED, Disposition.REACHED_REFUSED, Disposition.TRANSFERRED]
)
def test_a_visit_that_reached_the_customer_is_made_however_it_went(disposition: Disposition) -> None:
    book, _ = followed(Book("a-1"), fault_closed())
    book, event = happened(
        book, record(task_in(book, Purpose.RETURN_VISIT), MANAGER, disposition, "", NOON_MS, RULES.tasks)
    )
    assert event.task is not None
    assert event.task.result is TaskResult.VISITED
    book, _ = followed(book, fault_closed(2, NOON_MS + DAY_MS), at_ms=NOON_MS + DAY_MS)
    assert task_in(book, Purpose.RETURN_VISIT).causes == ["care:c-2"]


def test_a_visit_needs_no_consent_to_marketing_but_nobody_is_called_who_opted_out() -> None:
    silent = customer(call=False)
    book, _ = followed(Book("a-1"), fault_closed(), silent)
    task = task_in(book, Purpose.RETURN_VISIT)
    assert task.owner == OUTBOUND
    happened(book, begin(book, task, DIALER, 1, silent, RULES, NOON_MS))
    out = msgspec.structs.replace(book, opted_out=True)
    assert the_refusal(begin(out, task, DIALER, 1, silent, RULES, NOON_MS)).reason is RefusalReason.OPTED_OUT
    (ended,) = enforce(out, RULES.law, RULES.tasks, NOON_MS)
    assert (ended.reason, ended.kind) == (RefusalReason.OPTED_OUT, "done")


def test_what_happened_long_ago_makes_no_visit() -> None:
    _, (event,) = followed(Book("a-1"), fault_closed(), at_ms=NOON_MS + 31 * DAY_MS)
    assert (event.reason, event.task, event.warning_id) == (RefusalReason.TOO_LATE, None, "care:c-1")


def test_who_left_is_lost_and_won_back_later() -> None:
    book, event = happened(Book("a-1"), admit(Book("a-1"), warning(), KEY, RULES, NOON_MS))
    book, events = followed(book, ported())
    lost, back = events
    assert lost.task is not None
    assert (lost.task.result, lost.warning_id) == (TaskResult.LOST, None)
    task = task_in(book, Purpose.WIN_BACK)
    assert back.warning_id == "orders:p-1"
    assert (task.state, task.not_before_ms) == (TaskState.WAITING, NOON_MS + 7 * DAY_MS)
    assert task.due_ms == NOON_MS + 21 * DAY_MS
    assert event.task is not None


def test_a_task_about_another_line_goes_on() -> None:
    book, _ = happened(Book("a-1"), admit(Book("a-1"), warning(line_id="l-7"), KEY, RULES, NOON_MS))
    book, events = followed(book, ported(line_id="l-1"))
    assert [event.kind for event in events] == ["created"]
    assert "inactivity" in book.open


def test_who_came_back_needs_no_winning_back() -> None:
    book, _ = followed(Book("a-1"), ported())
    back = Trigger("orders:b-1", TriggerKind.BACK, "reconnect", "a-1", "l-1", NOON_MS)
    book, (event,) = followed(book, back)
    assert event.task is not None
    assert (event.task.result, event.warning_id) == (TaskResult.SAVED, "orders:b-1")
    assert book.open == {}
    _, (again,) = followed(book, msgspec.structs.replace(back, cause="orders:b-2"))
    assert again.reason is RefusalReason.UNKNOWN_TASK


def test_nobody_is_won_back_by_phone_without_consent_or_after_an_opt_out() -> None:
    _, (event,) = followed(Book("a-1"), ported(), customer(call=False))
    assert event.reason is RefusalReason.NO_CONSENT
    _, (event,) = followed(Book("a-1", opted_out=True), ported())
    assert event.reason is RefusalReason.OPTED_OUT


def test_stop_work_bars_winning_back_too() -> None:
    law = read_rules("uk")
    order = warning("w-1", signal("port_out_order", origin=Origin.WHOLESALE_PORTING), ts_ms=NOON_MS)
    book, _ = happened(Book("a-1"), admit(Book("a-1"), order, KEY, law, NOON_MS))
    (event,) = follow(book, ported(), KEY, law, NOON_MS)
    assert event.reason is RefusalReason.STOP_WORK


def test_arrears_and_own_dispositions_are_no_departure() -> None:
    involuntary = OutcomeRecord("x", NOON_MS, "a-1", OutcomeKind.CHURN, churn_kind=ChurnKind.INVOLUNTARY)
    disposition = OutcomeRecord("y", NOON_MS, "a-1", OutcomeKind.DISPOSITION, disposition=Disposition.BUSY)
    silence = OutcomeRecord("z", NOON_MS, "a-1", OutcomeKind.CHURN, churn_kind=ChurnKind.SILENCE)
    assert [outcome_trigger(one) for one in (involuntary, disposition)] == [None, None]
    found = outcome_trigger(silence)
    assert found is not None
    assert (found.kind, found.reason) == (TriggerKind.LEFT, "silence")


def test_a_task_that_nobody_came_to_expires_but_not_before_its_time() -> None:
    book, event = happened(Book("a-1"), admit(Book("a-1"), warning(), KEY, RULES, NOON_MS))
    task = event.task
    assert task is not None
    assert the_refusal(expire(task, NOON_MS + 44 * DAY_MS, RULES.tasks)).reason is RefusalReason.WRONG_STATE
    _, event = happened(book, expire(task, NOON_MS + 45 * DAY_MS, RULES.tasks))
    assert event.task is not None
    assert (event.task.state, event.task.result) == (TaskState.DONE, TaskResult.EXPIRED)
