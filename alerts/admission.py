"""From warning to task: a new one, evidence for the open one, or a refusal with its reason. Pure."""

import hashlib
from functools import partial
from typing import NamedTuple

import msgspec

from alerts.book import Book
from alerts.contact import consent_refusal
from alerts.evidence_order import told_in_order
from alerts.law import Ruling, consent_of, exhausted_reason, rule_on, standing
from alerts.law_pack import LawPack, Rule
from alerts.moves import changed
from alerts.policy import ReasonGroup, TaskPolicy
from alerts.rules import Rules
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
    Restraint,
    Role,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from models.holdout import is_held_out
from pipeline.events import ChurnWarning

ENGINE = Actor("engine", Role.SYSTEM)


def admit(book: Book, told: ChurnWarning, customer: Customer | None, rules: Rules, now_ms: int) -> TaskEvent:
    """What a warning not seen before does to the account. `alerts.enforcement.enforce` follows it.

    Returns an unsealed event: `created`, `evidence_added`, or `warning_refused` with `reason`, and the rule of the law
    that took something away, limited it or barred it.
    """
    ruling = rule_on(told, customer, rules.law, rules.signals)
    restraint = _new_restraint(book, ruling.restraints, told.line_id, now_ms)
    in_force = [restraint] if restraint is not None else []
    limits = standing([*book.restraints, *in_force], [told.line_id or ""], now_ms)
    warning = ruling.warning or told
    group = rules.tasks.group_of(warning.signals)
    open_task = book.open.get(group.name)
    verdict = _verdict(ruling, limits, rules.law)
    refusal, rule = verdict.refusal, verdict.rule
    if rule is None and restraint is not None:
        rule = rules.law.rule(restraint.rule)
    draft = partial(_draft, warning, group, now_ms, restraint)
    if refusal is None and open_task is not None:
        task = _with_evidence(open_task, warning, rules, now_ms)
        return draft(TaskEventKind.EVIDENCE_ADDED, task=task, rule=rule)
    owner = owner_of(customer)
    refusal = refusal or _refusal(book, warning, group, rules.tasks, now_ms)
    if refusal is None and customer and is_held_out(customer.account_id, customer.segment, rules.holdout):
        refusal = RefusalReason.HOLDOUT
    if refusal is None and owner == OUTBOUND:
        refusal = consent_refusal(customer, opted_out=book.opted_out)
        if refusal is RefusalReason.NO_CONSENT:
            rule = rules.law.unconsented(consent_of(customer))
    if refusal is not None:
        return draft(TaskEventKind.WARNING_REFUSED, reason=refusal, rule=rule)
    task = _new_task(warning, customer, owner, group, rules, now_ms)
    task = msgspec.structs.replace(task, rules=_rules_of(task, customer, limits, rules.law))
    return draft(TaskEventKind.CREATED, task=rules.clocks.started(task, now_ms), rule=rule)


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


class Verdict(NamedTuple):
    """What the law says: a refusal or none, and the rule to be named in the log."""

    refusal: RefusalReason | None
    rule: Rule | None


def _verdict(ruling: Ruling, limits: list[Restraint], law: LawPack) -> Verdict:
    ended_by = next((one for one in limits if one.contacts_left == 0), None)
    if ended_by is not None:
        return Verdict(exhausted_reason(ended_by, law), law.rule(ended_by.rule))
    return Verdict(RefusalReason.BARRED_SIGNAL if ruling.warning is None else None, ruling.rule)


def _new_restraint(book: Book, found: list[Restraint], line_id: str | None, now_ms: int) -> Restraint | None:
    """The strictest restraint that a warning brings and that does not hold already: the same step restrains once."""
    held = {one.rule for one in standing(book.restraints, [line_id or ""], now_ms)}
    return next((one for one in found if one.rule not in held and one.until_ms > now_ms), None)


def _rules_of(task: Task, customer: Customer | None, limits: list[Restraint], law: LawPack) -> list[str]:
    """Under which rules the task stands: limits of its line, and the want of consent, which no call queue gets to see."""
    unconsented = law.unconsented(consent_of(customer)) if task.owner != OUTBOUND else None
    ids = [one.rule for one in limits] + ([unconsented.id] if unconsented else [])
    return list(dict.fromkeys(ids))


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
    warning: ChurnWarning, customer: Customer | None, owner: str, group: ReasonGroup, rules: Rules, now_ms: int
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
        signals=told_in_order(warning.signals, rules.signals)[:EVIDENCE_LIMIT],
        reasons=list(warning.reasons),
        owner=owner,
        deputy=customer.deputy_id if customer else None,
        team=customer.team_id if customer else None,
        state=TaskState.NEW,
        created_ms=now_ms,
        due_ms=now_ms,
        refreshed_ms=warning.ts_ms,
        line_ids=[warning.line_id] if warning.line_id else [],
        warning_ids=[warning.warning_id],
        history=[HistoryEntry(now_ms, TaskEventKind.CREATED, ENGINE.name, warning.level)][:HISTORY_LIMIT],
        star=customer.star if customer else 0,
        timezone=(customer.timezone if customer else None) or rules.law.timezone,
        segment=customer.segment if customer else "public",
        region=customer.region if customer else "",
    )


def _with_evidence(task: Task, warning: ChurnWarning, rules: Rules, now_ms: int) -> Task:
    """The open task with what this warning adds. A higher level hastens it and wakes it from a snooze."""
    raised = LEVEL_RANK[warning.level] > LEVEL_RANK[task.level]
    newer = warning.ts_ms >= task.refreshed_ms
    woken = raised and task.state is TaskState.SNOOZED
    lines = (
        [*task.line_ids, warning.line_id] if warning.line_id and warning.line_id not in task.line_ids else task.line_ids
    )
    after = changed(
        task,
        TaskEventKind.EVIDENCE_ADDED,
        ENGINE,
        now_ms,
        detail=warning.level,
        level=warning.level if raised else task.level,
        state=(TaskState.ACCEPTED if task.accepted_by else TaskState.NEW) if woken else task.state,
        not_before_ms=None if woken else task.not_before_ms,
        score=warning.score if newer else task.score,
        score_basis=warning.score_basis if newer else task.score_basis,
        days_left=warning.days_left if newer else task.days_left,
        signals=told_in_order([*task.signals, *warning.signals], rules.signals)[:EVIDENCE_LIMIT],
        reasons=list(dict.fromkeys([*warning.reasons, *task.reasons]))[:EVIDENCE_LIMIT],
        refreshed_ms=max(task.refreshed_ms, warning.ts_ms),
        line_ids=lines[-EVIDENCE_LIMIT:],
        warning_ids=[*task.warning_ids, warning.warning_id][-EVIDENCE_LIMIT:],
    )
    return rules.clocks.hastened(after, now_ms) if raised else after


def _draft(
    warning: ChurnWarning,
    group: ReasonGroup,
    now_ms: int,
    restraint: Restraint | None,
    kind: TaskEventKind,
    *,
    task: Task | None = None,
    reason: RefusalReason | None = None,
    rule: Rule | None = None,
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
        restraint=restraint,
        task=task,
        rule=rule.id if rule else None,
        rule_text=rule.text.en if rule else None,
    )
