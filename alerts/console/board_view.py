"""The team's board: who has how much, what is late, who is warned. Pure over the open tasks."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.moves import SYSTEM
from alerts.tasks import LEVEL_RANK, Purpose, Task, TaskEventKind, TaskState
from pipeline.events import Level


@dataclass(frozen=True, slots=True)
class Load:
    """One owner's open tasks. `oldest_due_ms` is the earliest due time among them, None without tasks."""

    owner: str
    open: int
    new: int
    critical: int
    overdue: int
    escalated: int
    waiting: int
    oldest_due_ms: int | None


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody with open tasks, the most overdue first; escalated tasks, other urgent ones, and the open incidents."""

    loads: list[Load]
    escalated: list[Task]
    urgent: list[Task]
    incidents: list[Task]


def team(tasks: Iterable[Task], now_ms: int, shown: int) -> Team:
    """The board from all open tasks; `shown`: how many tasks each list has at most."""
    opened = [task for task in tasks if task.open]
    owners: dict[str, list[Task]] = {}
    for task in opened:
        owners.setdefault(task.owner, []).append(task)
    loads = [_load(owner, theirs, now_ms) for owner, theirs in owners.items()]
    loads.sort(key=lambda load: (-load.overdue, -load.critical, -load.open, load.owner))
    escalated = [task for task in opened if task.escalation]
    escalated.sort(key=lambda task: (-task.escalation, -LEVEL_RANK[task.level], task.due_ms, task.task_id))
    incidents = [task for task in opened if task.purpose is Purpose.CRISIS]
    incidents.sort(key=lambda task: (-task.created_ms, task.task_id))
    others = (task for task in opened if not task.escalation and task.purpose is not Purpose.CRISIS)
    urgent = [task for task in others if is_late(task, now_ms) or task.level == Level.CRITICAL]
    urgent.sort(key=lambda task: (not is_late(task, now_ms), -LEVEL_RANK[task.level], task.due_ms, task.task_id))
    return Team(loads, escalated[:shown], urgent[:shown], incidents[:shown])


def raised(task: Task) -> tuple[str, str] | None:
    """Who asked for a supervisor, and why; None where the clock took the last step by itself."""
    steps = [entry for entry in task.history if entry.kind is TaskEventKind.ESCALATED]
    if not steps or steps[-1].actor == SYSTEM.name:
        return None
    last = steps[-1]
    words = [note.text for note in task.notes if (note.ts_ms, note.actor) == (last.ts_ms, last.actor)]
    return last.actor, words[-1] if words else ""


def _load(owner: str, tasks: list[Task], now_ms: int) -> Load:
    return Load(
        owner=owner,
        open=len(tasks),
        new=sum(task.state is TaskState.NEW for task in tasks),
        critical=sum(task.level == Level.CRITICAL for task in tasks),
        overdue=sum(is_late(task, now_ms) for task in tasks),
        escalated=sum(task.escalation > 0 for task in tasks),
        waiting=sum(task.state in {TaskState.WAITING, TaskState.SNOOZED} for task in tasks),
        oldest_due_ms=min((task.due_ms for task in tasks), default=None),
    )


def is_late(task: Task, now_ms: int) -> bool:
    """Past its due time while its clock runs; a task that waits for the customer is not late."""
    return task.due_ms < now_ms and task.clock_left_ms is None
