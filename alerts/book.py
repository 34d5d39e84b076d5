"""The book of one account: what is open, what cools down, when we called. It follows from its events alone."""

import msgspec

from alerts.policy import DAY_MS
from alerts.tasks import REACHED, Restraint, Role, Task, TaskEvent, TaskEventKind
from pipeline.events import Disposition, Level

CONTACT_MEMORY_MS = 30 * DAY_MS


class Cooldown(msgspec.Struct, frozen=True):
    """No new task for this reason before `until_ms`, unless its level is above `level`."""

    until_ms: int
    level: Level


class Book(msgspec.Struct, frozen=True):
    """An account's state. `seq` and `hash` are its latest event's; `contacts` are call times of the last 30 days;
    `restraints` are what rules of the law leave us to do, those that have run out only until the next event.
    """

    account_id: str
    seq: int = 0
    hash: str = ""
    open: dict[str, Task] = {}
    cooldowns: dict[str, Cooldown] = {}
    contacts: list[int] = []
    opted_out: bool = False
    restraints: list[Restraint] = []

    def task(self, task_id: str) -> Task | None:
        """The open task of that id."""
        return next((task for task in self.open.values() if task.task_id == task_id), None)


def after(book: Book, event: TaskEvent) -> Book:
    """The book once this sealed event has happened. Live changes and a rebuild both go through here."""
    return msgspec.structs.replace(
        book,
        seq=event.seq,
        hash=event.hash,
        open=_open_after(book, event.task),
        cooldowns=_cooldowns_after(book, event),
        contacts=_contacts_after(book, event),
        opted_out=book.opted_out or event.disposition is Disposition.OPT_OUT,
        restraints=_restraints_after(book, event),
    )


def _open_after(book: Book, task: Task | None) -> dict[str, Task]:
    if task is None:
        return book.open
    others = {group: other for group, other in book.open.items() if other.task_id != task.task_id}
    return {**others, task.reason_group: task} if task.open else others


def _cooldowns_after(book: Book, event: TaskEvent) -> dict[str, Cooldown]:
    running = {group: cooldown for group, cooldown in book.cooldowns.items() if cooldown.until_ms > event.ts_ms}
    task = event.task
    if task is not None and task.cooldown_until_ms is not None and not task.open:
        running[task.reason_group] = Cooldown(task.cooldown_until_ms, task.level)
    return running


def _contacts_after(book: Book, event: TaskEvent) -> list[int]:
    recent = [at for at in book.contacts if at > event.ts_ms - CONTACT_MEMORY_MS]
    return sorted([*recent, event.ts_ms]) if _is_contact(event) else recent


def _restraints_after(book: Book, event: TaskEvent) -> list[Restraint]:
    """Those still running, less the contact that this event tells of, with the one that it brings."""
    running = [one for one in book.restraints if one.until_ms > event.ts_ms]
    if event.task is not None and event.disposition in REACHED:
        running = [_less_a_contact(one, event.task) for one in running]
    return [*running, event.restraint] if event.restraint is not None else running


def _less_a_contact(restraint: Restraint, task: Task) -> Restraint:
    concerned = restraint.line_id in {"", *task.line_ids}
    if not concerned or restraint.contacts_left is None:
        return restraint
    return msgspec.structs.replace(restraint, contacts_left=max(0, restraint.contacts_left - 1))


def _is_contact(event: TaskEvent) -> bool:
    """A call counts when it begins; a person's contact when it is recorded."""
    if event.kind is TaskEventKind.DIAL_STARTED:
        return True
    recorded = event.disposition not in {None, Disposition.NOT_TRIED} and not event.begun
    return recorded and event.role is not Role.DIALER
