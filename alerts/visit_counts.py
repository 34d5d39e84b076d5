"""Return visits kept and not kept, counted by person as their tasks end. Pure; the board reads the counts.

A promise is due so many days after the task was made (`[visits]` of config/policies/tasks.toml), whatever its clock stood still
for meanwhile: the customer was promised a day. The report (alerts/reports/return_visits.py) judges the records themselves.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from alerts.policy import DAY_MS, TaskPolicy
from alerts.tasks import Purpose, Role, Task, TaskEvent, TaskEventKind, TaskResult

PEOPLE = (Role.MANAGER, Role.CALLER, Role.SUPERVISOR)
#: Ends that break a promise. Who left or may not be called was promised nothing any more.
BROKEN = (TaskResult.UNREACHABLE, TaskResult.EXPIRED)


class Kept(StrEnum):
    IN_TIME = "in_time"
    LATE = "late"
    MISSED = "missed"


class VisitsBy(NamedTuple):
    """One person's visits; `overdue`: still open and past their day."""

    in_time: int = 0
    late: int = 0
    missed: int = 0
    overdue: int = 0

    @property
    def share(self) -> float | None:
        """Made in time, of those whose time is over; None where there are none.

        >>> VisitsBy(3, 1, 0, 1).share
        0.6
        """
        over = self.in_time + self.late + self.missed + self.overdue
        return self.in_time / over if over else None


def promised_ms(task: Task, policy: TaskPolicy) -> int:
    """By when a return visit was promised."""
    days = [due for cause, due in policy.visits.due_days.items() if cause in task.reasons]
    return min([task.due_ms, *(task.created_ms + int(due * DAY_MS) for due in days)])


def visit_field(event: TaskEvent, policy: TaskPolicy) -> str | None:
    """The counter that this event raises by one, "person|kept"; None when it ends no return visit.

    Who made it counts it; one that nobody made counts for its owner.
    """
    task = event.task
    if task is None or task.purpose is not Purpose.RETURN_VISIT or event.kind is not TaskEventKind.DONE:
        return None
    if task.result is TaskResult.VISITED:
        kept = Kept.IN_TIME if event.ts_ms <= promised_ms(task, policy) else Kept.LATE
        return f"{event.actor if event.role in PEOPLE else task.owner}|{kept}"
    return f"{task.owner}|{Kept.MISSED}" if task.result in BROKEN else None


def month_name(at_ms: int) -> str:
    """Month of a moment, in UTC.

    >>> month_name(0)
    '1970-01'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m")


def month_begins_ms(at_ms: int) -> int:
    """When that month began.

    >>> month_begins_ms(86_400_000)
    0
    """
    day = datetime.fromtimestamp(at_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp() * 1000)


def by_person(
    counts: Iterable[Mapping[str, int]], opened: Iterable[Task], policy: TaskPolicy, now_ms: int
) -> dict[str, VisitsBy]:
    """Visits by person: `counts` of some months together, and of the open tasks those that are overdue now."""
    found: dict[str, dict[str, int]] = {}
    for month in counts:
        for field, number in month.items():
            person, _, kept = field.rpartition("|")
            mine = found.setdefault(person, {})
            mine[kept] = mine.get(kept, 0) + number
    for task in opened:
        if task.purpose is Purpose.RETURN_VISIT and task.open and now_ms > promised_ms(task, policy):
            mine = found.setdefault(task.owner, {})
            mine["overdue"] = mine.get("overdue", 0) + 1
    return {person: VisitsBy(**found[person]) for person in sorted(found)}
