"""What time alone brings about: tasks that expire, contacts nobody ended, reserved contacts that were missed."""

from collections.abc import Callable

import redis

from alerts import moves
from alerts.contact import day_ends_ms
from alerts.dialing import lose
from alerts.policy import DAY_MS, HOUR_MS
from alerts.store import TaskStore
from alerts.store.replies import texts
from alerts.tasks import Task

SWEEP_LIMIT = 1000
#: Days for which who made how many contacts, and what tasks were made where, is kept.
CAPACITY_DAYS = 3
SURGE_DAYS = 9


class Sweeps:
    """Each does at most `SWEEP_LIMIT` tasks at a time; what is left waits for the next."""

    def __init__(self, client: redis.Redis, store: TaskStore) -> None:
        self._redis = client
        self._store = store
        self._swept_day_ms = 0

    def expire(self) -> list[Task]:
        """Close the tasks that nobody came to."""
        now_ms = self._store.now_ms()
        policy = self._store.policy
        return self._each(self._store.keys.expire, now_ms, lambda task: moves.expire(task, now_ms, policy))

    def end_silent_contacts(self) -> list[Task]:
        """Take contacts that a person began and never ended for attempts without known end."""
        now_ms = self._store.now_ms()
        before_ms = now_ms - int(self._store.policy.contact.person_contact_hours * HOUR_MS)
        key = self._store.keys.person_contacts
        return self._each(key, before_ms, lambda task: lose(task, moves.SYSTEM, task.attempts + 1, now_ms))

    def release_missed(self) -> list[Task]:
        """Give back the contacts that were reserved for a day that is over."""
        now_ms = self._store.now_ms()
        today_ms = day_ends_ms(now_ms - DAY_MS, self._store.rules.law)
        return self._each(self._store.keys.planned, today_ms - 1, lambda task: moves.release(task, now_ms))

    def forget(self) -> None:
        """Drop, once a day of the clock, what only the last days are asked about."""
        now_ms = self._store.now_ms()
        if now_ms < self._swept_day_ms + DAY_MS:
            return
        self._swept_day_ms = now_ms
        keys = self._store.keys
        oldest = self._store.day_of(now_ms - CAPACITY_DAYS * DAY_MS)
        head = f"{keys.prefix}:capacity:"
        for key in texts(self._redis.scan_iter(match=f"{head}*", count=SWEEP_LIMIT)):
            if key.removeprefix(head)[: len(oldest)] < oldest:
                self._redis.unlink(key)
        for key in texts(self._redis.scan_iter(match=f"{keys.prefix}:surge:*", count=SWEEP_LIMIT)):
            self._redis.zremrangebyscore(key, "-inf", now_ms - SURGE_DAYS * DAY_MS)

    def _each(self, key: str, until_ms: int, decide: Callable[[Task], moves.Move]) -> list[Task]:
        """Change the tasks that stand in this index up to then; what refuses is looked at again at the next sweep."""
        ids = texts(self._redis.zrangebyscore(key, "-inf", until_ms, start=0, num=SWEEP_LIMIT))
        outcomes = [self._store.change(task_id, None, lambda _, task: decide(task)) for task_id in ids]
        return [outcome for outcome in outcomes if isinstance(outcome, Task)]
