"""Random interleavings on the pure core: workers, dialers and people who all decide on what they read a while ago.

What the store would refuse when it writes is modelled from the very places and guards that it writes; the same on the real Redis
with the real scripts are tests/contract/test_task_invariants.py and, a hundred thousand times, test_interleavings_on_redis.py.
"""

from collections import defaultdict
from dataclasses import replace
from random import Random

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book, after
from alerts.chain import seal
from alerts.contact import day_of
from alerts.dialing import begin, lose, reserve
from alerts.enforcement import enforce
from alerts.invariants import Auditor
from alerts.moves import SYSTEM, accept, expire, reassign, record, recover, release, snooze
from alerts.rules import Rules, read_rules
from alerts.store.keys import Keys
from alerts.store.layout import guards, places
from alerts.store.ledger import _joined
from alerts.tasks import OUTBOUND, Actor, Customer, Refusal, Role, Slot, Task, TaskEvent, TaskEventKind, TaskState
from alerts.trigger_admission import follow
from alerts.triggers import Trigger, TriggerKind
from pipeline.events import Disposition, Level
from tests.fakes.alert_records import DAY_MS, HOUR_MS, NOON_MS, SUPERVISOR, customer, signal, warning

ACCOUNTS = tuple(f"a-{number}" for number in range(6))
SIGNALS = ("silence", "complaint", "spend_drop", "port_code_issued")
STEPS = 10_000
DIALERS = (Actor("d-0", Role.DIALER), Actor("d-1", Role.DIALER))
KEYS = Keys("model")


def tight_rules() -> Rules:
    rules = read_rules()
    capacity = rules.capacity
    manager = msgspec.structs.replace(capacity.manager, contacts_per_day=1)
    outbound = msgspec.structs.replace(capacity.outbound, contacts_per_day=2)
    return replace(rules, capacity=msgspec.structs.replace(capacity, manager=manager, outbound=outbound))


RULES = tight_rules()
POLICY = RULES.tasks


