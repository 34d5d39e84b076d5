"""Two tasks processes, two dialers, managers and the law on one real Redis, moved by dice, also in the midst of a change."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import msgspec
import redis

from alerts.clock import ManualClock
from alerts.invariants import Auditor
from alerts.queue import CallQueue, Lease
from alerts.rules import Rules, read_rules
from alerts.store import TaskStore
from alerts.store.directory import customer_of
from alerts.store.ledger import Answer, Append, Ledger
from alerts.store.planning import Planner
from alerts.store.rebuild import Rebuilder
from alerts.store.replies import texts
from alerts.store.sweeps import Sweeps
from alerts.tasks import OUTBOUND, Actor, Refusal, RefusalReason, Role, Task, TaskEvent, TaskState
from alerts.triggers import Trigger, TriggerKind
from pipeline.events import Consent, CustomerRecord, Disposition, Level
from tests.fakes.alert_records import DAY_MS, HOUR_MS, NOON_MS, SUPERVISOR, customer_record, signal, warning

SIGNALS = ("silence", "complaint", "spend_drop", "port_code_issued", "termination")
ACCOUNTS = 14
MANAGERS = ("m-1", "m-2", "m-3")
OUTBOX_PAGE = 2000


def tight_rules() -> Rules:
    """Rules under which room runs out: two contacts a manager and day, four of the whole outbound team."""
    rules = read_rules()
    capacity = rules.capacity
    channel = msgspec.structs.replace(capacity.manager, contacts_per_day=2, cost=0.1)
    outbound = msgspec.structs.replace(capacity.outbound, contacts_per_day=4, cost=0.1)
    return replace(rules, capacity=msgspec.structs.replace(capacity, manager=channel, outbound=outbound))


class TaskWorld:
    """What may happen, a step at a time.

    Attributes:
        auditor: reads every event as it leaves the outbox.
        refused: how often each refusal was met. `interrupted`: changes in whose midst another one fell.
    """

    def __init__(self, client: redis.Redis, prefix: str, seed: int) -> None:
        self.dice = Random(seed)
        self.client = client
        self.clock = ManualClock(NOON_MS)
        self.rules = tight_rules()
        self.stores = [TaskStore(client, prefix, self.clock, self.rules) for _ in range(2)]
        self.store = self.stores[0]
        Rebuilder(client, self.store.keys, self.store.ledger).open_gate()
        self.records = {f"a-{n}": self._customer(n) for n in range(ACCOUNTS)}
        self.known = {name: [customer_of(record)] for name, record in self.records.items()}
        self.store.directory.put(list(self.records.values()), [], {})
        self.queues = [CallQueue(client, store, f"d-{number}") for number, store in enumerate(self.stores)]
        self.queues[0].prepare()
        self.planners = [Planner(client, store) for store in self.stores]
        self.sweeps = Sweeps(client, self.store)
        self.leases: list[list[Lease]] = [[], []]
        self.auditor = Auditor(self.known, self.rules)
        self.refused: Counter[str] = Counter()
        self.told = self.interrupted = 0
        self.created: set[str] = set()
        self.ended: set[str] = set()
        self._inside = False
        for store in self.stores:
            self._interrupt(store.ledger)

    def step(self) -> None:
        """One thing happens; now and then time goes on, and the log is read."""
        self._act()
        if self.dice.random() < 0.25:
            self.clock.advance(
                self.clock.now_ms() + self.dice.choice((HOUR_MS // 4, HOUR_MS, 3 * HOUR_MS, 8 * HOUR_MS))
            )
        if self.dice.random() < 0.05:
            self.read_log()

    def finish(self) -> None:
        """No more warnings, nothing in between: what is under way is lost or runs out."""
        self._inside = True
        for _ in range(8):
            self.clock.advance(self.clock.now_ms() + 10 * DAY_MS)
            for task in self.store.open_tasks(limit=1000):
                if task.state is TaskState.IN_CONTACT:
                    self.store.lose_attempt(task.task_id, Actor("d-0", Role.DIALER), task.attempts + 1)
            self._sweep()
        self.read_log()

    def read_log(self) -> None:
        """What waits in the outbox goes to the auditor, as it would to Kafka."""
        while parcels := self.store.outbox.pending(OUTBOX_PAGE):
            for parcel in parcels:
                if parcel.topic == "task-events":
                    self._see(msgspec.json.decode(parcel.value, type=TaskEvent))
            self.store.outbox.settle(parcels, None)

    def capacity_left_over(self) -> set[str]:
        """Room that is still taken although no contact was made and none is reserved."""
        found: set[str] = set()
        for key in texts(self.client.scan_iter(match=f"{self.store.keys.prefix}:capacity:*")):
            for member in texts(self.client.zrange(key, 0, -1)):
                task = self.store.get(member.rpartition(":")[0])
                slots = [*task.spent, *([task.slot] if task.slot else [])] if task else []
                if not any(f"{slot.attempt}" == member.rpartition(":")[2] for slot in slots):
                    found.add(f"{key} {member}")
        return found

    def _see(self, event: TaskEvent) -> None:
        self.auditor.see(event)
        if event.task is not None:
            self.created.add(event.task.task_id)
            if not event.task.open:
                self.ended.add(event.task.task_id)

    def _interrupt(self, ledger: Ledger) -> None:
        """Between a decision and its writing something else may happen, decided and written by the other process."""
        write = ledger.append

        def append(appends: Sequence[Append], *, rebuild: bool = False) -> list[Answer]:
            if not self._inside and self.dice.random() < 0.15:
                self._inside = True
                self.interrupted += 1
                try:
                    self._act()
                finally:
                    self._inside = False
            return write(appends, rebuild=rebuild)

        ledger.append = append  # type: ignore[method-assign]  # the real one, with somebody else in between

    def _act(self) -> None:
        acts: list[tuple[int, Callable[[], object]]] = [
            (22, self._warn), (6, self._trigger), (5, self._accept), (10, self._contact), (8, self._record),
            (4, self._record_wrongly), (3, self._snooze), (3, self._reassign), (14, self._lease), (12, self._finish),
            (4, self._crash), (6, self._plan), (4, self._sweep), (1, self._consent), (1, self._number),
        ]  # fmt: skip
        (act,) = self.dice.choices([act for _, act in acts], weights=[weight for weight, _ in acts])
        act()

    def _customer(self, number: int, *, call: bool = True) -> CustomerRecord:
        managed = {
            "segment": "key_account",
            "star": 4,
            "manager_id": MANAGERS[number % 3],
            "deputy_id": MANAGERS[(number + 1) % 3],
        }
        return customer_record(f"a-{number}", call=call, **(managed if number % 2 else {}))

    def _account(self) -> str:
        return f"a-{self.dice.randrange(ACCOUNTS)}"

    def _any_store(self) -> TaskStore:
        return self.dice.choice(self.stores)

    def _task(self) -> Task | None:
        """Mostly an open one; some are closed."""
        closed = self.dice.random() < 0.1
        tasks = self.store.closed_tasks(limit=5) if closed else self.store.open_tasks(limit=60)
        return self.dice.choice(tasks) if tasks else None

    def _note(self, outcome: object) -> None:
        if isinstance(outcome, Refusal):
            self.refused[outcome.reason] += 1

    def _warn(self) -> None:
        account_id = self._account()
        told = []
        for _ in range(self.dice.choice((1, 1, 2))):
            self.told += 1
            told.append(
                warning(
                    f"w-{self.told}",
                    signal(self.dice.choice(SIGNALS)),
                    account_id=account_id,
                    line_id=f"l{account_id[1:]}",
                    ts_ms=self.clock.now_ms(),
                    level=self.dice.choice(list(Level)),
                )
            )
        self._any_store().admit_warnings(told + told[:1])

    def _trigger(self) -> None:
        self.told += 1
        now_ms = self.clock.now_ms()
        kind, reason = self.dice.choice(
            [(TriggerKind.VISIT, "fault_closed"), (TriggerKind.VISIT, "provisioning_done"), (TriggerKind.LEFT, "port_out"),
             (TriggerKind.BACK, "reconnect")]
        )  # fmt: skip
        account_id = self._account()
        due_ms = now_ms + 3 * DAY_MS if kind is TriggerKind.VISIT else 0
        happened = Trigger(f"orders:{self.told}", kind, reason, account_id, f"l{account_id[1:]}", now_ms, due_ms)
        self._any_store().follow_triggers([happened, happened])

    def _accept(self) -> None:
        if task := self._task():
            self._note(self._any_store().accept(task.task_id, self._person(task)))

    def _person(self, task: Task) -> Actor:
        return Actor("c-1", Role.CALLER) if task.owner == OUTBOUND else Actor(task.owner, Role.MANAGER)

    def _contact(self) -> None:
        if task := self._task():
            self._note(self._any_store().begin_contact(task.task_id, self._person(task)))

    def _record(self) -> None:
        """Whoever began a contact tells how it ended."""
        under_way = self.store.open_tasks(state=TaskState.IN_CONTACT, limit=60)
        mine = [task for task in under_way if task.contact_by]
        if mine:
            task = self.dice.choice(mine)
            actor = Actor(task.contact_by or "", Role.MANAGER if task.owner != OUTBOUND else Role.CALLER)
            self._note(self._any_store().record_disposition(task.task_id, actor, self._disposition()))

    def _record_wrongly(self) -> None:
        """By somebody whose it is not, for a task that is not there, for a contact that another has begun."""
        task = self._task()
        store = self._any_store()
        stranger = Actor("m-9", Role.MANAGER)
        outcome = store.record_disposition("nothing", stranger, Disposition.REACHED_SAVED)
        assert isinstance(outcome, Refusal)
        assert outcome.reason is RefusalReason.UNKNOWN_TASK
        if task is not None and task.owner != OUTBOUND:
            assert isinstance(store.record_disposition(task.task_id, stranger, Disposition.REACHED_SAVED), Refusal)

    def _snooze(self) -> None:
        if task := self._task():
            until_ms = self.clock.now_ms() + self.dice.randrange(5) * DAY_MS
            self._note(self._any_store().snooze(task.task_id, SUPERVISOR, until_ms))

    def _reassign(self) -> None:
        if task := self._task():
            owner = self.dice.choice((*MANAGERS, OUTBOUND))
            self._note(self._any_store().reassign(task.task_id, SUPERVISOR, owner))

    def _lease(self) -> None:
        who = self.dice.randrange(2)
        queue = self.queues[who]
        queue.move_due()
        for lease in queue.lease(2, 1):
            begun = queue.begin(lease)
            if isinstance(begun, Task):
                self.leases[who].append(lease)
            else:
                self._note(begun)

    def _finish(self) -> None:
        who = self.dice.randrange(2)
        if self.leases[who]:
            lease = self.leases[who].pop(self.dice.randrange(len(self.leases[who])))
            self._note(self.queues[who].finish(lease, self._disposition()))
            if self.dice.random() < 0.2:
                assert isinstance(self.queues[who].finish(lease, self._disposition()), Refusal), "told twice"

    def _crash(self) -> None:
        """A dialer forgets what it had in hand; its lease ends and another reports the call lost."""
        who = self.dice.randrange(2)
        for lease in self.leases[who]:
            self.store.lose_attempt(lease.task_id, Actor("d-9", Role.DIALER), lease.attempt)
        self.leases[who].clear()

    def _plan(self) -> None:
        planner = self.dice.choice(self.planners)
        if planner.plan_day() is None:
            planner.plan_between([task.task_id for task in self.store.open_tasks(limit=20)])

    def _sweep(self) -> None:
        self.store.close_recovered()
        self.store.escalate_overdue()
        self.sweeps.expire()
        self.sweeps.end_silent_contacts()
        self.sweeps.release_missed()
        self.sweeps.forget()

    def _consent(self) -> None:
        number = self.dice.randrange(ACCOUNTS)
        record = self._customer(number)
        consent = Consent(call=self.dice.random() < 0.8)
        changed = msgspec.structs.replace(record, consent=consent, ts_ms=self.clock.now_ms())
        self.store.directory.put([changed], [], {})
        self.known[record.account_id].append(customer_of(changed))

    def _number(self) -> None:
        line_id = f"l-{self.dice.randrange(ACCOUNTS)}"
        actor = Actor("s-1", Role.SUPERVISOR)
        if self.dice.random() < 0.5:
            self.store.bar_number(line_id, actor)
        else:
            self.store.allow_number(line_id, actor)

    def _disposition(self) -> Disposition:
        return self.dice.choice(
            [one for one in Disposition if one is not Disposition.OPT_OUT or self.dice.random() < 0.02]
        )
