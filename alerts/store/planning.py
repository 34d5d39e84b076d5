"""The day's plan on the real inbox: who is to be contacted today and by whom, reserved task by task."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import redis

from alerts import moves
from alerts.book import Book
from alerts.capacity import Candidate, Option, Plan, Planned, best_hour, daily_plan, hour_price, worth_now
from alerts.capacity_candidates import Day
from alerts.capacity_rates import Rates
from alerts.dialing import reserve
from alerts.store import TaskStore, settled
from alerts.store.ledger import Answer, Append
from alerts.store.replies import fields, texts
from alerts.tasks import OUTBOUND, Customer, Purpose, Refusal, Slot, Task, TaskEvent, TaskEventKind
from alerts.value.facts import gather
from alerts.value.segments import monthly_margin

PAGE = 1000


class PlanReport(NamedTuple):
    """What a plan came to. `hour_prices`: what one more hour of each owner would have brought today.

    `gain` is what the reserved contacts are expected to bring, `bound` the most that any plan could have.
    """

    day: str
    candidates: int
    reserved: int
    promised: int
    broken_promises: int
    handed_over: int
    gain: float
    bound: float
    seconds: float
    hour_prices: dict[str, float]


class Planner:
    """Makes one plan a day of the clock, and takes up what comes between two plans.

    Attributes:
        prices: what one more contact of each owner was worth at the latest plan.
    """

    def __init__(self, client: redis.Redis, store: TaskStore) -> None:
        self._redis = client
        self._store = store
        self._planned_day = ""
        self.prices: dict[str, float] = {}

    def forget(self) -> None:
        """The inbox was brought back from the log: what Kafka had not been told of today's plan is to be planned anew."""
        self._planned_day = ""

    def plan_day(self) -> PlanReport | None:
        """Plan today, if that has not been done; None when it has."""
        now_ms = self._store.now_ms()
        today = self._store.day_of(now_ms)
        if today == self._planned_day:
            return None
        started_s = time.perf_counter()
        day = self._day(now_ms)
        handed = sum(len(self._hand_over(page, day.day)) for page in self._open_pages())
        candidates = [one for page in self._open_pages() for one in self._candidates(page, day)]
        plan = daily_plan(candidates, self._room(candidates, day), self._store.rules.capacity)
        reserved = self._reserve(plan.planned, day)
        self._planned_day, self.prices = today, plan.prices
        return self._report(day, len(candidates), plan, reserved, handed, time.perf_counter() - started_s)

    def plan_between(self, task_ids: Sequence[str]) -> int:
        """Reserve today's contact for those of these tasks that are worth more than what the day's plan turned away."""
        if not self._planned_day or not task_ids:
            return 0
        day = self._day(self._store.now_ms())
        tasks = list(self._store.ledger.tasks(list(dict.fromkeys(task_ids))).values())
        chosen: dict[str, tuple[Candidate, Option]] = {}
        for candidate in self._candidates(tasks, day):
            best = max(candidate.options, key=lambda option: (option.gain, option.owner))
            if worth_now(best, candidate.promise, self.prices):
                known = chosen.get(candidate.account_id)
                if known is None or best.gain > known[1].gain:
                    chosen[candidate.account_id] = (candidate, best)
        ordered = sorted(chosen.values(), key=lambda pair: (-pair[0].promise, -pair[1].gain, pair[0].task_id))
        return self._reserve([Planned(one, option, best_hour(option).at_ms) for one, option in ordered], day)

    def rates(self) -> Rates:
        """What has been learnt of reaching and keeping people."""
        counts = fields(self._redis.hgetall(self._store.keys.rates))
        return Rates(self._store.rules.capacity, {name: int(count) for name, count in counts.items()})

    def _day(self, now_ms: int) -> Day:
        return Day(self._store.rules, self.rates(), now_ms)

    def _open_pages(self) -> Iterator[list[Task]]:
        """All open tasks, in an order that no change of a task moves."""
        ids = sorted(texts(self._redis.zrange(self._store.keys.open(), 0, -1)))
        for at in range(0, len(ids), PAGE):
            yield list(self._store.ledger.tasks(ids[at : at + PAGE]).values())

    def _candidates(self, tasks: Sequence[Task], day: Day) -> Iterator[Candidate]:
        accounts = list({task.account_id: None for task in tasks})
        books = self._store.ledger.books(accounts)
        customers = self._store.directory.customers(accounts)
        margins = self._margins(customers)
        for task in tasks:
            latest = books[task.account_id].task(task.task_id)
            if latest is not None:
                whose = customers.get(task.account_id)
                found = day.candidate(books[task.account_id], latest, whose, margins.get(task.account_id))
                if found is not None:
                    yield found

    def _margins(self, customers: Mapping[str, Customer]) -> dict[str, float]:
        """What the customers leave a month, as far as their bills say."""
        lines = {line_id: None for customer in customers.values() for line_id in customer.lines}
        views = self._store.line_views(list(lines))
        value = self._store.rules.value
        found = {}
        for account_id, customer in customers.items():
            own = [views[line_id] for line_id in customer.lines if line_id in views]
            margin = monthly_margin(gather(customer, own, value, self._store.now_ms()), value)
            if margin is not None:
                found[account_id] = margin
        return found

    def _room(self, candidates: Iterable[Candidate], day: Day) -> dict[str, int]:
        """Contacts that each owner can still make today."""
        owners = sorted({option.owner for one in candidates for option in one.options})
        pipe = self._redis.pipeline(transaction=False)
        for owner in owners:
            pipe.zcard(self._store.keys.capacity(day.day, owner))
        capacity = self._store.rules.capacity
        return {
            owner: max(0, capacity.contacts_per_day(owner) - int(taken))
            for owner, taken in zip(owners, pipe.execute(), strict=True)
        }

    def _reserve(self, chosen: Sequence[Planned], day: Day) -> int:
        """Reserve these contacts; one whose task changed meanwhile, or for which no room is left, is passed over."""
        reserved = 0
        for at in range(0, len(chosen), PAGE):
            page = chosen[at : at + PAGE]
            accounts = [planned.candidate.account_id for planned in page]
            books = self._store.ledger.books(accounts)
            customers = self._store.directory.customers(accounts)
            appends = [
                self._sealed(books[account_id], planned, customers.get(account_id), day)
                for account_id, planned in zip(accounts, page, strict=True)
            ]
            answers = self._store.ledger.append([made for made in appends if made is not None])
            reserved += answers.count(Answer.APPLIED)
        return reserved

    def _sealed(self, book: Book, planned: Planned, customer: Customer | None, day: Day) -> Append | None:
        task, option = book.task(planned.candidate.task_id), planned.option
        if task is None:
            return None
        slot = Slot(option.owner, day.day, planned.at_ms, task.attempts + 1, round(option.gain, 4))
        move = reserve(book, task, slot, moves.SYSTEM, customer, self._store.rules, day.now_ms)
        if isinstance(move, Refusal):
            return None
        timed = self._store.rules.clocks.kept(task, move)
        return self._store.ledger.seal(book, [settled(timed)])

    def _hand_over(self, tasks: Sequence[Task], today: str) -> list[Task]:
        """Tasks of people who are away, or no longer among their customer's, go to who has the customer now."""
        customers = self._store.directory.customers(list({task.account_id: None for task in tasks}))
        moved = []
        for task in tasks:
            owner = self._successor(task, customers.get(task.account_id), today)
            if owner is None:
                continue
            outcome = self._store.change(task.task_id, None, partial(_given, owner, self._store.now_ms()))
            moved += [outcome] if isinstance(outcome, Task) else []
        return moved

    def _successor(self, task: Task, customer: Customer | None, today: str) -> str | None:
        """Who is to have the task instead of its owner; None: it stays."""
        if task.owner == OUTBOUND or task.purpose is Purpose.CRISIS or customer is None:
            return None
        capacity = self._store.rules.capacity
        people = [customer.manager_id, customer.deputy_id, customer.team_id]
        present = [one for one in people if one and not capacity.is_away(one, today)]
        away = capacity.is_away(task.owner, today)
        given = task.escalation > 0 or any(entry.kind is TaskEventKind.REASSIGNED for entry in task.history)
        foreign = task.owner not in people and not given
        if not (away or foreign) or not present or present[0] == task.owner:
            return None
        return present[0]

    def _report(self, day: Day, candidates: int, plan: Plan, reserved: int, handed: int, seconds: float) -> PlanReport:
        capacity = self._store.rules.capacity
        prices = {owner: round(hour_price(owner, price, capacity), 2) for owner, price in plan.prices.items()}
        return PlanReport(
            day.day, candidates, reserved, plan.promised, plan.broken, handed, round(plan.gain, 2),
            round(plan.bound, 2), seconds, prices,
        )  # fmt: skip


def _given(owner: str, now_ms: int, _: Book, task: Task) -> TaskEvent | Refusal:
    return moves.reassign(task, moves.SYSTEM, owner, now_ms)
