"""How one event becomes Redis commands: the account's book, the task, its places in the indexes, the outbox. Pure."""

import msgspec

from alerts.book import Book, Cooldown
from alerts.outcomes import disposition_outcome
from alerts.policy import DAY_MS, TaskPolicy
from alerts.store.keys import Keys
from alerts.tasks import (
    LEVEL_RANK,
    OUTBOUND,
    RefusalReason,
    Restraint,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)

Command = list[str]
#: Where an index entry stands: (sorted set, member) -> score.
Places = dict[tuple[str, str], str]

CALLABLE = (TaskState.NEW, TaskState.WAITING, TaskState.SNOOZED)


class BookBody(msgspec.Struct, frozen=True):
    """The book as stored: open tasks by id only, they have keys of their own."""

    hash: str
    open: dict[str, str]
    cooldowns: dict[str, Cooldown]
    contacts: list[int]
    opted_out: bool
    restraints: list[Restraint] = []


def book_commands(keys: Keys, book: Book) -> list[Command]:
    """Write the account's book after its latest event."""
    body = BookBody(
        hash=book.hash,
        open={group: task.task_id for group, task in book.open.items()},
        cooldowns=book.cooldowns,
        contacts=book.contacts,
        opted_out=book.opted_out,
        restraints=book.restraints,
    )
    return [["HSET", keys.book(book.account_id), "seq", str(book.seq), "body", msgspec.json.encode(body).decode()]]


def event_commands(keys: Keys, before: Task | None, event: TaskEvent, policy: TaskPolicy) -> list[Command]:
    """Everything in Redis that one sealed event changes, but the book and the outbox."""
    commands = _counter_commands(keys, event)
    if event.warning_id is not None:
        commands.append(["ZADD", keys.seen, str(event.ts_ms), event.warning_id])
    if event.task is None:
        return commands
    commands.append(["SET", keys.task(event.task.task_id), msgspec.json.encode(event.task).decode()])
    commands += _place_commands(places(keys, before, policy), places(keys, event.task, policy))
    if before is None or before.owner != event.task.owner:
        commands.append(["SADD", keys.owners, event.task.owner])
    if before is None:
        commands.append(["SADD", keys.groups, event.task.reason_group])
    return commands


def outbox_commands(keys: Keys, event: TaskEvent) -> list[Command]:
    """What Kafka has to be told: the event, and the outcome that the workers learn from."""
    commands = [_parcel(keys, "task-events", event.account_id, msgspec.json.encode(event))]
    outcome = disposition_outcome(event)
    if outcome is not None:
        commands.append(_parcel(keys, "outcomes", outcome.account_id, msgspec.json.encode(outcome)))
    return commands


def places(keys: Keys, task: Task | None, policy: TaskPolicy) -> Places:
    """Every sorted set a task stands in, and where."""
    if task is None:
        return {}
    made = {(keys.tasks_of(task.account_id), task.task_id): str(task.created_ms)}
    if not task.open:
        closed_ms = str(task.closed_ms or 0)
        return {**made, (keys.closed(), task.task_id): closed_ms, (keys.closed(task.owner), task.task_id): closed_ms}
    urgency = f"{LEVEL_RANK[task.level] * 10 + task.score:.9f}"
    sets = [
        keys.open(),
        keys.open(state=task.state),
        keys.open(task.owner),
        keys.open(task.owner, task.state),
        keys.open_in_group(task.reason_group),
    ]
    made |= {(name, task.task_id): urgency for name in sets}
    made[keys.due, task.task_id] = str(task.due_ms)
    made[keys.stale, task.task_id] = str(stale_at_ms(task, task.refreshed_ms, policy))
    if task.escalate_ms is not None and task.state is not TaskState.IN_CONTACT:
        made[keys.escalate, task.task_id] = str(task.escalate_ms)
    if task.owner == OUTBOUND and task.state in CALLABLE:
        made[keys.schedule, task.next_attempt] = str(task.not_before_ms or task.created_ms)
    return made


def stale_at_ms(task: Task, refreshed_ms: int, policy: TaskPolicy) -> int:
    """When this task closes itself, had it been refreshed at that time."""
    return refreshed_ms + int(policy.group(task.reason_group).stale_days * DAY_MS)


def refused_counter(reason: RefusalReason) -> str:
    return f"refused:{reason}"


def _place_commands(old: Places, new: Places) -> list[Command]:
    gone: list[Command] = [["ZREM", name, member] for name, member in old.keys() - new.keys()]
    put: list[Command] = [["ZADD", *_at(place, score)] for place, score in new.items() if old.get(place) != score]
    return gone + put


def _at(place: tuple[str, str], score: str) -> tuple[str, str, str]:
    return place[0], score, place[1]


def _counter_commands(keys: Keys, event: TaskEvent) -> list[Command]:
    if event.kind is TaskEventKind.CREATED:
        name = "created"
    elif event.kind in {TaskEventKind.DONE, TaskEventKind.RECOVERED}:
        name = "closed"
    elif event.kind is TaskEventKind.WARNING_REFUSED and event.reason is not None:
        name = refused_counter(event.reason)
    else:
        return []
    return [["HINCRBY", keys.counters, name, "1"]]


def _parcel(keys: Keys, topic: str, key: str, value: bytes) -> Command:
    return ["XADD", keys.outbox, "*", "topic", topic, "key", key, "value", value.decode()]
