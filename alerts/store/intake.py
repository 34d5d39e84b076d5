"""What comes in becomes tasks: warnings and happenings, each handled once, a batch of accounts at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import redis

from alerts.admission import admit
from alerts.book import Book
from alerts.clock import Clock
from alerts.crisis import DAYS_BEFORE, Flow, Place, Surges, incident
from alerts.enforcement import enforce
from alerts.policy import DAY_MS
from alerts.rules import Rules
from alerts.store.directory import Directory
from alerts.store.keys import Keys
from alerts.store.ledger import Answer, Draft, Ledger
from alerts.tasks import OUTBOUND, Customer, RefusalReason, TaskEvent, TaskEventKind
from alerts.trigger_admission import follow
from alerts.triggers import Trigger
from pipeline.events import ChurnWarning

#: So often a change is decided anew when somebody else was quicker.
ATTEMPTS_MAX = 20
MINUTE_MS = 60_000


class Batch(NamedTuple):
    """What is looked up once for all items of a batch. `barred`: those of their lines that must not be called."""

    surges: Surges
    barred: frozenset[str]


Decide = Callable[[Book, Customer | None, Batch, int], Sequence[TaskEvent]]


class Item(NamedTuple):
    """Something to be handled once. `cause`: its id, kept among those seen."""

    cause: str
    account_id: str
    line_id: str | None
    ts_ms: int
    decide: Decide


class Intake:
    """Admits what was not seen before."""

    def __init__(
        self, client: redis.Redis, keys: Keys, ledger: Ledger, directory: Directory, rules: Rules, clock: Clock
    ) -> None:
        self._redis = client
        self._keys = keys
        self._ledger = ledger
        self._directory = directory
        self._rules = rules
        self._clock = clock

    def warnings(self, warnings: Iterable[ChurnWarning]) -> list[TaskEvent]:
        """Turn warnings into tasks, evidence or logged refusals; returns the events written."""
        return self._take([self._of_warning(warning) for warning in warnings])

    def triggers(self, triggers: Iterable[Trigger]) -> list[TaskEvent]:
        """Follow what happened to customers; returns the events written."""
        return self._take([self._of_trigger(trigger) for trigger in triggers])

    def _of_warning(self, warning: ChurnWarning) -> Item:
        def decide(book: Book, customer: Customer | None, batch: Batch, now_ms: int) -> Sequence[TaskEvent]:
            event = callable_only(admit(book, warning, customer, self._rules, now_ms), batch.barred)
            return [batch.surges.judged(event, customer)]

        return Item(warning.warning_id, warning.account_id, warning.line_id, warning.ts_ms, decide)

    def _of_trigger(self, trigger: Trigger) -> Item:
        def decide(book: Book, customer: Customer | None, batch: Batch, now_ms: int) -> Sequence[TaskEvent]:
            events = follow(book, trigger, customer, self._rules, now_ms)
            return [callable_only(event, batch.barred) for event in events]

        return Item(trigger.cause, trigger.account_id, trigger.line_id, trigger.ts_ms, decide)

    def _take(self, items: Sequence[Item]) -> list[TaskEvent]:
        events: list[TaskEvent] = []
        waiting = list(items)
        for _ in range(ATTEMPTS_MAX):
            if not waiting:
                break
            written, waiting = self._take_once(waiting)
            events += written
        if waiting:
            raise redis.RedisError(
                f"{len(waiting)} records met other changes {ATTEMPTS_MAX} times over; trying again later"
            )
        self._clock.advance(max((item.ts_ms for item in items), default=0))
        return events

    def _take_once(self, items: Sequence[Item]) -> tuple[list[TaskEvent], list[Item]]:
        """One pass over a batch: what was written, and the items of accounts that moved on meanwhile."""
        # Books before seen ids: whoever writes in between moves a book on, and that account is done again.
        books = self._ledger.books(list({item.account_id: None for item in items}))
        by_account = self._unseen(items)
        customers = self._directory.customers(list(by_account))
        surges = Surges(self._rules.tasks.crisis, self._flows(customers.values(), items))
        batch = Batch(surges, self._barred(items))
        appends = [
            self._ledger.seal(books[account_id], self._drafts(customers.get(account_id), own, batch))
            for account_id, own in by_account.items()
        ]
        done = self._ledger.append(appends) if appends else []
        written = [
            event
            for made, answer in zip(appends, done, strict=True)
            if answer is Answer.APPLIED
            for event in made.events
        ]
        lost = [
            made.start.account_id for made, answer in zip(appends, done, strict=True) if answer is not Answer.APPLIED
        ]
        written += self._incidents(surges, max((item.ts_ms for item in items), default=0))
        return written, [item for account_id in lost for item in by_account[account_id]]

    def _drafts(self, customer: Customer | None, items: Sequence[Item], batch: Batch) -> Iterable[Draft]:
        for item in items:
            now_ms = self._clock.at(item.ts_ms)
            yield partial(_decided, item, customer, batch, now_ms)
            yield partial(self._lawful, now_ms=now_ms)

    def _lawful(self, book: Book, now_ms: int) -> Sequence[TaskEvent]:
        """What the law makes of the account's other tasks after a change."""
        return enforce(book, self._rules.law, self._rules.tasks, now_ms)

    def _unseen(self, items: Sequence[Item]) -> dict[str, list[Item]]:
        """Items not handled before, each cause once, by account."""
        unique = list({item.cause: item for item in reversed(items)}.values())[::-1]
        times: list[float | None] = self._redis.zmscore(self._keys.seen, [item.cause for item in unique])
        by_account: dict[str, list[Item]] = {}
        for item, seen_ms in zip(unique, times, strict=True):
            if seen_ms is None:
                by_account.setdefault(item.account_id, []).append(item)
        return by_account

    def _barred(self, items: Sequence[Item]) -> frozenset[str]:
        lines = list({item.line_id: None for item in items if item.line_id})
        if not lines:
            return frozenset()
        flags = self._redis.smismember(self._keys.barred_numbers, lines)
        return frozenset(line_id for line_id, flag in zip(lines, flags, strict=True) if flag)

    def _flows(self, customers: Iterable[Customer], items: Sequence[Item]) -> dict[Place, Flow]:
        """How many tasks were made lately where this batch could make more."""
        policy = self._rules.tasks.crisis
        regions = Counter(customer.region for customer in customers if customer.region)
        places = [Place(region, group) for region in sorted(regions) for group in policy.groups]
        if not places:
            return {}
        now_ms = self._clock.at(max(item.ts_ms for item in items))
        window_ms = int(policy.window_minutes * MINUTE_MS)
        ends = [now_ms - day * DAY_MS for day in range(DAYS_BEFORE + 1)]
        pipe = self._redis.pipeline(transaction=False)
        for place in places:
            for end_ms in ends:
                pipe.zcount(self._keys.surge(*place), f"({end_ms - window_ms}", end_ms)
        counts = [int(count) for count in pipe.execute()]
        rows = [counts[at : at + len(ends)] for at in range(0, len(counts), len(ends))]
        return {place: Flow(row[0], row[1:]) for place, row in zip(places, rows, strict=True)}

    def _incidents(self, surges: Surges, ts_ms: int) -> list[TaskEvent]:
        """Tell each incident how many customers it is about; a lost race is told again with the next batch."""
        written: list[TaskEvent] = []
        now_ms = self._clock.at(ts_ms)
        for place in surges.held_back:
            book = self._ledger.book(place.account_id)
            made = self._ledger.seal(book, [partial(_told, place, surges, self._rules, now_ms)])
            if self._ledger.append([made])[0] is Answer.APPLIED:
                written += made.events
        return written


def callable_only(event: TaskEvent, barred: frozenset[str]) -> TaskEvent:
    """The event as it is, or the refusal that takes the place of a call to a number that must not be called."""
    task = event.task
    if event.kind is not TaskEventKind.CREATED or task is None or task.owner != OUTBOUND or task.line_id not in barred:
        return event
    reason = RefusalReason.DO_NOT_CALL
    return msgspec.structs.replace(event, kind=TaskEventKind.WARNING_REFUSED, reason=reason, task=None, task_id=None)


def _told(place: Place, surges: Surges, rules: Rules, now_ms: int, book: Book) -> Sequence[TaskEvent]:
    return [incident(book, place, surges, rules, now_ms)]


def _decided(item: Item, customer: Customer | None, batch: Batch, now_ms: int, book: Book) -> Sequence[TaskEvent]:
    return item.decide(book, customer, batch, now_ms)
