"""Tasks in Redis: the one place through which the tasks process, the console and the dialer read and change them.

Every change is decided by pure code on the account's book and written in one atomic step together with its event, which
waits in the outbox for Kafka. Redis errors propagate: then either all of a change happened or nothing of it, and a
repeat is harmless.
"""

from collections.abc import Callable, Sequence

import msgspec
import redis

from alerts import dialing, moves
from alerts.book import Book
from alerts.clock import Clock
from alerts.contact import day_ends_ms, day_of
from alerts.crisis import Place
from alerts.enforcement import enforce
from alerts.law import lawful_view
from alerts.rules import Rules, read_rules
from alerts.store.directory import Directory
from alerts.store.happenings import Happenings
from alerts.store.inbox import Inbox
from alerts.store.intake import ATTEMPTS_MAX, Intake
from alerts.store.keys import Keys
from alerts.store.layout import stale_at_ms
from alerts.store.ledger import Answer, Append, Draft, Ledger
from alerts.store.measured import Measured
from alerts.store.outbox import Outbox
from alerts.task_counts import Counts, OwnerCounts
from alerts.tasks import (
    OUTBOUND,
    Actor,
    Customer,
    Refusal,
    RefusalReason,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from alerts.triggers import Trigger
from pipeline.events import ChurnWarning, Disposition
from pipeline.line_views import LineView

SWEEP_LIMIT = 500

Decision = Callable[[Book, Task], TaskEvent | Refusal]


class TaskStore:
    """Read and change tasks.

    Args:
        client: a Redis client with decoded responses that repeats no command by itself.
        prefix: of all keys, the same for all processes of one installation.
        clock: what time it is for due times and events.
        rules: what decides; by default the shipped files with the law pack of China.
    """

    def __init__(self, client: redis.Redis, prefix: str, clock: Clock, rules: Rules | None = None) -> None:
        self.rules = rules or read_rules()
        self.policy = self.rules.tasks
        self.clock = clock
        self.keys = Keys(prefix)
        self.ledger = Ledger(client, self.keys, self.policy, self.rules.capacity)
        self.directory = Directory(client, self.keys)
        self.measured = Measured(client, self.keys, self.rules.value.bandwidth_products)
        self.happenings = Happenings(client, self.keys)
        self.outbox = Outbox(client, self.keys)
        self.intake = Intake(client, self.keys, self.ledger, self.directory, self.rules, clock)
        self._inbox = Inbox(client, self.keys, self.ledger)
        self._redis = client

    # Reading

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def day_of(self, at_ms: int) -> str:
        """The country's day of the calendar, as "2026-03-03"."""
        return day_of(at_ms, self.rules.law)

    def get(self, task_id: str) -> Task | None:
        return self.ledger.tasks([task_id]).get(task_id)

    def open_tasks(
        self, owner: str | None = None, state: TaskState | None = None, limit: int = 50, offset: int = 0
    ) -> list[Task]:
        """Most urgent first: by level, then score."""
        return self._inbox.open_tasks(owner, state, limit, offset)

    def count_open(self, owner: str | None = None, state: TaskState | None = None) -> int:
        return self._inbox.count_open(owner, state)

    def closed_tasks(self, owner: str | None = None, limit: int = 50, offset: int = 0) -> list[Task]:
        """Latest first."""
        return self._inbox.closed_tasks(owner, limit, offset)

    def count_closed(self, owner: str | None = None) -> int:
        return self._inbox.count_closed(owner)

    def tasks_of(self, account_id: str) -> list[Task]:
        """The account's tasks, open ones first, at most 50."""
        return self._inbox.tasks_of(account_id)

    def incidents_of(self, region: str) -> list[Task]:
        """Incidents of many customers of this region, open ones first."""
        return self._inbox.tasks_of_all([Place(region, group.name).account_id for group in self.policy.groups.order])

    def customer(self, account_id: str) -> Customer | None:
        known = self.directory.customers([account_id]).get(account_id)
        if known is None:
            return None
        return msgspec.structs.replace(known, opted_out=self.ledger.book(account_id).opted_out)

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """Those of them that the directory knows, for a list; `opted_out` is not looked up."""
        return self.directory.customers(account_ids)

    def line_views(self, line_ids: Sequence[str]) -> dict[str, LineView]:
        """Views as far as the law lets us use them for their customers."""
        views = self.directory.line_views(line_ids)
        whose = self.directory.customers(list({view.account_id: None for view in views.values()}))
        lawful = {
            line_id: lawful_view(view, whose.get(view.account_id), self.rules.law) for line_id, view in views.items()
        }
        return {line_id: view for line_id, view in lawful.items() if view is not None}

    def line_view(self, line_id: str) -> LineView | None:
        return self.line_views([line_id]).get(line_id)

    def lines_of(self, account_id: str) -> list[str]:
        return self.directory.lines_of(account_id)

    def counts(self) -> Counts:
        return self._inbox.counts(self.now_ms())

    def owners(self) -> list[OwnerCounts]:
        """Everybody who ever had a task, by name."""
        return self._inbox.owners()

    # Changing

    def accept(self, task_id: str, actor: Actor, version: int | None = None) -> Task | Refusal:
        return self.change(task_id, version, lambda _, task: moves.accept(task, actor, self.now_ms()))

    def record_disposition(
        self,
        task_id: str,
        actor: Actor,
        disposition: Disposition,
        note: str = "",
        version: int | None = None,
        attempt: int | None = None,
    ) -> Task | Refusal:
        """How a contact ended; it becomes an outcome that the workers learn from. `attempt`: see `moves.record`."""
        return self.change(
            task_id,
            version,
            lambda _, task: moves.record(task, actor, disposition, note, self.now_ms(), self.policy, attempt),
        )

    def add_note(self, task_id: str, actor: Actor, text: str, version: int | None = None) -> Task | Refusal:
        return self.change(task_id, version, lambda _, task: moves.add_note(task, actor, text, self.now_ms()))

    def snooze(self, task_id: str, actor: Actor, until_ms: int, version: int | None = None) -> Task | Refusal:
        return self.change(task_id, version, lambda _, task: moves.snooze(task, actor, until_ms, self.now_ms()))

    def reassign(self, task_id: str, actor: Actor, owner: str, version: int | None = None) -> Task | Refusal:
        return self.change(task_id, version, lambda _, task: moves.reassign(task, actor, owner, self.now_ms()))

    def escalate(self, task_id: str, actor: Actor, why: str, version: int | None = None) -> Task | Refusal:
        """To a supervisor now, by the chain that its clock would take; see `Clocks.raise_now`."""
        clocks = self.rules.clocks
        return self.change(task_id, version, lambda _, task: clocks.raise_now(task, actor, why, self.now_ms()))

    def begin_contact(self, task_id: str, actor: Actor, version: int | None = None) -> Task | Refusal:
        """A person contacts the customer now: consent, hours and caps are checked, and it counts from this moment."""
        return self.change(task_id, version, lambda book, task: self._begin(book, task, actor, task.attempts + 1))

    def begin_dial(self, task_id: str, actor: Actor, attempt: int) -> Task | Refusal:
        """Mark the call as begun; only then may it ring. A call nobody may ever make closes its task."""
        begun = self.change(task_id, None, lambda book, task: self._begin(book, task, actor, attempt))
        if isinstance(begun, Refusal) and begun.reason in dialing.NEVER and begun.task is not None:
            reason = begun.reason
            self.change(task_id, None, lambda _, task: moves.forbid(task, reason, self.now_ms(), self.policy))
        return begun

    def lose_attempt(self, task_id: str, actor: Actor, attempt: int) -> Task | Refusal:
        return self.change(task_id, None, lambda _, task: dialing.lose(task, actor, attempt, self.now_ms()))

    def admit_warnings(self, warnings: Sequence[ChurnWarning]) -> list[TaskEvent]:
        """Turn warnings into tasks, evidence or logged refusals; those handled before are passed over.

        Returns the events written. Moves the clock to the newest warning.
        """
        return self.intake.warnings(warnings)

    def follow_triggers(self, triggers: Sequence[Trigger]) -> list[TaskEvent]:
        """Make return visits and win-backs of what happened, and end what it ended; the same twice is passed over."""
        return self.intake.triggers(triggers)

    def bar_number(self, line_id: str, actor: Actor, note: str = "") -> bool:
        """From now on nobody calls this number, whoever's account it belongs to; False: it was barred already.

        What waits in the call queue for it ends at once.
        """
        barred = self._number(line_id, actor, note, TaskEventKind.NUMBER_BARRED)
        for task in self._inbox.all_open(OUTBOUND):
            if task.line_id == line_id:
                self.change(task.task_id, None, lambda _, now: self._uncalled(now))
        return barred

    def allow_number(self, line_id: str, actor: Actor, note: str = "") -> bool:
        """The number may be called again; False: it was not barred."""
        return self._number(line_id, actor, note, TaskEventKind.NUMBER_ALLOWED)

    def number_barred(self, line_id: str) -> bool:
        return bool(self._redis.sismember(self.keys.barred_numbers, line_id))

    def close_recovered(self) -> list[Task]:
        """Close the tasks whose reason nothing has spoken for since their group's `stale_days`."""
        now_ms = self.now_ms()
        stale = self._inbox.stale(now_ms, SWEEP_LIMIT)
        closed = []
        for task in stale:
            # A task about a whole account names no line: any line of it may still show the reason.
            views = self.line_views(task.line_ids or self.directory.lines_of(task.account_id)).values()
            seen_ms = max((view.ts_ms for view in views if self._speaks_for(view, task)), default=0)
            stale_ms = stale_at_ms(task, max(seen_ms, task.refreshed_ms), self.policy)
            if stale_ms > now_ms:
                self._redis.zadd(self.keys.stale, {task.task_id: stale_ms}, xx=True)
                continue
            outcome = self.change(task.task_id, task.version, lambda _, now: moves.recover(now, now_ms, self.policy))
            if isinstance(outcome, Task):
                closed.append(outcome)
        return closed

    def escalate_overdue(self) -> list[Task]:
        """Take the next step of the chain for every task whose clock has run out; returns these tasks."""
        now_ms = self.now_ms()
        escalated = []
        for task in self._inbox.to_escalate(now_ms, SWEEP_LIMIT):
            outcome = self.change(task.task_id, None, lambda _, now: self.rules.clocks.escalate(now, now_ms))
            if isinstance(outcome, Task):
                escalated.append(outcome)
        return escalated

    def _speaks_for(self, view: LineView, task: Task) -> bool:
        """Whether a signal of the task's reason is still on."""
        return any(self.policy.group_of([signal]).name == task.reason_group for signal in view.active_signals)

    def forget_old_warnings(self) -> int:
        """Drop warning ids older than `seen_days`; returns how many."""
        oldest_ms = self.now_ms() - int(self.policy.seen_days * 86_400_000)
        return int(self._redis.zremrangebyscore(self.keys.seen, "-inf", oldest_ms))

    def _number(self, line_id: str, actor: Actor, note: str, kind: TaskEventKind) -> bool:
        """One chain of events a number, beside those of the accounts."""
        draft = TaskEvent(
            account_id=f"number:{line_id}", ts_ms=self.now_ms(), kind=kind, actor=actor.name, role=actor.role,
            line_id=line_id, note=note or None,
        )  # fmt: skip
        for _ in range(ATTEMPTS_MAX):
            book = self.ledger.book(draft.account_id)
            if self.number_barred(line_id) == (kind is TaskEventKind.NUMBER_BARRED):
                return False
            if self.ledger.append([self.ledger.seal(book, [settled(draft)])])[0] is Answer.APPLIED:
                return True
        raise redis.RedisError("a number met other changes too often; try again")

    def _uncalled(self, task: Task) -> TaskEvent | Refusal:
        if task.state is TaskState.IN_CONTACT:
            return Refusal(RefusalReason.WRONG_STATE, task)
        return moves.forbid(task, RefusalReason.DO_NOT_CALL, self.now_ms(), self.policy)

    def _begin(self, book: Book, task: Task, actor: Actor, attempt: int) -> TaskEvent | Refusal:
        customer = self.directory.customers([task.account_id]).get(task.account_id)
        return dialing.begin(book, task, actor, attempt, customer, self.rules, self.now_ms())

    def change(self, task_id: str, version: int | None, decide: Decision) -> Task | Refusal:
        """Decide on the latest state and write it; decide again whenever the account has moved on meanwhile."""
        for _ in range(ATTEMPTS_MAX):
            known = self.get(task_id)
            if known is None:
                return Refusal(RefusalReason.UNKNOWN_TASK)
            # What is read after the book is at least as new: had it changed since, the append would fail.
            book = self.ledger.book(known.account_id)
            task = book.task(task_id) or self.ledger.tasks([task_id])[task_id]
            if version is not None and version != task.version:
                return Refusal(RefusalReason.STALE_VERSION, task)
            move = decide(book, task)
            if isinstance(move, Refusal):
                return move
            timed = self.rules.clocks.kept(task, move)
            drafts: list[Draft] = [settled(timed), lambda latest: self._lawful(latest, self.now_ms())]
            made = self.ledger.seal(book, drafts)
            answer = self.ledger.append([made])[0]
            if answer is Answer.APPLIED:
                return _latest(made, task)
            if answer is Answer.NO_ROOM:
                return Refusal(RefusalReason.CAPACITY_FULL, task, day_ends_ms(self.now_ms(), self.rules.law))
            if answer is Answer.BARRED:
                return Refusal(RefusalReason.DO_NOT_CALL, task)
            if answer is Answer.NO_CONSENT:
                return Refusal(RefusalReason.NO_CONSENT, task)
            if answer is Answer.OVER_BUDGET:
                return Refusal(RefusalReason.OVER_BUDGET, task)
        return Refusal(RefusalReason.BUSY, self.get(task_id))

    def _lawful(self, book: Book, now_ms: int) -> list[TaskEvent]:
        """What the law makes of the account's other tasks after a change."""
        return enforce(book, self.rules.law, self.policy, now_ms)


def settled(move: TaskEvent) -> Draft:
    """What has been decided already."""
    return lambda _: [move]


def _latest(made: Append, task: Task) -> Task:
    """The task as the last of these events left it."""
    return next(
        event.task for event in reversed(made.events) if event.task is not None and event.task.task_id == task.task_id
    )
