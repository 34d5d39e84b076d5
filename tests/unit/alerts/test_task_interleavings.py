"""Random interleavings on the pure core: workers, dialers and people who all decide on what they read a while ago."""

from collections import defaultdict
from random import Random

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book, after
from alerts.chain import seal, verify
from alerts.dialing import begin, lose
from alerts.enforcement import enforce
from alerts.law import exhausted
from alerts.moves import accept, reassign, record, recover, snooze
from alerts.rules import read_rules
from alerts.tasks import OUTBOUND, Actor, Customer, Refusal, Role, Task, TaskEvent, TaskEventKind, TaskState
from pipeline.events import Disposition, Level
from tests.fakes.alert_records import DAY_MS, HOUR_MS, NOON_MS, SUPERVISOR, customer, signal, warning

RULES = read_rules()
POLICY = RULES.tasks
ACCOUNTS = ("a-0", "a-1", "a-2", "a-3")
SIGNALS = ("silence", "complaint", "spend_drop", "port_code_issued")
STEPS = 25_000
DIALERS = (Actor("d-0", Role.DIALER), Actor("d-1", Role.DIALER))


class World:
    """Books as a store would keep them: an event is taken only if it was decided on the latest one."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now_ms = NOON_MS
        self.books = {account_id: Book(account_id) for account_id in ACCOUNTS}
        self.customers = {account_id: customer(account_id) for account_id in ACCOUNTS}
        self.read_by = {who: dict(self.books) for who in range(4)}
        self.events: list[TaskEvent] = []
        self.rung: set[str] = set()
        self.warnings = 0
        self.refused_writes = 0

    def write(self, decided_on: Book, move: TaskEvent | Refusal) -> None:
        if isinstance(move, Refusal):
            return
        latest = self.books[move.account_id]
        if latest.seq != decided_on.seq:
            self.refused_writes += 1
            return
        task = latest.task(move.task_id or "")
        self.append(RULES.clocks.kept(task, move) if task is not None else move)
        for following in enforce(self.books[move.account_id], RULES.law, POLICY, self.now_ms):
            self.append(following)

    def append(self, move: TaskEvent) -> None:
        latest = self.books[move.account_id]
        event = seal(move, latest.seq, latest.hash)
        self.check(latest, event)
        self.books[move.account_id] = after(latest, event)
        self.events.append(event)

    def check(self, before: Book, event: TaskEvent) -> None:
        """What must hold at this very moment, counted anew from the log's own fields."""
        if event.kind is TaskEventKind.CREATED and event.task is not None:
            assert event.task.reason_group not in before.open
        if event.kind is TaskEventKind.DIAL_STARTED and event.task is not None:
            who = self.customers[event.account_id]
            call = f"{event.task_id}:{event.attempt}"
            assert call not in self.rung
            self.rung.add(call)
            assert who.may_call
            assert not before.opted_out
            assert 9 <= (event.ts_ms // HOUR_MS) % 24 < 20
            assert exhausted(before.restraints, event.task.line_ids, event.ts_ms) is None or (
                before.open[event.task.reason_group].disposition is Disposition.REACHED_CALLBACK
            )
            assert all(task.dialing_line_id != event.task.dialing_line_id for task in before.open.values())

    def step(self) -> None:
        who = self.dice.randrange(4)
        account_id = self.dice.choice(ACCOUNTS)
        if self.dice.random() < 0.6:
            self.read_by[who][account_id] = self.books[account_id]
        book = self.read_by[who][account_id]
        if self.dice.random() < 0.35:
            self.warn(book)
        elif book.open:
            task = self.dice.choice(list(book.open.values()))
            self.write(book, self.move(book, task, DIALERS[who % 2]))
        if self.dice.random() < 0.2:
            self.now_ms += self.dice.choice((HOUR_MS // 4, HOUR_MS, 6 * HOUR_MS))
        if self.dice.random() < 0.002:
            allowed = msgspec.structs.replace(self.customers[account_id], may_call=self.dice.random() < 0.7)
            self.customers[account_id] = allowed

    def warn(self, book: Book) -> None:
        self.warnings += 1
        level = self.dice.choice(list(Level))
        told = warning(
            f"w-{self.warnings}",
            signal(self.dice.choice(SIGNALS)),
            account_id=book.account_id,
            ts_ms=self.now_ms,
            level=level,
        )
        self.write(book, admit(book, told, self.customers[book.account_id], RULES, self.now_ms))

    def move(self, book: Book, task: Task, dialer: Actor) -> TaskEvent | Refusal:
        whose: Customer = self.customers[book.account_id]
        disposition = self.dice.choice(
            [one for one in Disposition if one is not Disposition.OPT_OUT or self.dice.random() < 0.02]
        )
        attempt = task.attempts + 1
        choice = self.dice.randrange(11)
        if task.state is TaskState.IN_CONTACT:
            told = record(task, dialer, disposition, "", self.now_ms, POLICY, attempt)
            return lose(task, dialer, attempt, self.now_ms) if choice == 0 else told
        if choice < 5:
            return begin(book, task, dialer, attempt, whose, RULES, self.now_ms)
        moves = {
            5: accept(task, SUPERVISOR, self.now_ms),
            6: record(task, SUPERVISOR, disposition, "", self.now_ms, POLICY),
            7: snooze(task, SUPERVISOR, self.now_ms + DAY_MS, self.now_ms),
            8: reassign(task, SUPERVISOR, self.dice.choice(("m-1", OUTBOUND)), self.now_ms),
            9: recover(task, self.now_ms, POLICY),
            10: RULES.clocks.escalate(task, self.now_ms),
        }
        return moves[choice]

    def finish(self) -> None:
        """No more warnings: calls under way are lost, everything else recovers."""
        self.now_ms += 30 * DAY_MS
        for account_id in ACCOUNTS:
            for group in list(self.books[account_id].open):
                book = self.books[account_id]
                task = book.open[group]
                if task.state is TaskState.IN_CONTACT:
                    self.write(book, lose(task, DIALERS[0], task.attempts + 1, self.now_ms))
                book = self.books[account_id]
                self.write(book, recover(book.open[group], self.now_ms, POLICY))


def caps_broken(events: list[TaskEvent]) -> list[str]:
    """Calls of the dialers that stood beyond a cap, counted from the log alone. Asked-for callbacks may."""
    contacts: dict[str, list[int]] = defaultdict(list)
    asked: dict[str, bool] = {}
    broken = []
    for event in events:
        made = contacts[event.account_id]
        if event.kind is TaskEventKind.DIAL_STARTED:
            for days, cap in ((1, 1), (7, 3), (30, 6)):
                recent = [at for at in made if at > event.ts_ms - days * DAY_MS]
                if len(recent) >= cap and not asked.get(event.task_id or ""):
                    broken.append(f"{event.task_id} at {event.ts_ms}: {len(recent)} in {days} days")
            made.append(event.ts_ms)
        elif event.disposition is not None:
            asked[event.task_id or ""] = event.disposition is Disposition.REACHED_CALLBACK
            if event.role is not Role.DIALER and event.disposition is not Disposition.NOT_TRIED:
                made.append(event.ts_ms)
    return broken


@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_thousand_steps_break_no_rule_and_every_task_ends(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.finish()
    assert all(not book.open for book in world.books.values())
    verify(world.events)
    assert caps_broken(world.events) == []
    assert world.refused_writes > 100
    assert len(world.rung) > 20
    ended = {event.task_id for event in world.events if event.task is not None and not event.task.open}
    assert ended == {event.task_id for event in world.events if event.kind is TaskEventKind.CREATED}


def test_a_rule_broken_on_purpose_is_noticed() -> None:
    world = World(0)
    for _ in range(2000):
        world.step()
    started = next(event for event in world.events if event.kind is TaskEventKind.DIAL_STARTED)
    assert caps_broken([started, started]) != []
