"""The contact itself: reserved, allowed now, begun, lost. Pure; decided when it is made, not when it was queued."""

from typing import Any

from alerts.book import Book
from alerts.contact import cap_ends_ms, caps_allow, consent_refusal, day_ends_ms, day_of, window_opens_ms
from alerts.enforcement import nothing_left
from alerts.law import exhausted_reason, usable
from alerts.law_pack import LawPack
from alerts.moves import Move, may_act, moved, spend
from alerts.policy import DAY_MS, CapName
from alerts.rules import Rules
from alerts.tasks import (
    OUTBOUND,
    Actor,
    Customer,
    Purpose,
    Refusal,
    RefusalReason,
    Role,
    Slot,
    Task,
    TaskEventKind,
    TaskState,
)
from pipeline.events import Disposition

DIALABLE = (TaskState.NEW, TaskState.WAITING, TaskState.SNOOZED)
#: What a person may begin a contact about; what they accepted is theirs to work on.
CONTACTABLE = (*DIALABLE, TaskState.ACCEPTED)
LINE_BUSY_RETRY_MS = 600_000
#: Reasons that no waiting mends: the task closes, since nobody may ever make this call.
NEVER = (
    RefusalReason.UNKNOWN_CUSTOMER,
    RefusalReason.OPTED_OUT,
    RefusalReason.NO_CONSENT,
    RefusalReason.NO_LINE,
    RefusalReason.DO_NOT_CALL,
    RefusalReason.BARRED_SIGNAL,
    RefusalReason.STOP_WORK,
    RefusalReason.SERVICE_CONTACT_USED,
)


def begin(
    book: Book, task: Task, actor: Actor, attempt: int, customer: Customer | None, rules: Rules, now_ms: int
) -> Move:
    """Mark the contact as begun, before anything rings: what is found in contact after a crash is never dialled again.

    A dialer begins calls of the outbound queue, a person any contact of a task that is theirs. It spends the slot that was
    reserved for this attempt today, else takes a new one. A refusal with `retry_ms` says when to try again; without, this
    attempt is over or (reasons in `NEVER`) the task is.
    """
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    if actor.role is not Role.DIALER and not may_act(task, actor):
        return Refusal(RefusalReason.NOT_YOURS, task)
    allowed = DIALABLE if actor.role is Role.DIALER else CONTACTABLE
    foreign = actor.role is Role.DIALER and task.owner != OUTBOUND
    if foreign or task.state not in allowed or task.purpose is Purpose.CRISIS:
        return Refusal(RefusalReason.WRONG_STATE, task)
    if reason := barred(book, task, customer, task.owner, rules.law, now_ms):
        return Refusal(reason, task)
    line_id = line_of(task, customer)
    if customer is None or line_id is None:
        return Refusal(RefusalReason.NO_LINE, task)
    if refusal := _not_yet(book, task, actor, customer, line_id, rules, now_ms):
        return refusal
    day = day_of(now_ms, rules.law)
    slot = task.slot if task.slot and task.slot.day == day else Slot(task.owner, day, now_ms, attempt)
    return moved(
        task, TaskEventKind.DIAL_STARTED, actor, now_ms, detail=str(attempt), extra={"attempt": attempt},
        state=TaskState.IN_CONTACT, dialing_line_id=line_id, not_before_ms=None,
        contact_by=None if actor.role is Role.DIALER else actor.name, **spend(task, slot),
    )  # fmt: skip


def reserve(
    book: Book, task: Task, slot: Slot, actor: Actor, customer: Customer | None, rules: Rules, now_ms: int
) -> Move:
    """Reserve a contact: room in the day of `slot.owner`, who thereby gets the task, and in the customer's caps.

    Whether that owner has room is seen by the store when it writes (`alerts/store/layout.py`, guards).
    """
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if slot.attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    waits = task.not_before_ms is not None and task.not_before_ms > slot.at_ms
    held = task.slot is not None and task.slot.day >= slot.day
    if task.state not in CONTACTABLE or task.state is TaskState.SNOOZED or waits or held:
        return Refusal(RefusalReason.WRONG_STATE, task)
    if reason := barred(book, task, customer, slot.owner, rules.law, now_ms):
        return Refusal(reason, task)
    if customer is None or line_of(task, customer) is None:
        return Refusal(RefusalReason.NO_LINE, task)
    if window_opens_ms(customer, rules.tasks.contact, rules.law, slot.at_ms) > slot.at_ms:
        return Refusal(RefusalReason.OUTSIDE_WINDOW, task)
    if not has_room(book, task, slot.at_ms, rules):
        return Refusal(RefusalReason.CONTACT_CAP, task)
    changes: dict[str, Any] = {"slot": slot}
    if slot.owner != task.owner:
        changes |= {"owner": slot.owner, "passed_by": [*task.passed_by, task.owner]}
    return moved(task, TaskEventKind.PLANNED, actor, now_ms, detail=slot.day, **changes)


