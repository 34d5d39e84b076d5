"""Reading books and tasks, and appending events to an account if nobody was quicker."""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from importlib.resources import files

import msgspec
import redis

from alerts.book import Book, after
from alerts.capacity_policy import CapacityPolicy
from alerts.chain import seal
from alerts.policy import TaskPolicy
from alerts.store.keys import Keys
from alerts.store.layout import BookBody, Command, Guard, book_commands, event_commands, guards, outbox_commands
from alerts.store.replies import optional_texts
from alerts.tasks import Task, TaskEvent


class Answer(IntEnum):
    """What became of an append. Only `APPLIED` changed anything."""

    APPLIED = 1
    MOVED_ON = 0
    """Somebody was quicker: decide again."""
    NOT_READY = -1
    NO_ROOM = -2
    """Whoever would make the contact has no room left that day."""
    BARRED = -3
    """The number must not be called."""
    OVER_BUDGET = -4
    """The year's budget has no room for the offer."""
    NO_CONSENT = -5
    """The customer's record that is there now does not allow the call."""


_tasks = msgspec.json.Decoder(Task)
_bodies = msgspec.json.Decoder(BookBody)


#: Unsealed events, decided on the book as it stands; none when nothing is to be done.
Draft = Callable[[Book], Sequence[TaskEvent]]


class InboxNotReady(RuntimeError):  # noqa: N818 - a state, not a mistake
    """The inbox is being rebuilt, or Redis has lost it and `churnwatch tasks` has not yet rebuilt it. Try again."""


class Append(msgspec.Struct):
    """Sealed events to append to the account of `start`, in order."""

    start: Book
    end: Book
    events: list[TaskEvent]
    commands: list[Command]
    guards: list[Guard] = []


class Ledger:
    """The accounts' books in Redis. Every change goes through `append`."""

    def __init__(self, client: redis.Redis, keys: Keys, policy: TaskPolicy, capacity: CapacityPolicy) -> None:
        self._redis = client
        self._keys = keys
        self._policy = policy
        self._capacity = capacity
        self._apply = client.register_script(lua("apply"))

    def books(self, account_ids: Sequence[str]) -> dict[str, Book]:
        """The books of these accounts with their open tasks, in two round trips."""
        pipe = self._redis.pipeline(transaction=False)
        for account_id in account_ids:
            pipe.hmget(self._keys.book(account_id), "seq", "body")
        rows = dict(zip(account_ids, pipe.execute(), strict=True))
        bodies = {account_id: _bodies.decode(body) for account_id, (seq, body) in rows.items() if seq is not None}
        tasks = self.tasks([task_id for body in bodies.values() for task_id in body.open.values()])
        return {
            account_id: _book(account_id, seq, bodies.get(account_id), tasks) for account_id, (seq, _) in rows.items()
        }

    def book(self, account_id: str) -> Book:
        return self.books([account_id])[account_id]

    def tasks(self, task_ids: Sequence[str]) -> dict[str, Task]:
        """The tasks of these ids, as far as they exist."""
        if not task_ids:
            return {}
        rows = optional_texts(self._redis.mget([self._keys.task(task_id) for task_id in task_ids]))
        found = [_tasks.decode(row) for row in rows if row is not None]
        return {task.task_id: task for task in found}

    def seal(self, book: Book, drafts: Iterable[Draft]) -> Append:
        """Place unsealed events at the end of the chain, each decided on the book that the one before left."""
        made = Append(book, book, [], [])
        for draft in drafts:
            for move in draft(made.end):
                event = seal(move, made.end.seq, made.end.hash)
                self.add(made, event)
                made.commands += outbox_commands(self._keys, event)
        return made

    def add(self, made: Append, event: TaskEvent) -> None:
        """Add an already sealed event. A closed task keeps its places, whatever is noted about it."""
        before = made.end.task(event.task.task_id) if event.task is not None else None
        made.commands += event_commands(self._keys, before, event, self._policy)
        made.guards += guards(self._keys, before, event, self._policy, self._capacity)
        made.end = after(made.end, event)
        made.events.append(event)

    def append(self, appends: Sequence[Append], *, rebuild: bool = False) -> list[Answer]:
        """Write each account's events in one atomic step, or none of them.

        Raises:
            InboxNotReady: nothing may be changed at the moment. Some accounts may have been written before.
        """
        pipe = self._redis.pipeline(transaction=False)
        for made in appends:
            commands = [*made.commands, *book_commands(self._keys, made.end)]
            self._apply(
                keys=[self._keys.book(made.start.account_id), self._keys.ready],
                args=[
                    str(made.start.seq),
                    msgspec.json.encode(commands),
                    "rebuild" if rebuild else "",
                    msgspec.json.encode(_joined(made.guards)),
                ],
                client=pipe,
            )
        answers = [Answer(answer) for answer in pipe.execute()]
        if Answer.NOT_READY in answers:
            raise InboxNotReady("the inbox is being rebuilt; is `churnwatch tasks` running?")
        return answers


def lua(name: str) -> str:
    """The text of a script of `alerts/lua`."""
    return (files("alerts") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _joined(guards: list[Guard]) -> list[Guard]:
    """Guards of several events in one step: what they want of the same owner's day is added up."""
    rooms: dict[tuple[str, int], int] = {}
    others: list[Guard] = []
    for guard in guards:
        if guard[0] == "room":
            rooms[str(guard[1]), int(guard[3])] = rooms.get((str(guard[1]), int(guard[3])), 0) + int(guard[2])
        elif guard not in others:
            others.append(guard)
    joined: list[Guard] = [["room", key, count, most] for (key, most), count in rooms.items()]
    return joined + others


def _book(account_id: str, seq: str | None, body: BookBody | None, tasks: dict[str, Task]) -> Book:
    if seq is None or body is None:
        return Book(account_id)
    missing = [task_id for task_id in body.open.values() if task_id not in tasks]
    if missing:
        # A book never outlives its tasks but while somebody empties Redis under our hands.
        raise InboxNotReady(f"the inbox lost {len(missing)} tasks; is `churnwatch tasks` running?")
    open_tasks = {group: tasks[task_id] for group, task_id in body.open.items()}
    return Book(
        account_id, int(seq), body.hash, open_tasks, body.cooldowns, body.contacts, body.opted_out, body.restraints
    )
