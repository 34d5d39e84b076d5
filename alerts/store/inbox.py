"""Reading lists and counts of tasks. Nothing here changes anything."""

from collections.abc import Iterator, Sequence

import redis

from alerts.store.keys import Keys
from alerts.store.layout import refused_counter
from alerts.store.ledger import Ledger
from alerts.store.replies import fields, text_set, texts
from alerts.task_counts import Counts, OwnerCounts
from alerts.tasks import OPEN_STATES, RefusalReason, Task, TaskState

TASKS_OF_LIMIT = 50
PAGE = 1000


class Inbox:
    """Pages of tasks, most urgent or latest first."""

    def __init__(self, client: redis.Redis, keys: Keys, ledger: Ledger) -> None:
        self._redis = client
        self._keys = keys
        self._ledger = ledger

    def open_tasks(self, owner: str | None, state: TaskState | None, limit: int, offset: int) -> list[Task]:
        return self._page(self._keys.open(owner, state), limit, offset)

    def count_open(self, owner: str | None, state: TaskState | None) -> int:
        return self._count(self._keys.open(owner, state))

    def closed_tasks(self, owner: str | None, limit: int, offset: int) -> list[Task]:
        return self._page(self._keys.closed(owner), limit, offset)

    def count_closed(self, owner: str | None) -> int:
        return self._count(self._keys.closed(owner))

    def tasks_of(self, account_id: str) -> list[Task]:
        """An account's tasks: open ones first, latest first within both."""
        tasks = self._page(self._keys.tasks_of(account_id), TASKS_OF_LIMIT, 0)
        return sorted(tasks, key=lambda task: not task.open)

    def tasks_of_all(self, account_ids: Sequence[str]) -> list[Task]:
        """Tasks of several accounts, open ones first, in two requests."""
        with self._redis.pipeline(transaction=False) as pipe:
            for account_id in account_ids:
                pipe.zrevrange(self._keys.tasks_of(account_id), 0, TASKS_OF_LIMIT - 1)
            ids = [task_id for found in pipe.execute() for task_id in texts(found)]
        return sorted(self._ledger.tasks(ids).values(), key=lambda task: not task.open)

    def counts(self, now_ms: int) -> Counts:
        counters = fields(self._redis.hgetall(self._keys.counters))
        groups = text_set(self._redis.smembers(self._keys.groups))
        overdue = self._redis.zcount(self._keys.due, "-inf", f"({now_ms}")
        reasons = {reason: int(counters.get(refused_counter(reason), 0)) for reason in RefusalReason}
        return Counts(
            open=self._count(self._keys.open()),
            closed=int(counters.get("closed", 0)),
            overdue=int(overdue),
            by_state={state: self._count(self._keys.open(state=state)) for state in OPEN_STATES},
            by_group={group: self._count(self._keys.open_in_group(group)) for group in sorted(groups)},
            created=int(counters.get("created", 0)),
            refused={reason: count for reason, count in reasons.items() if count},
        )

    def owners(self) -> list[OwnerCounts]:
        names = sorted(text_set(self._redis.smembers(self._keys.owners)))
        # One request for all: with one each, fifty owners made three quarters of a customer page's cost.
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.zcard(self._keys.open(name))
                pipe.zcard(self._keys.open(name, TaskState.NEW))
            found = pipe.execute()
        return [
            OwnerCounts(name, int(opened), int(new))
            for name, opened, new in zip(names, found[::2], found[1::2], strict=True)
        ]

    def stale(self, now_ms: int, limit: int) -> list[Task]:
        """Open tasks whose time to close themselves has come."""
        ids = texts(self._redis.zrangebyscore(self._keys.stale, "-inf", now_ms, start=0, num=limit))
        return list(self._ledger.tasks(ids).values())

    def to_escalate(self, now_ms: int, limit: int) -> list[Task]:
        """Open tasks whose next step of escalation has come."""
        ids = texts(self._redis.zrangebyscore(self._keys.escalate, "-inf", now_ms, start=0, num=limit))
        return list(self._ledger.tasks(ids).values())

    def all_open(self, owner: str) -> Iterator[Task]:
        """Every open task of an owner as the list stands now, a page at a time."""
        ids = texts(self._redis.zrange(self._keys.open(owner), 0, -1))
        for at in range(0, len(ids), PAGE):
            yield from self._ledger.tasks(ids[at : at + PAGE]).values()

    def _page(self, key: str, limit: int, offset: int) -> list[Task]:
        ids = texts(self._redis.zrevrange(key, offset, offset + limit - 1))
        found = self._ledger.tasks(ids)
        return [found[task_id] for task_id in ids if task_id in found]

    def _count(self, key: str) -> int:
        return int(self._redis.zcard(key))
