"""What offers hold and have cost of the year's retention budget, as commands for Redis beside the task they belong to. Pure.

An offer holds its whole cost from the moment it is proposed until its task ends: then it was spent, when the customer was
saved, or is free again. Rebuilt from the task log like everything else about tasks.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from alerts.tasks import Offered, Task, TaskResult

EVERYTHING = "all"


class BudgetState(msgspec.Struct, frozen=True):
    """Money of one calendar year (UTC) in the operator's currency. `held`: proposed, and not decided yet."""

    year: int
    budget: float
    held: float
    spent: float

    @property
    def free(self) -> float:
        return max(0.0, self.budget - self.held - self.spent)


def budget_key(prefix: str, year: int) -> str:
    """Hash of a year: "<playbook>:held", "<playbook>:spent", and the same of "all"."""
    return f"{prefix}:budget:{year}"


def budget_commands(prefix: str, before: Task | None, after: Task) -> list[list[str]]:
    """What a change of a task does to the budget."""
    old, new = _held(before), _held(after)
    commands: list[list[str]] = []
    if old != new:
        commands += _added(prefix, old, "held", -1) + _added(prefix, new, "held", 1)
    if old is not None and not after.open and after.result is TaskResult.SAVED:
        commands += _added(prefix, old, "spent", 1)
    return commands


def budget_guards(prefix: str, before: Task | None, after: Task) -> list[list[str | int]]:
    """There must be room for a new offer, in its playbook's budget and in that of all: hash, fields, cost, limit."""
    old, new = _held(before), _held(after)
    if new is None or old == new:
        return []
    key = budget_key(prefix, year_of(new.at_ms))
    limits = {new.playbook: new.budget, EVERYTHING: new.budget_all}
    return [
        ["budget", key, f"{name}:held", f"{name}:spent", repr(new.cost), repr(limit)] for name, limit in limits.items()
    ]


def year_of(at_ms: int) -> int:
    """The calendar year in UTC.

    >>> year_of(0)
    1970
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).year


def state_of(fields: Mapping[str, str], name: str, year: int, budget: float) -> BudgetState:
    """The state of a playbook's budget, or of "all", from the year's hash."""
    return BudgetState(
        year, budget, round(float(fields.get(f"{name}:held", 0)), 2), round(float(fields.get(f"{name}:spent", 0)), 2)
    )


def _held(task: Task | None) -> Offered | None:
    return task.offered if task is not None and task.open else None


def _added(prefix: str, offered: Offered | None, what: str, sign: int) -> list[list[str]]:
    if offered is None or not offered.cost:
        return []
    key = budget_key(prefix, year_of(offered.at_ms))
    return [
        ["HINCRBYFLOAT", key, f"{name}:{what}", repr(sign * offered.cost)] for name in (offered.playbook, EVERYTHING)
    ]
