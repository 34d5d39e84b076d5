"""Two tasks processes, two dialers, managers and the law on one real Redis, moved by dice, also in the midst of a change."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
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

#: How often something is drawn, and what it does.
Act = tuple[int, Callable[[], object]]


def tight_rules(contacts_of_manager: int = 2, contacts_of_outbound: int = 4) -> Rules:
    """Rules under which room runs out: so few contacts a day of each manager, and of the whole outbound team."""
    rules = read_rules()
    capacity = rules.capacity
    channel = msgspec.structs.replace(capacity.manager, contacts_per_day=contacts_of_manager, cost=0.1)
    outbound = msgspec.structs.replace(capacity.outbound, contacts_per_day=contacts_of_outbound, cost=0.1)
    return replace(rules, capacity=msgspec.structs.replace(capacity, manager=channel, outbound=outbound))


class TaskWorld:
    """What may happen, a step at a time.

    Attributes:
        auditor: reads every event as it leaves the outbox.
        refused: how often each refusal was met. `interrupted`: changes in whose midst another one fell.
        created, ended: tasks by the log. `spent`: (task, attempt) of every contact in it; `events`: how many it holds.
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        seed: int,
        accounts: int = ACCOUNTS,
        rules: Rules | None = None,
        region: str = "north",
    ) -> None:
        self.dice = Random(seed)
        self.client = client
        self.clock = ManualClock(NOON_MS)
        self.rules = rules or tight_rules()
        self._accounts = accounts
        self._region = region
        self.stores = [TaskStore(client, prefix, self.clock, self.rules) for _ in range(2)]
        self.store = self.stores[0]
        Rebuilder(client, self.store.keys, self.store.ledger).open_gate()
        self.records = {f"a-{n}": self._customer(n) for n in range(accounts)}
        self.known = {name: [customer_of(record)] for name, record in self.records.items()}
        self.store.directory.put(list(self.records.values()), [], {})
        self.queues = [CallQueue(client, store, f"d-{number}") for number, store in enumerate(self.stores)]
        self.queues[0].prepare()
        self.planners = [Planner(client, store) for store in self.stores]
        self.sweeps = [Sweeps(client, store) for store in self.stores]
        self.leases: list[list[Lease]] = [[], []]
        self.auditor = Auditor(self.known, self.rules)
        self.refused: Counter[str] = Counter()
        self.told = self.interrupted = self.events = 0
        self.spent: set[tuple[str, int]] = set()
        self.created: set[str] = set()
        self.ended: set[str] = set()
        self._inside = False

    def interrupt(self) -> None:
        """From now on something else may happen in the midst of any change."""
        for store in self.stores:
            self._interrupt(store.ledger)

    def step(self) -> None:
        """One thing happens; now and then time goes on, and the log is read."""
        self._act()
        self.pass_time()
        if self.dice.random() < 0.05:
            self.read_log()

    def tick(self) -> None:
        """After a round trip: mostly nothing, for there are many of them."""
        if self.dice.random() < 0.2:
            self.pass_time()

    def pass_time(self) -> None:
        """Now and then some hours."""
        if self.dice.random() < 0.25:
            self.clock.advance(
                self.clock.now_ms() + self.dice.choice((HOUR_MS // 4, HOUR_MS, 3 * HOUR_MS, 8 * HOUR_MS))
            )

    def finish(self) -> None:
        """No more warnings, nothing in between: what is under way is lost or runs out."""
        self._inside = True
        for _ in range(8):
            if not (left := self.store.open_tasks(limit=1000)):
                break
            self.clock.advance(self.clock.now_ms() + 10 * DAY_MS)
            for task in left:
                if task.state is TaskState.IN_CONTACT:
                    self.store.lose_attempt(task.task_id, Actor("d-0", Role.DIALER), task.attempts + 1)
            self._sweep(0)
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
        self.events += 1
        if event.task is not None:
            self.spent |= {(event.task.task_id, slot.attempt) for slot in event.task.spent}
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
        who = self.dice.randrange(2)
        self._draw([*self._of_process(who), *self._of_people(), *self._of_dialer(who)])

    def act_as_process(self, who: int) -> None:
        """What a tasks process does: warnings and happenings in, plans and sweeps."""
        self._draw(self._of_process(who))

    def act_as_dialer(self, who: int) -> None:
        """Lease and ring, tell how it ended, or die with calls in hand."""
        self._draw(self._of_dialer(who))

    def act_as_people(self) -> None:
        """Managers, callers, supervisors, and the customers' own wishes."""
        self._draw(self._of_people())

    def _draw(self, acts: Sequence[Act]) -> None:
        (act,) = self.dice.choices([act for _, act in acts], weights=[weight for weight, _ in acts])
        act()

    def _of_process(self, who: int) -> list[Act]:
        store = self.stores[who]
        return [
            (22, partial(self.warn, store)), (6, partial(self._trigger, store)), (6, partial(self._plan, who)),
            (4, partial(self._sweep, who)),
        ]  # fmt: skip

    def _of_people(self) -> list[Act]:
        return [
            (5, self._accept), (10, self.contact), (8, self._record), (4, self._record_wrongly), (3, self._snooze),
            (3, self._reassign), (1, self._consent), (1, self._number),
        ]  # fmt: skip

    def _of_dialer(self, who: int) -> list[Act]:
        return [(14, partial(self.lease, who)), (12, partial(self._finish, who)), (4, partial(self._crash, who))]

    def _customer(self, number: int, *, call: bool = True) -> CustomerRecord:
        managed = {
            "segment": "key_account",
            "star": 4,
            "manager_id": MANAGERS[number % 3],
            "deputy_id": MANAGERS[(number + 1) % 3],
        }
        return customer_record(f"a-{number}", call=call, region=self._region, **(managed if number % 2 else {}))

    def _account(self) -> str:
        return f"a-{self.dice.randrange(self._accounts)}"

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

    def warn(self, store: TaskStore) -> None:
        """One or two warnings about a customer, the first of them twice."""
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
        store.admit_warnings(told + told[:1])

    def _trigger(self, store: TaskStore) -> None:
        self.told += 1
        now_ms = self.clock.now_ms()
        kind, reason = self.dice.choice(
            [(TriggerKind.VISIT, "fault_closed"), (TriggerKind.VISIT, "provisioning_done"), (TriggerKind.LEFT, "port_out"),
             (TriggerKind.BACK, "reconnect")]
        )  # fmt: skip
        account_id = self._account()
        due_ms = now_ms + 3 * DAY_MS if kind is TriggerKind.VISIT else 0
        happened = Trigger(f"orders:{self.told}", kind, reason, account_id, f"l{account_id[1:]}", now_ms, due_ms)
        store.follow_triggers([happened, happened])

    def _accept(self) -> None:
        if task := self._task():
            self._note(self._any_store().accept(task.task_id, self._person(task)))

    def _person(self, task: Task) -> Actor:
        return Actor("c-1", Role.CALLER) if task.owner == OUTBOUND else Actor(task.owner, Role.MANAGER)

    def contact(self) -> None:
        if task := self._task():
            self._note(self._any_store().begin_contact(task.task_id, self._person(task)))

    def _record(self) -> None:
        """Whoever began a contact tells how it ended."""
        under_way = self.store.open_tasks(state=TaskState.IN_CONTACT, limit=60)
        mine = [task for task in under_way if task.contact_by]
        if mine:
            task = self.dice.choice(mine)
            actor = Actor(task.contact_by or "", Role.MANAGER if task.owner != OUTBOUND else Role.CALLER)
            self._note(
                self._any_store().record_disposition(task.task_id, actor, self._disposition(), version=task.version)
            )

    def _record_wrongly(self) -> None:
        """By somebody whose it is not, for a task that is not there, for a contact that another has begun."""
        task = self._task()
        store = self._any_store()
        stranger = Actor("m-9", Role.MANAGER)
        outcome = store.record_disposition("nothing", stranger, Disposition.REACHED_SAVED)
        assert isinstance(outcome, Refusal)
        assert outcome.reason is RefusalReason.UNKNOWN_TASK
        if task is not None:
            assert isinstance(store.record_disposition(task.task_id, stranger, Disposition.REACHED_SAVED), Refusal)

    def _snooze(self) -> None:
        if task := self._task():
            until_ms = self.clock.now_ms() + self.dice.randrange(5) * DAY_MS
            self._note(self._any_store().snooze(task.task_id, SUPERVISOR, until_ms))

    def _reassign(self) -> None:
        if task := self._task():
            owner = self.dice.choice((*MANAGERS, OUTBOUND))
            self._note(self._any_store().reassign(task.task_id, SUPERVISOR, owner))

    def lease(self, who: int) -> None:
        queue = self.queues[who]
        queue.move_due()
        for lease in queue.lease(2, 1):
            begun = queue.begin(lease)
            if isinstance(begun, Task):
                self.leases[who].append(lease)
            else:
                self._note(begun)

    def _finish(self, who: int) -> None:
        if self.leases[who]:
            lease = self.leases[who].pop(self.dice.randrange(len(self.leases[who])))
            self._note(self.queues[who].finish(lease, self._disposition()))
            if self.dice.random() < 0.2:
                assert isinstance(self.queues[who].finish(lease, self._disposition()), Refusal), "told twice"

    def _crash(self, who: int) -> None:
        """A dialer forgets what it had in hand; its lease ends and another reports the call lost."""
        for lease in self.leases[who]:
            self.store.lose_attempt(lease.task_id, Actor("d-9", Role.DIALER), lease.attempt)
        self.leases[who].clear()

    def _plan(self, who: int) -> None:
        planner = self.planners[who]
        if planner.plan_day() is None:
            planner.plan_between([task.task_id for task in self.store.open_tasks(limit=20)])

    def _sweep(self, who: int) -> None:
        self.stores[who].close_recovered()
        self.stores[who].escalate_overdue()
        self.sweeps[who].expire()
        self.sweeps[who].end_silent_contacts()
        self.sweeps[who].release_missed()

    def _consent(self) -> None:
        number = self.dice.randrange(self._accounts)
        record = self._customer(number)
        consent = Consent(call=self.dice.random() < 0.8)
        changed = msgspec.structs.replace(record, consent=consent, ts_ms=self.clock.now_ms())
        self.store.directory.put([changed], [], {})
        # Others go on while this is written: consent that was given counts from before, one withdrawn from after.
        since_ms = changed.ts_ms if consent.call else self.clock.now_ms() + 1
        self.known[record.account_id].append(customer_of(msgspec.structs.replace(changed, ts_ms=since_ms)))

    def _number(self) -> None:
        line_id = f"l-{self.dice.randrange(self._accounts)}"
        actor = Actor("s-1", Role.SUPERVISOR)
        if self.dice.random() < 0.5:
            self.store.bar_number(line_id, actor)
        else:
            self.store.allow_number(line_id, actor)

    def _disposition(self) -> Disposition:
        return self.dice.choice(
            [one for one in Disposition if one is not Disposition.OPT_OUT or self.dice.random() < 0.02]
        )
