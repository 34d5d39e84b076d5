"""The outbound queue: calls whose time has come, leased to dialers, each attempt rung at most once.

A call is "task:attempt", the idempotency key. It waits in a schedule, moves to a Redis Stream when due, and is leased
through the consumer group `dialers`. The stream says who should try; whether a call may ring is decided on the task
itself (`TaskStore.begin_dial`), which marks it as begun before anything rings. An entry whose holder fell silent goes
to another dialer; if its call had begun, nobody dials it again: it is reported lost. Leases run in wall time,
schedules by the clock port.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import redis

from alerts.store import TaskStore
from alerts.store.ledger import lua
from alerts.store.replies import entries, group_entries, texts
from alerts.tasks import Actor, Refusal, RefusalReason, Role, Task, TaskState
from pipeline.events import Disposition

GROUP = "dialers"
MOVE_LIMIT = 500
#: Shorter than any socket timeout, so that an empty queue never looks like a lost server.
BLOCK_MS_MAX = 2000
DEAD = "dead"


class Lease(NamedTuple):
    """An entry in somebody's hands. `deliveries` counts how often it was handed out."""

    entry_id: str
    task_id: str
    attempt: int
    deliveries: int = 1

    @property
    def call(self) -> str:
        """The idempotency key: a provider that gets it twice must ring once."""
        return f"{self.task_id}:{self.attempt}"


