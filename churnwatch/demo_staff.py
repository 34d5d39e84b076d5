"""Simulated account managers and callers: they take tasks on, contact customers and record what came of it."""

import threading
from pathlib import Path
from typing import NamedTuple

import msgspec
import redis
import structlog

from alerts.capacity_counts import MANAGER, local_hour
from alerts.dialer import Dialer
from alerts.dialers.port import Ring
from alerts.policy import HOUR_MS
from alerts.queue import CallQueue, Lease
from alerts.simulated_people import CALL_SHARES, MANAGER_SHARES, Person, answer, answer_of, delay_ms
from alerts.store import TaskStore
from alerts.store.ledger import InboxNotReady
from alerts.tasks import OUTBOUND, UNASSIGNED, Actor, Purpose, Role, Task, TaskState
from churnwatch.clients import redis_client
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from pipeline.events import Disposition
from pipeline.sources.operator.hidden import HiddenAccount

PAUSE_S = 0.2
TASKS_A_ROUND = 500
ACCEPT_MEAN_MS = 4 * HOUR_MS
AWAY_PAUSE_S = 1.0

log = structlog.get_logger()
_hidden = msgspec.json.Decoder(HiddenAccount)


class StaffRound(NamedTuple):
    """What was done in one look at all inboxes."""

    accepted: int
    recorded: int


class People:
    """How customers answer: by their hidden types where these are known, else by shares.

    Args:
        known: persons by account.
    """

    def __init__(self, seed: int, known: dict[str, Person] | None = None) -> None:
        self._seed = seed
        self._known = known or {}

    def answer(self, task: Task, channel: str, call: str, now_ms: int) -> Disposition:
        """How this contact ends."""
        person = self._known.get(task.account_id)
        if person is None:
            shares = CALL_SHARES if channel == OUTBOUND else MANAGER_SHARES
            return answer(shares, task.level, call, self._seed)
        return answer_of(person, channel, local_hour(now_ms, task.timezone), task.level, call, self._seed)


def read_people(path: Path) -> dict[str, Person]:
    """The hidden types of a synthetic operator's accounts, one JSON object a line, as `churnwatch simulate` writes them."""
    found = (_hidden.decode(line) for line in path.read_bytes().splitlines() if line)
    return {one.account_id: Person(one.response_type, one.reach) for one in found}


class Staff:
    """All managers of the demo. They keep to the plan: a customer is contacted once a reserved contact's hour has come."""

    def __init__(self, store: TaskStore, seed: int, people: People | None = None) -> None:
        self._store = store
        self._seed = seed
        self._people = people or People(seed)

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
        if task.state is TaskState.NEW and task.purpose is not Purpose.CRISIS:
            if now_ms < task.created_ms + delay_ms(f"accept|{task.task_id}", ACCEPT_MEAN_MS, self._seed):
                return None
            self._store.accept(task.task_id, actor, task.version)
            return TaskState.NEW
        if task.slot is None or now_ms < task.slot.at_ms or task.state is TaskState.IN_CONTACT:
            return None
        begun = self._store.begin_contact(task.task_id, actor, task.version)
        if not isinstance(begun, Task):
            return None
        disposition = self._people.answer(begun, MANAGER, task.next_attempt, now_ms)
        self._store.record_disposition(task.task_id, actor, disposition, version=begun.version)
        return task.state


def run_staff(
    settings: Settings, stop: threading.Event, seed: int = 1, *, with_callers: bool = True, people: Path | None = None
) -> None:
    """Work the inboxes, and with `with_callers` the outbound queue too, until `stop` is set.

    `people`: file of the customers' hidden types; None: they answer by shares.
    """
    client = redis_client(settings)
    store = task_store(settings, client)
    known = People(seed, read_people(people) if people else None)
    staff = Staff(store, seed, known)
    queue = CallQueue(client, store, "demo-callers")
    dialer = Dialer(queue, ringing(known))
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


def simulated_ring(seed: int, people: Path | None = None) -> Ring:
    """People who answer by the seed, and by their hidden types where a file tells these."""
    return ringing(People(seed, read_people(people) if people else None))


def ringing(people: People) -> Ring:
    """These people on the phone."""

    def ring(task: Task, lease: Lease) -> Disposition:
        # The call began this moment: the task's latest change says when.
        return people.answer(task, OUTBOUND, lease.call, task.history[-1].ts_ms)

    return ring


def _actor(owner: str) -> Actor:
    return Actor("supervisor", Role.SUPERVISOR) if owner == UNASSIGNED else Actor(owner, Role.MANAGER)