class World:
    """Books as a store would keep them: events are taken only if they were decided on the latest book and all guards hold."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now_ms = NOON_MS
        self.books = {account_id: Book(account_id) for account_id in ACCOUNTS}
        self.customers = {account_id: self.customer(account_id) for account_id in ACCOUNTS}
        self.known = {account_id: [whose] for account_id, whose in self.customers.items()}
        self.read_by = {who: dict(self.books) for who in range(4)}
        self.auditor = Auditor(self.known, RULES)
        self.rooms: dict[str, set[str]] = defaultdict(set)
        self.barred: set[str] = set()
        self.created: set[str] = set()
        self.ended: set[str] = set()
        self.warnings = self.moved_on = self.no_room = self.planned = 0

    def customer(self, account_id: str, *, call: bool = True) -> Customer:
        managed = (
            {"segment": "business", "manager_id": "m-1", "deputy_id": "m-2"} if account_id in ACCOUNTS[::2] else {}
        )
        return customer(account_id, call=call, ts_ms=self.now_ms, **managed)

    def write(self, decided_on: Book, moves: list[TaskEvent]) -> None:
        """All of them or none, as the script does."""
        latest = self.books[decided_on.account_id]
        if latest.seq != decided_on.seq:
            self.moved_on += 1
            return
        events, wanted, changes = [], [], []
        book = latest
        for move in [*moves, None]:
            drafts = [move] if move is not None else enforce(book, RULES.law, POLICY, self.now_ms)
            for draft in drafts:
                event = seal(draft, book.seq, book.hash)
                before = book.task(event.task.task_id) if event.task else None
                wanted += guards(KEYS, before, event, POLICY, RULES.capacity)
                changes.append((before, event.task))
                book = after(book, event)
                events.append(event)
        if not self.holds(wanted):
            self.no_room += 1
            return
        self.books[decided_on.account_id] = book
        for before, task in changes:
            self.place(before, task)
        for event in events:
            self.see(event)

    def holds(self, wanted: list[list[str | int]]) -> bool:
        for guard in _joined(wanted):
            if guard[0] == "room" and len(self.rooms[str(guard[1])]) + int(guard[2]) > int(guard[3]):
                return False
            if guard[0] == "absent" and guard[2] in self.barred:
                return False
        return True

    def place(self, before: Task | None, task: Task | None) -> None:
        if task is None:
            return
        for key, member in places(KEYS, before, POLICY):
            if ":capacity:" in key:
                self.rooms[key].discard(member)
        for key, member in places(KEYS, task, POLICY):
            if ":capacity:" in key:
                self.rooms[key].add(member)

    def see(self, event: TaskEvent) -> None:
        self.auditor.see(event)
        if event.task is not None:
            self.created.add(event.task.task_id)
            self.ended |= set() if event.task.open else {event.task.task_id}
        self.planned += event.kind is TaskEventKind.PLANNED
        if event.disposition is Disposition.OPT_OUT and event.line_id:
            self.barred.add(event.line_id)

    def step(self) -> None:
        who = self.dice.randrange(4)
        account_id = self.dice.choice(ACCOUNTS)
        if self.dice.random() < 0.6:
            self.read_by[who][account_id] = self.books[account_id]
        book = self.read_by[who][account_id]
        if self.dice.random() < 0.3:
            self.warn(book)
        elif book.open:
            task = self.dice.choice(list(book.open.values()))
            move = self.move(book, task, DIALERS[who % 2])
            if isinstance(move, TaskEvent):
                self.write(book, [RULES.clocks.kept(task, move)])
        if self.dice.random() < 0.25:
            self.now_ms += self.dice.choice((HOUR_MS // 4, HOUR_MS, 6 * HOUR_MS))
        if self.dice.random() < 0.002:
            changed = self.customer(account_id, call=self.dice.random() < 0.7)
            self.customers[account_id] = changed
            self.known[account_id].append(changed)

    def warn(self, book: Book) -> None:
        self.warnings += 1
        account_id, line_id = book.account_id, f"l{book.account_id[1:]}"
        whose = self.customers[account_id]
        if self.dice.random() < 0.15:
            kind = self.dice.choice(list(TriggerKind))
            reason = {TriggerKind.VISIT: "fault_closed", TriggerKind.LEFT: "port_out", TriggerKind.BACK: "reconnect"}[
                kind
            ]
            due_ms = self.now_ms + 3 * DAY_MS
            happened = Trigger(f"o:{self.warnings}", kind, reason, account_id, line_id, self.now_ms, due_ms)
            self.write(book, follow(book, happened, whose, RULES, self.now_ms))
            return
        told = warning(
            f"w-{self.warnings}", signal(self.dice.choice(SIGNALS)), account_id=account_id, line_id=line_id,
            ts_ms=self.now_ms, level=self.dice.choice(list(Level)),
        )  # fmt: skip
        self.write(book, [admit(book, told, whose, RULES, self.now_ms)])

    def move(self, book: Book, task: Task, dialer: Actor) -> TaskEvent | Refusal:
        whose: Customer = self.customers[book.account_id]
        disposition = self.dice.choice(
            [one for one in Disposition if one is not Disposition.OPT_OUT or self.dice.random() < 0.005]
        )
        attempt = task.attempts + 1
        person = Actor(task.contact_by or task.owner, Role.CALLER if task.owner == OUTBOUND else Role.MANAGER)
        choice = self.dice.randrange(14)
        if task.state is TaskState.IN_CONTACT:
            teller = dialer if task.contact_by is None else person
            told = record(task, teller, disposition, "", self.now_ms, POLICY, attempt)
            return lose(task, dialer, attempt, self.now_ms) if choice == 0 else told
        if choice < 4:
            return begin(book, task, dialer, attempt, whose, RULES, self.now_ms)
        if choice < 6:
            return begin(book, task, person, attempt, whose, RULES, self.now_ms)
        at_ms = self.now_ms + self.dice.randrange(6) * HOUR_MS
        owner = self.dice.choice((task.owner, "m-2", OUTBOUND if task.owner == OUTBOUND else "m-1"))
        slot = Slot(owner, day_of(at_ms, RULES.law), at_ms, attempt, 1.0)
        moves = {
            6: reserve(book, task, slot, SYSTEM, whose, RULES, self.now_ms),
            7: reserve(book, task, slot, SYSTEM, whose, RULES, self.now_ms),
            8: accept(task, SUPERVISOR, self.now_ms),
            9: snooze(task, SUPERVISOR, self.now_ms + DAY_MS, self.now_ms),
            10: reassign(task, SUPERVISOR, self.dice.choice(("m-1", OUTBOUND)), self.now_ms),
            11: recover(task, self.now_ms, POLICY) if self.dice.random() < 0.3 else release(task, self.now_ms),
            12: RULES.clocks.escalate(task, self.now_ms),
            13: expire(task, self.now_ms, POLICY),
        }
        return moves[choice]

    def finish(self) -> None:
        """No more warnings: contacts under way are lost, everything else runs out."""
        self.now_ms += 90 * DAY_MS
        for account_id in ACCOUNTS:
            for group in list(self.books[account_id].open):
                task = self.books[account_id].open[group]
                if task.state is TaskState.IN_CONTACT:
                    lost = lose(task, DIALERS[0], task.attempts + 1, self.now_ms)
                    assert isinstance(lost, TaskEvent)
                    self.write(self.books[account_id], [lost])
                ended = expire(self.books[account_id].open[group], self.now_ms + 90 * DAY_MS, POLICY)
                assert isinstance(ended, TaskEvent)
                self.write(self.books[account_id], [ended])


@pytest.mark.parametrize("seed", range(2))
def test_twenty_thousand_steps_break_no_rule_and_every_task_ends(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.finish()
    found = world.auditor.result()
    assert found.total == 0, found.examples
    assert all(not book.open for book in world.books.values())
    assert world.ended == world.created
    taken = {member.rpartition(":")[0] for members in world.rooms.values() for member in members}
    assert taken <= world.ended
    assert min(world.moved_on, world.no_room, world.planned, found.contacts) > 20


def test_a_rule_broken_on_purpose_is_noticed() -> None:
    world = World(0)
    dialled: list[TaskEvent] = []
    see = world.see

    def listen(event: TaskEvent) -> None:
        see(event)
        dialled.append(event)

    world.see = listen  # type: ignore[method-assign]  # the same, and heard
    for _ in range(2000):
        world.step()
    started = next(event for event in dialled if event.kind is TaskEventKind.DIAL_STARTED)
    auditor = Auditor(world.known, RULES)
    auditor.see(started)
    auditor.see(msgspec.structs.replace(started, event_id="again"))
    broken = auditor.result().broken
    assert broken["caps"] > 0
    assert broken["attempts"] > 0
