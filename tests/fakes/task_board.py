"""A task board in memory: the port `alerts.console.ports.TaskBoard` without Redis, with the rules a visitor can meet."""

import threading
from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from redis.exceptions import ConnectionError as RedisConnectionError

from alerts.task_counts import Counts, OwnerCounts
from alerts.tasks import (
    LEVEL_RANK,
    NOTE_LENGTH_MAX,
    Actor,
    Customer,
    HistoryEntry,
    Note,
    Refusal,
    RefusalReason,
    Role,
    Task,
    TaskEventKind,
    TaskResult,
    TaskState,
)
from pipeline.events import Disposition
from pipeline.line_views import LineView
from tests.fakes.console_samples import NOW_MS, line_view, sample_customers, sample_tasks

ENDS = {
    Disposition.REACHED_SAVED: TaskResult.SAVED,
    Disposition.REACHED_REFUSED: TaskResult.REFUSED,
    Disposition.OPT_OUT: TaskResult.REFUSED,
    Disposition.BAD_NUMBER: TaskResult.UNREACHABLE,
    Disposition.TRANSFERRED: TaskResult.TRANSFERRED,
}


class FakeTaskBoard:
    """Holds tasks, customers and views; `away = True` makes every call fail as redis-py does when Redis is gone."""

    def __init__(self, tasks: Iterable[Task] | None = None, customers: dict[str, Customer] | None = None) -> None:
        self.tasks = {task.task_id: task for task in (sample_tasks() if tasks is None else tasks)}
        self.customers_known = sample_customers() if customers is None else customers
        self.views = {view.line_id: view for account in self.customers_known for view in _views(account)}
        self.away = False
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Everything as in the samples again."""
        self.__dict__.update(FakeTaskBoard().__dict__)

    def add(self, task: Task) -> None:
        with self._lock:
            self.tasks[task.task_id] = task

    def open_tasks(
        self, owner: str | None = None, state: TaskState | None = None, limit: int = 50, offset: int = 0
    ) -> list[Task]:
        found = [task for task in self._of(owner) if task.open and state in (None, task.state)]
        found.sort(key=lambda task: (-LEVEL_RANK[task.level], -task.score, task.task_id))
        return found[offset : offset + limit]

    def count_open(self, owner: str | None = None, state: TaskState | None = None) -> int:
        return len(self.open_tasks(owner, state, limit=len(self.tasks)))

    def closed_tasks(self, owner: str | None = None, limit: int = 50, offset: int = 0) -> list[Task]:
        found = sorted((t for t in self._of(owner) if not t.open), key=lambda t: -(t.closed_ms or 0))
        return found[offset : offset + limit]

    def tasks_of(self, account_id: str) -> list[Task]:
        found = [task for task in self._of(None) if task.account_id == account_id]
        return sorted(found, key=lambda task: not task.open)

    def get(self, task_id: str) -> Task | None:
        return {task.task_id: task for task in self._of(None)}.get(task_id)

    def accept(self, task_id: str, actor: Actor, version: int | None = None) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version)
            if isinstance(task, Refusal):
                return task
            if task.state is not TaskState.NEW:
                return Refusal(RefusalReason.WRONG_STATE, task)
            changes = {"state": TaskState.ACCEPTED, "accepted_by": actor.name, "accepted_ms": NOW_MS}
            return self._changed(task, actor, TaskEventKind.ACCEPTED, "", changes)

    def record_disposition(
        self, task_id: str, actor: Actor, disposition: Disposition, note: str = "", version: int | None = None
    ) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version, note)
            if isinstance(task, Refusal):
                return task
            notes = [*task.notes, Note(NOW_MS, actor.name, note)] if note else task.notes
            changes: dict[str, object] = {"disposition": disposition, "notes": notes, "attempts": task.attempts + 1}
            if disposition not in ENDS:
                changes["state"] = TaskState.WAITING
                return self._changed(task, actor, TaskEventKind.ATTEMPT_RECORDED, disposition, changes)
            changes |= {"state": TaskState.DONE, "result": ENDS[disposition], "closed_ms": NOW_MS}
            return self._changed(task, actor, TaskEventKind.DONE, disposition, changes)

    def add_note(self, task_id: str, actor: Actor, text: str, version: int | None = None) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version, text)
            if isinstance(task, Refusal):
                return task
            notes = [*task.notes, Note(NOW_MS, actor.name, text)]
            return self._changed(task, actor, TaskEventKind.NOTE_ADDED, "", {"notes": notes})

    def snooze(self, task_id: str, actor: Actor, until_ms: int, version: int | None = None) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version)
            if isinstance(task, Refusal):
                return task
            changes: dict[str, object] = {"state": TaskState.SNOOZED, "not_before_ms": until_ms}
            return self._changed(task, actor, TaskEventKind.SNOOZED, "", changes)

    def reassign(self, task_id: str, actor: Actor, owner: str, version: int | None = None) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version)
            if isinstance(task, Refusal):
                return task
            if owner == task.owner:
                return Refusal(RefusalReason.WRONG_STATE, task)
            changes: dict[str, object] = {
                "owner": owner,
                "state": TaskState.NEW,
                "accepted_by": None,
                "accepted_ms": None,
            }
            return self._changed(task, actor, TaskEventKind.REASSIGNED, owner, changes)

    def escalate(self, task_id: str, actor: Actor, why: str, version: int | None = None) -> Task | Refusal:
        with self._lock:
            task = self._writable(task_id, actor, version, why)
            if isinstance(task, Refusal):
                return task
            if task.escalation:
                return Refusal(RefusalReason.WRONG_STATE, task)
            changes: dict[str, object] = {"escalation": 2, "notes": [*task.notes, Note(NOW_MS, actor.name, why)]}
            if task.owner != "outbound":
                changes |= {"owner": "north", "passed_by": [*task.passed_by, task.owner]}
            return self._changed(task, actor, TaskEventKind.ESCALATED, "north", changes)

    def customer(self, account_id: str) -> Customer | None:
        self._reach()
        return self.customers_known.get(account_id)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        self._reach()
        return {
            account_id: self.customers_known[account_id]
            for account_id in account_ids
            if account_id in self.customers_known
        }

    def line_views(self, line_ids: Sequence[str]) -> dict[str, LineView]:
        self._reach()
        return {line_id: self.views[line_id] for line_id in line_ids if line_id in self.views}

    def lines_of(self, account_id: str) -> list[str]:
        self._reach()
        return [view.line_id for view in self.views.values() if view.account_id == account_id]

    def counts(self) -> Counts:
        found = self._of(None)
        opened = [task for task in found if task.open]
        overdue = sum(task.due_ms < NOW_MS for task in opened)
        return Counts(len(opened), len(found) - len(opened), overdue, {}, {}, len(found), {})

    def owners(self) -> list[OwnerCounts]:
        names = sorted({task.owner for task in self._of(None)})
        return [OwnerCounts(name, self.count_open(name), self.count_open(name, TaskState.NEW)) for name in names]

    def now_ms(self) -> int:
        return NOW_MS

    def _reach(self) -> None:
        if self.away:
            raise RedisConnectionError("Error 111 connecting to 127.0.0.1:1. Connection refused.")

    def _of(self, owner: str | None) -> list[Task]:
        self._reach()
        return [task for task in list(self.tasks.values()) if owner in (None, task.owner)]

    def _writable(self, task_id: str, actor: Actor, version: int | None, note: str = "") -> Task | Refusal:
        task = self.get(task_id)
        if task is None:
            return Refusal(RefusalReason.UNKNOWN_TASK)
        if len(note) > NOTE_LENGTH_MAX:
            return Refusal(RefusalReason.NOTE_TOO_LONG, task)
        if not task.open:
            return Refusal(RefusalReason.ALREADY_CLOSED, task)
        if version is not None and version != task.version:
            return Refusal(RefusalReason.STALE_VERSION, task)
        may = (
            {task.owner, task.deputy, task.accepted_by, *task.passed_by}
            if task.owner != "outbound"
            else {task.accepted_by or actor.name}
        )
        return task if actor.role is Role.SUPERVISOR or actor.name in may else Refusal(RefusalReason.NOT_YOURS, task)

    def _changed(self, task: Task, actor: Actor, kind: TaskEventKind, detail: str, changes: dict[str, object]) -> Task:
        history = [*task.history, HistoryEntry(NOW_MS, kind, actor.name, detail)]
        changed = replace(task, version=task.version + 1, history=history, **changes)
        self.tasks[task.task_id] = changed
        return changed


def _views(account_id: str) -> list[LineView]:
    return [line_view(account_id, number) for number in (1, 2, 3)]
