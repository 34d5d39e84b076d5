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
    REACHED,
    Actor,
    HistoryEntry,
    Note,
    Purpose,
    Refusal,
    RefusalReason,
    Role,
    Slot,
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
#: So many contacts that were made are kept on the task; attempts have a limit of their own (config/policies/tasks.toml).
SPENT_LIMIT = 20


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
    begun = task.state is TaskState.IN_CONTACT
    if begun and not began(task, actor):
        return Refusal(RefusalReason.WRONG_STATE, task)
    if actor.role is Role.DIALER and not begun:
        return Refusal(RefusalReason.WRONG_STATE, task)
    rule = policy.dispositions[disposition]
    attempts = task.attempts + 1
    result = visit_result(task, disposition, rule.result)
    if result is None and attempts >= (rule.attempts_max or 1):
        result = TaskResult.UNREACHABLE
    told = {
        "attempts": attempts,
        "disposition": disposition,
        "dialing_line_id": None,
        "contact_by": None,
        "notes": noted(task, actor, note, now_ms),
        **_slot_used(task, begun=begun),
    }
    extra = {"attempt": attempts, "disposition": disposition, "note": note or None, "begun": begun}
    if disposition is Disposition.OPT_OUT:
        extra["line_id"] = task.dialing_line_id or task.line_id
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
        task, TaskEventKind.NOTE_ADDED, actor, now_ms, notes=noted(task, actor, text, now_ms), extra={"note": text}
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


def expire(task: Task, now_ms: int, policy: TaskPolicy) -> Move:
    """Close what nobody came to in its time. Not during a call."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if task.state is TaskState.IN_CONTACT or now_ms < policy.expires_ms(task):
        return Refusal(RefusalReason.WRONG_STATE, task)
    return _done(task, SYSTEM, TaskResult.EXPIRED, now_ms, policy, {}, {})


def lose_customer(task: Task, now_ms: int, policy: TaskPolicy) -> Move:
    """Close it because the customer left."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if task.state is TaskState.IN_CONTACT:
        return Refusal(RefusalReason.WRONG_STATE, task)
    return _done(task, SYSTEM, TaskResult.LOST, now_ms, policy, {}, {})


def won_back(task: Task, now_ms: int, policy: TaskPolicy) -> Move:
    """Close a win-back because the customer came back, whoever brought it about."""
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if task.state is TaskState.IN_CONTACT:
        return Refusal(RefusalReason.WRONG_STATE, task)
    return _done(task, SYSTEM, TaskResult.SAVED, now_ms, policy, {}, {})


def release(task: Task, now_ms: int) -> Move:
    """Give the reserved contact back."""
    if task.slot is None or not task.open:
        return Refusal(RefusalReason.WRONG_STATE, task)
    return moved(task, TaskEventKind.RELEASED, SYSTEM, now_ms, detail=task.slot.day, slot=None)


def began(task: Task, actor: Actor) -> bool:
    """Whether the contact under way is theirs to end: a dialer's by any dialer, a person's by that person or a supervisor."""
    if task.contact_by is None:
        return actor.role is Role.DIALER
    return actor.name == task.contact_by or actor.role is Role.SUPERVISOR


def visit_result(task: Task, disposition: Disposition, result: TaskResult | None) -> TaskResult | None:
    """A return visit that reached the customer is made, however it went; all else ends as its disposition says."""
    if task.purpose is Purpose.RETURN_VISIT and result is not None and disposition in REACHED:
        return TaskResult.VISITED
    return result


def cited(rule: Rule | None) -> dict[str, str]:
    """The fields of an event that name a rule."""
    return {} if rule is None else {"rule": rule.id, "rule_text": rule.text.en}


def may_act(task: Task, actor: Actor) -> bool:
    """Whether this task is theirs to change."""
    if actor.role in {Role.SUPERVISOR, Role.SYSTEM}:
        return True
    if actor.role is Role.DIALER:
        return task.owner == OUTBOUND
    if task.owner == OUTBOUND and actor.role is Role.CALLER:
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
    after = msgspec.structs.replace(task, version=task.version + 1, history=history, **changes)
    return after if _keeps_slot(after) else msgspec.structs.replace(after, slot=None)


def spend(task: Task, slot: Slot) -> dict[str, Any]:
    """The fields of a task whose contact `slot` is made now."""
    return {"slot": None, "spent": [*task.spent, slot][-SPENT_LIMIT:]}


def _slot_used(task: Task, *, begun: bool) -> dict[str, Any]:
    """A contact that was begun has spent its slot; one that is told afterwards spends the one that was reserved for it."""
    if begun or task.slot is None or task.slot.attempt != task.attempts + 1:
        return {}
    return spend(task, task.slot)


def _keeps_slot(task: Task) -> bool:
    """A reservation dies with its task, and with whoever was to use it; a task put aside does not hold one."""
    if task.slot is None:
        return True
    return task.open and task.slot.owner == task.owner and task.state is not TaskState.SNOOZED


def _refusal(task: Task, actor: Actor, note: str = "") -> Refusal | None:
    if not task.open:
        return Refusal(RefusalReason.ALREADY_CLOSED, task)
    if not may_act(task, actor):
        return Refusal(RefusalReason.NOT_YOURS, task)
    if len(note) > NOTE_LENGTH_MAX:
        return Refusal(RefusalReason.NOTE_TOO_LONG, task)
    return None


def noted(task: Task, actor: Actor, text: str, now_ms: int) -> list[Note]:
    """The task's notes with this one; an empty text is none."""
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
