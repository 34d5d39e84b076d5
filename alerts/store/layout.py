"""How one event becomes Redis commands: the account's book, the task, its places in the indexes, the outbox. Pure."""

import msgspec

from alerts.book import Book, Cooldown
from alerts.capacity_counts import learnt
from alerts.capacity_policy import CapacityPolicy
from alerts.outcomes import disposition_outcome
from alerts.playbooks.budget import budget_commands, budget_guards
from alerts.policy import DAY_MS, TaskPolicy
from alerts.store.keys import Keys
from alerts.tasks import (
    LEVEL_RANK,
    OUTBOUND,
    Purpose,
    RefusalReason,
    Restraint,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from alerts.visit_counts import month_name, visit_field
from pipeline.events import Disposition

Command = list[str]
#: A condition that the script checks before it writes: its kind, a key, and what the kind needs.
Guard = list[str | int]
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
    commands = _counter_commands(keys, event) + _learnt_commands(keys, event) + _number_commands(keys, event)
    if (field := visit_field(event, policy)) is not None:
        commands.append(["HINCRBY", keys.visits(month_name(event.ts_ms)), field, "1"])
    if event.warning_id is not None:
        commands.append(["ZADD", keys.seen, str(event.ts_ms), event.warning_id])
    if event.task is None:
        return commands
    commands.append(["SET", keys.task(event.task.task_id), msgspec.json.encode(event.task).decode()])
    commands += _place_commands(places(keys, before, policy), places(keys, event.task, policy))
    commands += budget_commands(keys.prefix, before, event.task)
    if before is None or before.owner != event.task.owner:
        commands.append(["SADD", keys.owners, event.task.owner])
    if before is None:
        commands.append(["SADD", keys.groups, event.task.reason_group])
    if event.kind is TaskEventKind.CREATED and event.task.region:
        commands.append(
            ["ZADD", keys.surge(event.task.region, event.task.reason_group), str(event.ts_ms), event.task.task_id]
        )
    return commands


def guards(
    keys: Keys, before: Task | None, event: TaskEvent, policy: TaskPolicy, capacity: CapacityPolicy
) -> list[Guard]:
    """What must hold in Redis at the moment of writing, beyond the account's own book: room with whoever makes the
    contact, a number that may be called, and for the outbound team the customer's consent, which another process writes.
    """
    task = event.task
    if task is None:
        return []
    added = places(keys, task, policy).keys() - places(keys, before, policy).keys()
    wanted = {slot.owner: slot.day for slot in [*task.spent, *([task.slot] if task.slot else [])]
              if (keys.capacity(slot.day, slot.owner), f"{task.task_id}:{slot.attempt}") in added}  # fmt: skip
    found: list[Guard] = budget_guards(keys.prefix, before, task)
    found += [["room", keys.capacity(day, owner), 1, capacity.contacts_per_day(owner)] for owner, day in wanted.items()]
    if event.kind in {TaskEventKind.DIAL_STARTED, TaskEventKind.PLANNED}:
        line_id = task.dialing_line_id or task.line_id
        found += [["absent", keys.barred_numbers, line_id]] if line_id else []
        if task.owner == OUTBOUND and task.purpose is not Purpose.RETURN_VISIT:
            found.append(["consent", keys.customer(task.account_id), "call"])
    return found


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
    for slot in [*task.spent, *([task.slot] if task.slot else [])]:
        made[keys.capacity(slot.day, slot.owner), f"{task.task_id}:{slot.attempt}"] = str(slot.at_ms)
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
    if task.purpose in {Purpose.RETENTION, Purpose.CRISIS}:
        made[keys.stale, task.task_id] = str(stale_at_ms(task, task.refreshed_ms, policy))
    made[keys.expire, task.task_id] = str(policy.expires_ms(task))
    if task.state is TaskState.IN_CONTACT and task.contact_by is not None:
        made[keys.person_contacts, task.task_id] = str(task.history[-1].ts_ms if task.history else task.created_ms)
    if task.slot is not None:
        made[keys.planned, task.task_id] = str(task.slot.at_ms)
    if task.escalate_ms is not None and task.state is not TaskState.IN_CONTACT:
        made[keys.escalate, task.task_id] = str(task.escalate_ms)
    if task.owner == OUTBOUND and task.state in CALLABLE:
        planned_ms = task.slot.at_ms if task.slot else task.created_ms
        made[keys.schedule, task.next_attempt] = str(max(task.not_before_ms or 0, planned_ms))
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


def _learnt_commands(keys: Keys, event: TaskEvent) -> list[Command]:
    return [["HINCRBY", keys.rates, field, "1"] for field in learnt(event)]


def _number_commands(keys: Keys, event: TaskEvent) -> list[Command]:
    """An opt-out bars the number that was called, beside the customer."""
    if event.kind is TaskEventKind.NUMBER_ALLOWED and event.line_id:
        return [["SREM", keys.barred_numbers, event.line_id]]
    if event.kind is TaskEventKind.NUMBER_BARRED or event.disposition is Disposition.OPT_OUT:
        return [["SADD", keys.barred_numbers, event.line_id]] if event.line_id else []
    return []


def _parcel(keys: Keys, topic: str, key: str, value: bytes) -> Command:
    return ["XADD", keys.outbox, "*", "topic", topic, "key", key, "value", value.decode()]
