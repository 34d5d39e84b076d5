"""From what happened to tasks: return visits, winning back; and what a churn or a return does to open tasks. Pure."""

from collections.abc import Iterable

import msgspec

from alerts.admission import owner_of, task_id_of
from alerts.book import Book
from alerts.contact import consent_refusal
from alerts.law import exhausted_reason, standing
from alerts.moves import SYSTEM, Move, changed, lose_customer, won_back
from alerts.policy import DAY_MS
from alerts.rules import Rules
from alerts.tasks import (
    EVIDENCE_LIMIT,
    OUTBOUND,
    Customer,
    HistoryEntry,
    Purpose,
    RefusalReason,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from alerts.triggers import Trigger, TriggerKind
from pipeline.events import Level


def follow(book: Book, trigger: Trigger, customer: Customer | None, rules: Rules, now_ms: int) -> list[TaskEvent]:
    """The unsealed events of one happening not seen before; the last of them carries its cause."""
    if trigger.kind is TriggerKind.VISIT:
        return [_visit(book, trigger, customer, rules, now_ms)]
    moves = _ended(book, trigger, rules, now_ms)
    ended = [move for move in moves if isinstance(move, TaskEvent)]
    if trigger.kind is TriggerKind.BACK:
        return _caused(ended or [_passed(trigger, RefusalReason.UNKNOWN_TASK, Purpose.WIN_BACK, now_ms)], trigger)
    return [*ended, _win_back(book, trigger, customer, rules, now_ms)]


def _visit(book: Book, trigger: Trigger, customer: Customer | None, rules: Rules, now_ms: int) -> TaskEvent:
    """A visit of its own, or a further reason for the one that is open: one call serves them all."""
    if trigger.ts_ms + rules.tasks.visits.forget_days * DAY_MS <= now_ms:
        return _passed(trigger, RefusalReason.TOO_LATE, Purpose.RETURN_VISIT, now_ms)
    if book.opted_out:
        return _passed(trigger, RefusalReason.OPTED_OUT, Purpose.RETURN_VISIT, now_ms)
    if customer is None:
        return _passed(trigger, RefusalReason.UNKNOWN_CUSTOMER, Purpose.RETURN_VISIT, now_ms)
    task = book.open.get(Purpose.RETURN_VISIT)
    if task is None:
        task = _new(trigger, Purpose.RETURN_VISIT, customer, rules, now_ms, trigger.due_ms)
        return _event(trigger, TaskEventKind.CREATED, task, now_ms)
    lines = (
        [*task.line_ids, trigger.line_id] if trigger.line_id and trigger.line_id not in task.line_ids else task.line_ids
    )
    more = changed(
        task, TaskEventKind.EVIDENCE_ADDED, SYSTEM, now_ms, detail=trigger.reason,
        causes=[*task.causes, trigger.cause][-EVIDENCE_LIMIT:], line_ids=lines[-EVIDENCE_LIMIT:],
        reasons=list(dict.fromkeys([*task.reasons, trigger.reason])), due_ms=min(task.due_ms, trigger.due_ms),
        refreshed_ms=max(task.refreshed_ms, trigger.ts_ms),
    )  # fmt: skip
    return _event(trigger, TaskEventKind.EVIDENCE_ADDED, rules.clocks.started(more, now_ms), now_ms)


def _win_back(book: Book, trigger: Trigger, customer: Customer | None, rules: Rules, now_ms: int) -> TaskEvent:
    policy = rules.tasks.win_back
    refusal = None
    if trigger.reason not in policy.kinds or Purpose.WIN_BACK in book.open:
        refusal = RefusalReason.SEEN_BEFORE
    elif trigger.ts_ms + policy.forget_days * DAY_MS <= now_ms:
        refusal = RefusalReason.TOO_LATE
    elif (cooldown := book.cooldowns.get(Purpose.WIN_BACK)) is not None and cooldown.until_ms > now_ms:
        refusal = RefusalReason.COOLDOWN
    elif book.opted_out:
        refusal = RefusalReason.OPTED_OUT
    limits = standing(book.restraints, [trigger.line_id or ""], now_ms)
    if refusal is None and limits and limits[0].contacts_left == 0:
        refusal = exhausted_reason(limits[0], rules.law)
    if refusal is None and (customer is None or owner_of(customer) == OUTBOUND):
        refusal = consent_refusal(customer, opted_out=book.opted_out)
    if refusal is not None:
        return _passed(trigger, refusal, Purpose.WIN_BACK, now_ms)
    begins_ms = max(now_ms, trigger.ts_ms + int(policy.after_days * DAY_MS))
    task = _new(trigger, Purpose.WIN_BACK, customer, rules, now_ms, begins_ms + int(policy.due_days * DAY_MS))
    waiting = msgspec.structs.replace(task, state=TaskState.WAITING, not_before_ms=begins_ms)
    return _event(trigger, TaskEventKind.CREATED, waiting, now_ms)


def _ended(book: Book, trigger: Trigger, rules: Rules, now_ms: int) -> Iterable[Move]:
    """Of who left, all tasks to keep that line (of the account, when no line is named); of who came back, the win-back."""
    for task in book.open.values():
        concerned = trigger.line_id is None or not task.line_ids or set(task.line_ids) == {trigger.line_id}
        if trigger.kind is TriggerKind.BACK and task.purpose is Purpose.WIN_BACK:
            yield won_back(task, now_ms, rules.tasks)
        elif trigger.kind is TriggerKind.LEFT and task.purpose is Purpose.RETENTION and concerned:
            yield lose_customer(task, now_ms, rules.tasks)


def _new(trigger: Trigger, purpose: Purpose, customer: Customer | None, rules: Rules, now_ms: int, due_ms: int) -> Task:
    star = customer.star if customer else 0
    task = Task(
        task_id=task_id_of(trigger.account_id, purpose, trigger.cause),
        account_id=trigger.account_id,
        line_id=trigger.line_id,
        reason_group=purpose,
        level=Level.WARN,
        score=0.0,
        score_basis="prior",
        days_left=None,
        signals=[],
        reasons=[trigger.reason],
        owner=owner_of(customer),
        deputy=customer.deputy_id if customer else None,
        team=customer.team_id if customer else None,
        state=TaskState.NEW,
        created_ms=now_ms,
        due_ms=max(due_ms, now_ms),
        refreshed_ms=trigger.ts_ms,
        line_ids=[trigger.line_id] if trigger.line_id else [],
        history=[HistoryEntry(now_ms, TaskEventKind.CREATED, SYSTEM.name, trigger.reason)],
        star=star,
        timezone=(customer.timezone if customer else None) or rules.law.timezone,
        segment=customer.segment if customer else "public",
        region=customer.region if customer else "",
        purpose=purpose,
        causes=[trigger.cause],
    )
    return rules.clocks.started(task, now_ms)


def _event(trigger: Trigger, kind: TaskEventKind, task: Task, now_ms: int) -> TaskEvent:
    return TaskEvent(
        account_id=trigger.account_id, ts_ms=now_ms, kind=kind, actor=SYSTEM.name, role=SYSTEM.role,
        task_id=task.task_id, warning_id=trigger.cause, reason_group=task.reason_group, task=task,
    )  # fmt: skip


def _passed(trigger: Trigger, reason: RefusalReason, purpose: Purpose, now_ms: int) -> TaskEvent:
    return TaskEvent(
        account_id=trigger.account_id, ts_ms=now_ms, kind=TaskEventKind.WARNING_REFUSED, actor=SYSTEM.name,
        role=SYSTEM.role, warning_id=trigger.cause, reason=reason, reason_group=purpose,
    )  # fmt: skip


def _caused(events: list[TaskEvent], trigger: Trigger) -> list[TaskEvent]:
    """The same events; the last one names the cause, so that it is not followed twice."""
    return [*events[:-1], msgspec.structs.replace(events[-1], warning_id=trigger.cause)]
