"""What people do with a task: pure transitions. Each returns an unsealed event with the task after it, or a refusal."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.law_pack import Rule
from alerts.policy import DAY_MS, HOUR_MS, TaskPolicy
from alerts.tasks import (
    EVIDENCE_LIMIT,
    HISTORY_LIMIT,
    NOTE_LENGTH_MAX,
    OUTBOUND,
    Actor,
    HistoryEntry,
    Note,
    Refusal,
    RefusalReason,
    Role,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskResult,
    TaskState,
)
from pipeline.events import Disposition

Move = TaskEvent | Refusal

ACCEPTABLE = (TaskState.NEW, TaskState.WAITING, TaskState.SNOOZED)
SYSTEM = Actor("tasks", Role.SYSTEM)


def accept(task: Task, actor: Actor, now_ms: int) -> Move:
    """Somebody takes the task on. Two cannot: the second finds it in the wrong state."""
    if refusal := _refusal(task, actor):
        return refusal
    if task.state not in ACCEPTABLE:
        return Refusal(RefusalReason.WRONG_STATE, task)
    return moved(
        task, TaskEventKind.ACCEPTED, actor, now_ms,
        state=TaskState.ACCEPTED, accepted_by=actor.name, accepted_ms=now_ms, not_before_ms=None,
    )  # fmt: skip


def record(
    task: Task,
    actor: Actor,
    disposition: Disposition,
    note: str,
    now_ms: int,
    policy: TaskPolicy,
    attempt: int | None = None,
) -> Move:
    """How a contact ended. `attempt`: the attempt it belongs to, when the teller knows it; a second telling is refused.

    A final disposition closes the task; another one makes it wait, until its attempts are used up.
    """
    if attempt is not None and attempt != task.attempts + 1:
        return Refusal(RefusalReason.STALE_ATTEMPT, task)
    if refusal := _refusal(task, actor, note):
        return refusal
    if (task.state is TaskState.IN_CONTACT) != (actor.role is Role.DIALER):
        return Refusal(RefusalReason.WRONG_STATE, task)
    rule = policy.dispositions[disposition]
    attempts = task.attempts + 1
    result = rule.result
    if result is None and attempts >= (rule.attempts_max or 1):
        result = TaskResult.UNREACHABLE
    told = {
        "attempts": attempts,
        "disposition": disposition,
        "dialing_line_id": None,
        "notes": _noted(task, actor, note, now_ms),
    }
    extra = {"attempt": attempts, "disposition": disposition, "note": note or None}
    if result is not None:
        return _done(task, actor, result, now_ms, policy, told, extra)
    return moved(
        task, TaskEventKind.ATTEMPT_RECORDED, actor, now_ms, detail=disposition, extra=extra,
        state=TaskState.WAITING, not_before_ms=now_ms + int((rule.delay_hours or 0) * HOUR_MS),
        accepted_by=None if task.owner == OUTBOUND else task.accepted_by or actor.name, **told,
    )  # fmt: skip


def add_note(task: Task, actor: Actor, text: str, now_ms: int) -> Move:
    """Keep a remark. Closed tasks take notes too: what a customer said later is worth having."""
    if len(text) > NOTE_LENGTH_MAX:
        return Refusal(RefusalReason.NOTE_TOO_LONG, task)
    if not may_act(task, actor):
        return Refusal(RefusalReason.NOT_YOURS, task)
    return moved(
        task, TaskEventKind.NOTE_ADDED, actor, now_ms, notes=_noted(task, actor, text, now_ms), extra={"note": text}
    )


def snooze(task: Task, actor: Actor, until_ms: int, now_ms: int) -> Move:
    """Put it aside until then. A call under way cannot be put aside."""
    if refusal := _refusal(task, actor):
        return refusal
    if task.state is TaskState.IN_CONTACT:
        return Refusal(RefusalReason.WRONG_STATE, task)
    if until_ms <= now_ms:
        return Refusal(RefusalReason.IN_THE_PAST, task)
    return moved(task, TaskEventKind.SNOOZED, actor, now_ms, state=TaskState.SNOOZED, not_before_ms=until_ms)


def reassign(task: Task, actor: Actor, owner: str, now_ms: int) -> Move:
    """Give it to somebody else; it is new to them."""
    if refusal := _refusal(task, actor):
        return refusal
    if task.state is TaskState.IN_CONTACT or not owner or owner == task.owner:
        return Refusal(RefusalReason.WRONG_STATE, task)
    return moved(
        task, TaskEventKind.REASSIGNED, actor, now_ms, detail=owner,
        owner=owner, state=TaskState.NEW, accepted_by=None, accepted_ms=None, not_before_ms=None,
    )  # fmt: skip


def recover(task: Task, now_ms: int, policy: TaskPolicy) -> Move:
    """Close what nothing warns of any more. Not during a call."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if task.state is TaskState.IN_CONTACT:
        return Refusal(RefusalReason.WRONG_STATE, task)
    group = policy.group(task.reason_group)
    return moved(
        task, TaskEventKind.RECOVERED, SYSTEM, now_ms, state=TaskState.RECOVERED, closed_ms=now_ms, not_before_ms=None,
        cooldown_until_ms=now_ms + int(group.recovered_cooldown_days * DAY_MS),
    )  # fmt: skip


