"""The outbound call itself: allowed now, begun, lost. Pure; decided at dial time, not when it was queued."""

from alerts.book import Book
from alerts.contact import cap_ends_ms, consent_refusal, window_opens_ms
from alerts.enforcement import nothing_left
from alerts.law import exhausted_reason, usable
from alerts.law_pack import LawPack
from alerts.moves import Move, moved
from alerts.policy import DAY_MS
from alerts.rules import Rules
from alerts.tasks import OUTBOUND, Actor, Customer, Refusal, RefusalReason, Task, TaskEventKind, TaskState
from pipeline.events import Disposition

DIALABLE = (TaskState.NEW, TaskState.WAITING, TaskState.SNOOZED)
LINE_BUSY_RETRY_MS = 600_000
#: Reasons that no waiting mends: the task closes, since nobody may ever make this call.
NEVER = (
    RefusalReason.UNKNOWN_CUSTOMER,
    RefusalReason.OPTED_OUT,
    RefusalReason.NO_CONSENT,
    RefusalReason.NO_LINE,
    RefusalReason.BARRED_SIGNAL,
    RefusalReason.STOP_WORK,
    RefusalReason.SERVICE_CONTACT_USED,
)


def begin(
    book: Book, task: Task, actor: Actor, attempt: int, customer: Customer | None, rules: Rules, now_ms: int
) -> Move:
    """Mark the call as begun, before anything rings: what is found in contact after a crash is never dialled again.

    A refusal with `retry_ms` says when to try again; without, this attempt is over or (reasons in `NEVER`) the task is.
    """
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    if task.owner != OUTBOUND or task.state not in DIALABLE:
        return Refusal(RefusalReason.WRONG_STATE, task)
    reason = consent_refusal(customer, opted_out=book.opted_out)
    if customer is None or reason is not None:
        return Refusal(reason or RefusalReason.UNKNOWN_CUSTOMER, task)
    if barred := _barred(book, task, customer, rules.law, now_ms):
        return Refusal(barred, task)
    line_id = task.line_id or next(iter(customer.lines), None)
    if line_id is None:
        return Refusal(RefusalReason.NO_LINE, task)
    if refusal := _not_yet(book, task, customer, line_id, rules, now_ms):
        return refusal
    return moved(
        task, TaskEventKind.DIAL_STARTED, actor, now_ms, detail=str(attempt), extra={"attempt": attempt},
        state=TaskState.IN_CONTACT, dialing_line_id=line_id, not_before_ms=None,
    )  # fmt: skip


def lose(task: Task, actor: Actor, attempt: int, now_ms: int) -> Move:
    """Nobody knows how this begun call ended: it counts as an attempt, and the next one waits a day."""
    if task.state is not TaskState.IN_CONTACT or attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    return moved(
        task, TaskEventKind.ATTEMPT_LOST, actor, now_ms, detail=str(attempt), extra={"attempt": attempt},
        state=TaskState.WAITING, attempts=attempt, dialing_line_id=None,
        not_before_ms=now_ms + DAY_MS,
    )  # fmt: skip


def _barred(book: Book, task: Task, customer: Customer, law: LawPack, now_ms: int) -> RefusalReason | None:
    """Why the law does not let us make this call any more; consent may have been withdrawn since the task was made."""
    ended_by = nothing_left(book, task, law, now_ms)
    if ended_by is not None:
        return exhausted_reason(ended_by, law)
    return None if usable(task, customer, law) else RefusalReason.BARRED_SIGNAL


def _not_yet(book: Book, task: Task, customer: Customer, line_id: str, rules: Rules, now_ms: int) -> Refusal | None:
    """What only time mends."""
    if task.not_before_ms is not None and task.not_before_ms > now_ms:
        return Refusal(RefusalReason.WRONG_STATE, task, task.not_before_ms)
    if any(other.dialing_line_id == line_id for other in book.open.values()):
        return Refusal(RefusalReason.LINE_BUSY, task, now_ms + LINE_BUSY_RETRY_MS)
    opens_ms = window_opens_ms(customer, rules.tasks.contact, rules.law, now_ms)
    if opens_ms > now_ms:
        return Refusal(RefusalReason.OUTSIDE_WINDOW, task, opens_ms)
    asked_for = task.disposition is Disposition.REACHED_CALLBACK
    free_ms = now_ms if asked_for else cap_ends_ms(book.contacts, rules.tasks.contact, now_ms)
    if free_ms > now_ms:
        return Refusal(RefusalReason.CONTACT_CAP, task, free_ms)
    return None
