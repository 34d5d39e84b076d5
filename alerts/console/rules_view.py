"""Everything the page of rules shows: the tables to edit, the preview, the editions there were."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.admission import owner_of
from alerts.audit_trail import AuditTrail
from alerts.console.ports import RuleBook, TaskBoard
from alerts.console.rules_form import TypedRules, as_shown, changes_of, edited
from alerts.law import barring, consent_of
from alerts.live_rules.catalogue import EditableRule, catalogue, rule_set
from alerts.live_rules.preview import Preview, preview
from alerts.rules import Rules
from alerts.tasks import OUTBOUND, Customer, Task
from models.holdout import is_held_out
from pipeline.events import SignalReport
from pipeline.live_rules import RulesMessage, RuleValue

CUSTOMERS_AT_ONCE = 1000
EDITIONS_SHOWN = 30
ACCOUNTS_ASKED_MAX = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that an edition sets otherwise than the one before."""

    rule: EditableRule
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition; `counts`: it decides now, `waits`: its tick is still to come."""

    message: RulesMessage
    changes: list[Change]
    counts: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class RulesPage:
    """`tables`: the kind of rules -> signal -> its rules in the table's order. `made`: tasks that were really made
    in the time of the preview; None: not known.
    """

    version: int
    typed: TypedRules
    tables: dict[str, dict[str, list[EditableRule]]]
    changes: list[Change]
    preview: Preview | None
    made: int | None
    history: list[EditionRow]


def rules_page(
    book: RuleBook, board: TaskBoard, trail: AuditTrail | None, typed: TypedRules, *, with_preview: bool
) -> RulesPage:
    """The page for what is typed. Raises `RulesAwayError`."""
    editions = book.editions()
    base, rules = book.base, catalogue(book.base)
    version = editions[-1].version if editions else 0
    now = changes_of(editions, version)
    shown = None
    if with_preview and typed.rules is not None:
        observed = book.observed()
        gate = LawGate(base, board, observed.accounts())
        shown = preview(
            observed,
            base.tasks,
            rule_set(base, now),
            typed.rules,
            gate.usable,
            FromBefore(board, observed.since_ms).standing,
        )
    return RulesPage(
        version=version,
        typed=typed,
        tables=_tables(rules),
        changes=[] if typed.rules is None else _changes(rules, typed.changes, now),
        preview=shown,
        made=trail.made_between(shown.since_ms, shown.until_ms) if trail and shown else None,
        history=_history(rules, editions, board.now_ms()),
    )


class LawGate:
    """Which signals of which customers could have made a task at all: law, consent to calls, the share left alone."""

    def __init__(self, base: Rules, board: TaskBoard, accounts: Iterable[str]) -> None:
        self._base = base
        self._customers: dict[str, Customer] = {}
        wanted = list(accounts)
        for start in range(0, len(wanted), CUSTOMERS_AT_ONCE):
            self._customers |= board.customers(wanted[start : start + CUSTOMERS_AT_ONCE])

    def usable(self, account_id: str, report: SignalReport) -> bool:
        """Whether this signal of this customer may lead to a task."""
        customer = self._customers.get(account_id)
        if customer is None or is_held_out(account_id, customer.segment, self._base.holdout):
            return False
        if owner_of(customer) == OUTBOUND and not customer.may_call:
            return False
        return barring(self._base.law, report.name, report.origin, consent_of(customer)) is None


class FromBefore:
    """Tasks of before the window, which would have taken up a warning as evidence, and cooldowns after them.

    Asked of so many accounts at most: a preview that makes more tasks counts the others as if they had none.
    """

    def __init__(self, board: TaskBoard, since_ms: int) -> None:
        self._board = board
        self._since_ms = since_ms
        self._tasks: dict[str, list[Task]] = {}

    def standing(self, account_id: str, group: str, at_ms: int) -> bool:
        """Whether no new task of this reason could be made then."""
        if account_id not in self._tasks:
            if len(self._tasks) >= ACCOUNTS_ASKED_MAX:
                return False
            self._tasks[account_id] = self._board.tasks_of(account_id)
        return any(
            task.reason_group == group
            and task.created_ms < self._since_ms
            and (task.closed_ms is None or max(task.closed_ms, task.cooldown_until_ms or 0) > at_ms)
            for task in self._tasks[account_id]
        )


def _tables(rules: list[EditableRule]) -> dict[str, dict[str, list[EditableRule]]]:
    tables: dict[str, dict[str, list[EditableRule]]] = {}
    for rule in rules:
        kind = rule.key.partition(".")[0]
        tables.setdefault(kind, {}).setdefault(rule.subject, []).append(rule)
    return tables


def _changes(rules: list[EditableRule], then: Mapping[str, RuleValue], now: Mapping[str, RuleValue]) -> list[Change]:
    return [Change(rule, as_shown(before), as_shown(after)) for rule, before, after in edited(rules, then, now)]


def _history(rules: list[EditableRule], editions: list[RulesMessage], now_ms: int) -> list[EditionRow]:
    """The newest first."""
    deciding = next((one.version for one in reversed(editions) if one.counts_from_ms <= now_ms), 0)
    return [
        EditionRow(
            message=one,
            changes=_changes(rules, dict(one.changes), changes_of(editions, one.version - 1)),
            counts=one.version == deciding,
            waits=one.counts_from_ms > now_ms,
        )
        for one in reversed(editions[-EDITIONS_SHOWN:])
    ]