def forbid(task: Task, reason: RefusalReason, now_ms: int, policy: TaskPolicy, rule: Rule | None = None) -> Move:
    """Close a task that may no longer be worked on: consent withdrawn, opted out, nobody to call, barred by `rule`."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    return _done(task, SYSTEM, TaskResult.NOT_ALLOWED, now_ms, policy, {}, {"reason": reason, **cited(rule)})


def limit(task: Task, rules: Sequence[Rule], now_ms: int) -> Move:
    """The task goes on under these rules, of which there is at least one."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    return moved(
        task, TaskEventKind.LIMITED, SYSTEM, now_ms, detail=rules[0].id, extra=cited(rules[0]),
        rules=[*task.rules, *(rule.id for rule in rules)],
    )  # fmt: skip


def cited(rule: Rule | None) -> dict[str, str]:
    """The fields of an event that name a rule."""
    return {} if rule is None else {"rule": rule.id, "rule_text": rule.text.en}


def may_act(task: Task, actor: Actor) -> bool:
    """Whether this task is theirs to change."""
    if actor.role in {Role.SUPERVISOR, Role.SYSTEM}:
        return True
    if actor.role is Role.DIALER:
        return task.owner == OUTBOUND
    if task.owner == OUTBOUND:
        return task.accepted_by in {None, actor.name}
    return actor.name in {task.owner, task.deputy, task.accepted_by, *task.passed_by}


def moved(
    task: Task,
    kind: TaskEventKind,
    actor: Actor,
    now_ms: int,
    *,
    detail: str = "",
    extra: dict[str, Any] | None = None,
    **changes: Any,
) -> TaskEvent:
    """The unsealed event of a change; `extra` are fields of the event, `changes` fields of the task."""
    return TaskEvent(
        account_id=task.account_id,
        ts_ms=now_ms,
        kind=kind,
        actor=actor.name,
        role=actor.role,
        task_id=task.task_id,
        reason_group=task.reason_group,
        task=changed(task, kind, actor, now_ms, detail=detail, **changes),
        **(extra or {}),
    )


def changed(task: Task, kind: TaskEventKind, actor: Actor, now_ms: int, *, detail: str = "", **changes: Any) -> Task:
    """The task after one change: a version further, with the change in its history."""
    history = [*task.history, HistoryEntry(now_ms, kind, actor.name, detail)][-HISTORY_LIMIT:]
    return msgspec.structs.replace(task, version=task.version + 1, history=history, **changes)


def _refusal(task: Task, actor: Actor, note: str = "") -> Refusal | None:
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if not may_act(task, actor):
        return Refusal(RefusalReason.NOT_YOURS, task)
    if len(note) > NOTE_LENGTH_MAX:
        return Refusal(RefusalReason.NOTE_TOO_LONG, task)
    return None


def _noted(task: Task, actor: Actor, text: str, now_ms: int) -> list[Note]:
    return [*task.notes, Note(now_ms, actor.name, text)][-EVIDENCE_LIMIT:] if text else task.notes


def _done(
    task: Task,
    actor: Actor,
    result: TaskResult,
    now_ms: int,
    policy: TaskPolicy,
    told: dict[str, Any],
    extra: dict[str, Any],
) -> TaskEvent:
    cooldown_ms = int(policy.group(task.reason_group).cooldown_days * DAY_MS)
    return moved(
        task, TaskEventKind.DONE, actor, now_ms, detail=told.get("disposition", result), extra=extra,
        state=TaskState.DONE, result=result, closed_ms=now_ms, not_before_ms=None,
        cooldown_until_ms=now_ms + cooldown_ms, **told,
    )  # fmt: skip