class CallQueue:
    """One dialer's end of the queue. `consumer` names it among the dialers; no two may share a name."""

    def __init__(self, client: redis.Redis, store: TaskStore, consumer: str) -> None:
        self._redis = client
        self._store = store
        self._keys = store.keys
        self._consumer = consumer
        self._actor = Actor(consumer, Role.DIALER)
        self._move = client.register_script(lua("move_due"))
        self._put_back = client.register_script(lua("put_back"))
        self._handed = f"{store.keys.calls}:handed"

    def prepare(self) -> None:
        """Make stream and group; harmless where they are. An entry added before counts too."""
        try:
            self._redis.xgroup_create(self._keys.calls, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def move_due(self) -> int:
        """Move calls whose time has come into the stream; returns how many."""
        keys = [self._keys.schedule, self._keys.calls]
        return int(self._move(keys=keys, args=[self._store.now_ms(), MOVE_LIMIT]))

    def lease(self, count: int, block_ms: int) -> list[Lease]:
        """Up to `count` calls, those abandoned by others first; waits up to `block_ms` when there are none."""
        taken = self._reclaim(count)
        if taken:
            return taken
        rows = self._redis.xreadgroup(
            GROUP, self._consumer, {self._keys.calls: ">"}, count=count, block=min(max(block_ms, 1), BLOCK_MS_MAX)
        )
        return list(_leases(group_entries(rows)))

    def heartbeat(self, lease: Lease) -> None:
        """Still at it: the lease begins anew, without counting as another delivery."""
        self._redis.xclaim(self._keys.calls, GROUP, self._consumer, 0, [lease.entry_id], justid=True)

    def begin(self, lease: Lease) -> Task | Refusal:
        """Ask to ring now. With a `Refusal` the entry has been dealt with: put off, dropped, or reported lost."""
        begun = self._store.begin_dial(lease.task_id, self._actor, lease.attempt)
        if isinstance(begun, Refusal):
            self._dismiss(lease, begun)
        return begun

    def finish(self, lease: Lease, disposition: Disposition, note: str = "") -> Task | Refusal:
        """Record how it ended, then let the entry go. Twice is harmless: the attempt is over after the first.

        A call that was never begun has no end: it goes back into the queue.
        """
        told = self._store.record_disposition(lease.task_id, self._actor, disposition, note, attempt=lease.attempt)
        reason = told.reason if isinstance(told, Refusal) else None
        if reason is not RefusalReason.BUSY:
            self._release(lease, str(self._store.now_ms()) if reason is RefusalReason.WRONG_STATE else "")
        return told

    def held(self, entry_id: str) -> Lease | None:
        """The lease of this entry, while it is in our hands; None once it has gone to another or is over."""
        mine = self._redis.xpending_range(self._keys.calls, GROUP, entry_id, entry_id, 1, consumername=self._consumer)
        rows = entries(self._redis.xrange(self._keys.calls, entry_id, entry_id)) if mine else ()
        return next((lease._replace(deliveries=int(mine[0]["times_delivered"])) for lease in _leases(rows)), None)

    def hand_over(self, lease: Lease, patience_ms: int) -> None:
        """A begun call is a telephone system's now, which tells later how it ended; `report_silent` waits so long."""
        self._redis.zadd(self._handed, {lease.call: self._store.now_ms() + patience_ms})
        self._release(lease, "")

    def finish_handed(self, task_id: str, attempt: int, disposition: Disposition, note: str = "") -> Task | Refusal:
        """Record how a call ended that was handed over. Twice is harmless: the attempt is over after the first."""
        told = self._store.record_disposition(task_id, self._actor, disposition, note, attempt=attempt)
        if not isinstance(told, Refusal) or told.reason is not RefusalReason.BUSY:
            self._redis.zrem(self._handed, f"{task_id}:{attempt}")
        return told

    def report_silent(self) -> int:
        """Report those handed-over calls lost that nobody told the end of in time; returns how many."""
        silent = texts(self._redis.zrangebyscore(self._handed, "-inf", self._store.now_ms(), start=0, num=MOVE_LIMIT))
        for call in silent:
            task_id, _, attempt = call.rpartition(":")
            self._store.lose_attempt(task_id, self._actor, int(attempt))
            self._redis.zrem(self._handed, call)
        return len(silent)

    def dead(self, limit: int = 100) -> list[str]:
        """Calls handed out too often, latest first."""
        rows = entries(self._redis.xrevrange(self._keys.dead_calls, count=limit))
        return [row["call"] for _, row in rows if row is not None]

    def leave(self) -> None:
        """Take this dialer's name out of the group, unless it holds entries: they would go with it."""
        mine = self._redis.xpending_range(self._keys.calls, GROUP, "-", "+", 1, consumername=self._consumer)
        if not mine:
            self._redis.xgroup_delconsumer(self._keys.calls, GROUP, self._consumer)

    def _reclaim(self, count: int) -> list[Lease]:
        idle_ms = int(self._store.policy.contact.lease_s * 1000)
        answer = self._redis.xautoclaim(self._keys.calls, GROUP, self._consumer, idle_ms, "0-0", count=count)
        rows = entries(answer[1])
        counted = self._deliveries(len(rows)) if rows else {}
        leases = [lease._replace(deliveries=counted.get(lease.entry_id, 1)) for lease in _leases(rows)]
        return [lease for lease in leases if not self._poisonous(lease)]

    def _deliveries(self, count: int) -> dict[str, int]:
        held = self._redis.xpending_range(
            self._keys.calls, GROUP, "-", "+", max(count, MOVE_LIMIT), consumername=self._consumer
        )
        return {str(row["message_id"]): int(row["times_delivered"]) for row in held}

    def _poisonous(self, lease: Lease) -> bool:
        """Put aside what was handed out too often; its task waits for a person."""
        if lease.deliveries <= self._store.policy.contact.deliveries_max:
            return False
        self._store.lose_attempt(lease.task_id, self._actor, lease.attempt)
        self._release(lease, DEAD)
        return True

    def _dismiss(self, lease: Lease, refusal: Refusal) -> None:
        task = refusal.task
        begun = task is not None and task.state is TaskState.IN_CONTACT and task.attempts + 1 == lease.attempt
        if begun and refusal.reason is RefusalReason.WRONG_STATE:
            self._store.lose_attempt(lease.task_id, self._actor, lease.attempt)
        if refusal.reason is RefusalReason.BUSY:
            return
        self._release(lease, "" if refusal.retry_ms is None else str(refusal.retry_ms))

    def _release(self, lease: Lease, when: str) -> None:
        keys = [self._keys.calls, self._keys.schedule, self._keys.dead_calls]
        self._put_back(keys=keys, args=[GROUP, lease.entry_id, lease.call, when])


class QueueDepth(NamedTuple):
    """`scheduled`: not due yet; `waiting`: in the stream; `leased` of these in a dialer's hands; `dead`: put aside.

    `oldest_s`: age of the oldest entry of the stream in wall seconds, 0 when it is empty.
    """

    scheduled: int
    waiting: int
    leased: int
    dead: int
    oldest_s: float


def queue_depth(client: redis.Redis, store: TaskStore, now_s: float) -> QueueDepth:
    """How full the queue is; `now_s` is wall time in seconds."""
    keys = store.keys
    first = texts(entry_id for entry_id, _ in entries(client.xrange(keys.calls, count=1)))
    groups = client.xinfo_groups(keys.calls) if first else []
    return QueueDepth(
        scheduled=int(client.zcard(keys.schedule)),
        waiting=int(client.xlen(keys.calls)),
        leased=sum(int(group["pending"]) for group in groups),
        dead=int(client.xlen(keys.dead_calls)),
        oldest_s=max(0.0, now_s - int(first[0].partition("-")[0]) / 1000) if first else 0.0,
    )


def _leases(rows: Sequence[tuple[str, dict[str, str] | None]]) -> Iterator[Lease]:
    for entry_id, row in rows:
        if row is not None:
            task_id, _, attempt = row["call"].rpartition(":")
            yield Lease(entry_id, task_id, int(attempt))
