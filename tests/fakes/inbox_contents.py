"""What Redis holds of the task log, in a form in which two inboxes can be compared."""

from typing import Any

import redis

from alerts.store import TaskStore
from alerts.store.rebuild import DERIVED
from alerts.store.replies import entries, texts
from alerts.tasks import OUTBOUND, TaskState


def contents(client: redis.Redis, store: TaskStore) -> dict[str, Any]:
    """Everything derived from the task log, by key. Scores of the sets that wait for a time are left out: they may be
    put off without an event; and a call is the same call whether it is scheduled or already in the stream."""
    found: dict[str, Any] = {}
    calls: set[str] = set()
    for key in client.scan_iter(match=f"{store.keys.prefix}:*"):
        name = key.removeprefix(f"{store.keys.prefix}:")
        if name.partition(":")[0] not in DERIVED:
            continue
        kind = str(client.type(key))
        if key == store.keys.calls:
            calls |= {fields["call"] for _, fields in entries(client.xrange(key)) if fields is not None}
        elif key == store.keys.schedule:
            calls |= set(texts(client.zrange(key, 0, -1)))
        elif kind == "zset":
            timed = key == store.keys.stale
            found[name] = set(client.zrange(key, 0, -1)) if timed else client.zrange(key, 0, -1, withscores=True)
        else:
            found[name] = {"string": client.get, "hash": client.hgetall, "set": client.smembers}[kind](key)
    outbound = store.open_tasks(OUTBOUND, limit=10_000)
    open_calls = {task.next_attempt for task in outbound if task.state is not TaskState.ACCEPTED}
    return {**found, "calls": calls & open_calls}