def lose(task: Task, actor: Actor, attempt: int, now_ms: int) -> Move:
    """Nobody knows how this begun contact ended: it counts as an attempt, and the next one waits a day."""
    if task.state is not TaskState.IN_CONTACT or attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    return moved(
        task, TaskEventKind.ATTEMPT_LOST, actor, now_ms, detail=str(attempt), extra={"attempt": attempt},
        state=TaskState.WAITING, attempts=attempt, dialing_line_id=None, contact_by=None,
        not_before_ms=now_ms + DAY_MS,
    )  # fmt: skip


def barred(
    book: Book, task: Task, customer: Customer | None, owner: str, law: LawPack, now_ms: int
) -> RefusalReason | None:
    """Why this owner may never contact this customer about this; consent may have been withdrawn since the task was made.

    A return visit settles a service matter: it needs no consent to marketing, and no rule about keeping customers bars it.
    Whoever does not want to be called is not called by anybody.
    """
    if customer is None:
        return RefusalReason.UNKNOWN_CUSTOMER
    if book.opted_out:
        return RefusalReason.OPTED_OUT
    if task.purpose is Purpose.RETURN_VISIT:
        return None
    if owner == OUTBOUND and (refusal := consent_refusal(customer, opted_out=False)):
        return refusal
    ended_by = nothing_left(book, task, law, now_ms)
    if ended_by is not None:
        return exhausted_reason(ended_by, law)
    resting = task.purpose is Purpose.RETENTION
    return RefusalReason.BARRED_SIGNAL if resting and not usable(task, customer, law) else None


def line_of(task: Task, customer: Customer | None) -> str | None:
    """The line to be called; None: there is none."""
    return task.line_id or next(iter(customer.lines if customer else ()), None)


def has_room(book: Book, task: Task, at_ms: int, rules: Rules) -> bool:
    """Whether the customer's caps have room for a contact then, with those made and those reserved for other tasks."""
    return caps_allow([*book.contacts, *_reserved(book, task)], at_ms, rules.tasks.contact, _escaped(task, rules))


def _reserved(book: Book, task: Task) -> list[int]:
    return [other.slot.at_ms for other in book.open.values() if other.slot and other.task_id != task.task_id]


def _escaped(task: Task, rules: Rules) -> list[CapName]:
    asked_for = task.disposition is Disposition.REACHED_CALLBACK
    return rules.tasks.contact.callbacks_escape if asked_for else []


def _not_yet(
    book: Book, task: Task, actor: Actor, customer: Customer, line_id: str, rules: Rules, now_ms: int
) -> Refusal | None:
    """What only time mends."""
    waits_ms = max(task.not_before_ms or 0, task.slot.at_ms if task.slot and actor.role is Role.DIALER else 0)
    if waits_ms > now_ms:
        return Refusal(RefusalReason.WRONG_STATE, task, waits_ms)
    if any(other.dialing_line_id == line_id for other in book.open.values()):
        return Refusal(RefusalReason.LINE_BUSY, task, now_ms + LINE_BUSY_RETRY_MS)
    opens_ms = window_opens_ms(customer, rules.tasks.contact, rules.law, now_ms)
    if opens_ms > now_ms:
        return Refusal(RefusalReason.OUTSIDE_WINDOW, task, opens_ms)
    if has_room(book, task, now_ms, rules):
        return None
    free_ms = cap_ends_ms(book.contacts, rules.tasks.contact, now_ms, _escaped(task, rules))
    reserved_ms = day_ends_ms(now_ms, rules.law)
    return Refusal(RefusalReason.CONTACT_CAP, task, free_ms if free_ms > now_ms else reserved_ms)
