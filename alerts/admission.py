"""From warning to task: a new one, evidence for the open one, or a refusal with its reason. Pure."""

import hashlib

from alerts.book import Book
from alerts.contact import consent_refusal
from alerts.moves import changed
from alerts.policy import ReasonGroup, TaskPolicy
from alerts.tasks import (
    EVIDENCE_LIMIT,
    HISTORY_LIMIT,
    LEVEL_RANK,
    OUTBOUND,
    UNASSIGNED,
    Actor,
    Customer,
    HistoryEntry,
    RefusalReason,
    Role,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from pipeline.events import ChurnWarning, SignalReport

ENGINE = Actor("engine", Role.SYSTEM)


def admit(book: Book, warning: ChurnWarning, customer: Customer | None, policy: TaskPolicy, now_ms: int) -> TaskEvent:
    """What a warning not seen before does to the account.

    Returns an unsealed event: `created`, `evidence_added`, or `warning_refused` with `reason`.
    """
    group = policy.group_of(warning.signals)
    refusal = _law_refusal(warning, policy)
    open_task = book.open.get(group.name)
    if refusal is None and open_task is not None:
        return _draft(
            warning,
            group,
            TaskEventKind.EVIDENCE_ADDED,
            now_ms,
            task=_with_evidence(open_task, warning, policy, now_ms),
        )
    owner = owner_of(customer)
    refusal = refusal or _refusal(book, warning, group, policy, now_ms)
    if refusal is None and owner == OUTBOUND:
        refusal = consent_refusal(customer, opted_out=book.opted_out)
    if refusal is not None:
        return _draft(warning, group, TaskEventKind.WARNING_REFUSED, now_ms, reason=refusal)
    task = _new_task(warning, customer, owner, group, policy, now_ms)
    return _draft(warning, group, TaskEventKind.CREATED, now_ms, task=task)


def owner_of(customer: Customer | None) -> str:
    """The account's manager; without one the outbound team, but a key account never goes to a call queue."""
    if customer is None:
        return OUTBOUND
    if customer.manager_id:
        return customer.manager_id
    if customer.segment != "key_account":
        return OUTBOUND
    return customer.deputy_id or customer.team_id or UNASSIGNED


def task_id_of(account_id: str, group: str, warning_id: str) -> str:
    """The id of the task that this warning opens: the same warning can never open two."""
    return hashlib.sha256(f"{account_id}|{group}|{warning_id}".encode()).hexdigest()[:20]


def _law_refusal(warning: ChurnWarning, policy: TaskPolicy) -> RefusalReason | None:
    barred = warning.signals and all(signal.origin in policy.barred_origins for signal in warning.signals)
    return RefusalReason.BARRED_ORIGIN if barred else None


def _refusal(
    book: Book, warning: ChurnWarning, group: ReasonGroup, policy: TaskPolicy, now_ms: int
) -> RefusalReason | None:
    if not policy.makes_task(warning.level):
        return RefusalReason.BELOW_LEVEL
    cooldown = book.cooldowns.get(group.name)
    if cooldown is None or cooldown.until_ms <= now_ms or LEVEL_RANK[warning.level] > LEVEL_RANK[cooldown.level]:
        return None
    return RefusalReason.COOLDOWN


def _new_task(
    warning: ChurnWarning, customer: Customer | None, owner: str, group: ReasonGroup, policy: TaskPolicy, now_ms: int
) -> Task:
    return Task(
        task_id=task_id_of(warning.account_id, group.name, warning.warning_id),
        account_id=warning.account_id,
        line_id=warning.line_id,
        reason_group=group.name,
        level=warning.level,
        score=warning.score,
        score_basis=warning.score_basis,
        days_left=warning.days_left,
        signals=_merged([], warning.signals),
        reasons=list(warning.reasons),
        owner=owner,
        deputy=customer.deputy_id if customer else None,
        team=customer.team_id if customer else None,
        state=TaskState.NEW,
        created_ms=now_ms,
        due_ms=policy.due_ms(warning.level, now_ms),
        refreshed_ms=warning.ts_ms,
        line_ids=[warning.line_id] if warning.line_id else [],
        warning_ids=[warning.warning_id],
        history=[HistoryEntry(now_ms, TaskEventKind.CREATED, ENGINE.name, warning.level)][:HISTORY_LIMIT],
    )


def _with_evidence(task: Task, warning: ChurnWarning, policy: TaskPolicy, now_ms: int) -> Task:
    """The open task with what this warning adds. A higher level hastens it and wakes it from a snooze."""
    raised = LEVEL_RANK[warning.level] > LEVEL_RANK[task.level]
    newer = warning.ts_ms >= task.refreshed_ms
    woken = raised and task.state is TaskState.SNOOZED
    lines = (
        [*task.line_ids, warning.line_id] if warning.line_id and warning.line_id not in task.line_ids else task.line_ids
    )
    return changed(
        task,
        TaskEventKind.EVIDENCE_ADDED,
        ENGINE,
        now_ms,
        detail=warning.level,
        level=warning.level if raised else task.level,
        due_ms=min(task.due_ms, policy.due_ms(warning.level, now_ms)) if raised else task.due_ms,
        state=(TaskState.ACCEPTED if task.accepted_by else TaskState.NEW) if woken else task.state,
        not_before_ms=None if woken else task.not_before_ms,
        score=warning.score if newer else task.score,
        score_basis=warning.score_basis if newer else task.score_basis,
        days_left=warning.days_left if newer else task.days_left,
        signals=_merged(task.signals, warning.signals),
        reasons=list(dict.fromkeys([*warning.reasons, *task.reasons]))[:EVIDENCE_LIMIT],
        refreshed_ms=max(task.refreshed_ms, warning.ts_ms),
        line_ids=lines[-EVIDENCE_LIMIT:],
        warning_ids=[*task.warning_ids, warning.warning_id][-EVIDENCE_LIMIT:],
    )


def _merged(old: list[SignalReport], new: list[SignalReport]) -> list[SignalReport]:
    """The latest report of each signal, strongest first; ties by name, so that the order depends on nothing else."""
    latest = {signal.name: signal for signal in [*old, *new]}
    return sorted(latest.values(), key=lambda signal: (-signal.strength, signal.name))[:EVIDENCE_LIMIT]


def _draft(
    warning: ChurnWarning,
    group: ReasonGroup,
    kind: TaskEventKind,
    now_ms: int,
    task: Task | None = None,
    reason: RefusalReason | None = None,
) -> TaskEvent:
    return TaskEvent(
        account_id=warning.account_id,
        ts_ms=now_ms,
        kind=kind,
        actor=ENGINE.name,
        role=ENGINE.role,
        task_id=task.task_id if task else None,
        warning_id=warning.warning_id,
        reason=reason,
        reason_group=group.name,
        task=task,
    )
