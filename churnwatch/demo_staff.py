"""Simulated account managers and callers: they take tasks on, contact customers and record what came of it."""

import threading
from typing import NamedTuple

import redis
import structlog

from alerts.dialer import Dialer, Ring
from alerts.policy import HOUR_MS
from alerts.queue import CallQueue, Lease
from alerts.simulated_people import CALL_SHARES, MANAGER_SHARES, answer, delay_ms
from alerts.store import TaskStore
from alerts.store.ledger import InboxNotReady
from alerts.tasks import OUTBOUND, UNASSIGNED, Actor, Role, Task, TaskState
from churnwatch.clients import redis_client
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from pipeline.events import Disposition

PAUSE_S = 0.2
TASKS_A_ROUND = 500
ACCEPT_MEAN_MS = 4 * HOUR_MS
CONTACT_MEAN_MS = 12 * HOUR_MS
AWAY_PAUSE_S = 1.0

log = structlog.get_logger()


class StaffRound(NamedTuple):
    """What was done in one look at all inboxes."""

    accepted: int
    recorded: int


class Staff:
    """All managers of the demo. What each does and when follows from the seed, the task and its times."""

    def __init__(self, store: TaskStore, seed: int) -> None:
        self._store = store
        self._seed = seed

    def look(self) -> StaffRound:
        """Do what is to be done by now."""
        accepted = recorded = 0
        for counts in self._store.owners():
            if counts.owner == OUTBOUND or not counts.open:
                continue
            for task in self._store.open_tasks(counts.owner, limit=TASKS_A_ROUND):
                done = self._act(task, _actor(counts.owner))
                accepted += done is TaskState.NEW
                recorded += done is not None and done is not TaskState.NEW
        return StaffRound(accepted, recorded)

    def _act(self, task: Task, actor: Actor) -> TaskState | None:
        """Take the next step if its time has come; returns the state it was taken from."""
        now_ms = self._store.now_ms()
        if task.state is TaskState.NEW:
            if now_ms < task.created_ms + delay_ms(f"accept|{task.task_id}", ACCEPT_MEAN_MS, self._seed):
                return None
            self._store.accept(task.task_id, actor, task.version)
            return TaskState.NEW
        since_ms = task.not_before_ms or task.accepted_ms or task.created_ms
        if now_ms < since_ms + delay_ms(f"contact|{task.next_attempt}", CONTACT_MEAN_MS, self._seed):
            return None
        disposition = answer(MANAGER_SHARES, task.level, task.next_attempt, self._seed)
        self._store.record_disposition(task.task_id, actor, disposition, version=task.version)
        return task.state


def run_staff(settings: Settings, stop: threading.Event, seed: int = 1, *, with_callers: bool = True) -> None:
    """Work the inboxes, and with `with_callers` the outbound queue too, until `stop` is set."""
    client = redis_client(settings)
    store = task_store(settings, client)
    staff = Staff(store, seed)
    queue = CallQueue(client, store, "demo-callers")
    dialer = Dialer(queue, simulated_ring(seed))
    prepared = False
    while not stop.is_set():
        try:
            if not prepared:
                queue.prepare()
                prepared = True
            staff.look()
            while with_callers and dialer.work(block_ms=1) and not stop.is_set():
                pass
            stop.wait(PAUSE_S)
        except (redis.RedisError, InboxNotReady) as error:
            log.warning("staff.interrupted", problem=str(error))
            stop.wait(AWAY_PAUSE_S)
    log.info("staff.left", rung=dict(dialer.rung), refused=dict(dialer.refused))
    client.close()


def simulated_ring(seed: int) -> Ring:
    """People who answer by the seed."""

    def ring(task: Task, lease: Lease) -> Disposition:
        return answer(CALL_SHARES, task.level, lease.call, seed)

    return ring


def _actor(owner: str) -> Actor:
    return Actor("supervisor", Role.SUPERVISOR) if owner == UNASSIGNED else Actor(owner, Role.MANAGER)
