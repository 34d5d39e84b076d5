"""When many customers of a region say the same at once: one incident for a supervisor, not a task for each. Pure."""

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

import msgspec

from alerts.admission import task_id_of
from alerts.book import Book
from alerts.moves import SYSTEM, changed
from alerts.policy import CrisisPolicy
from alerts.rules import Rules
from alerts.tasks import (
    UNASSIGNED,
    Customer,
    HistoryEntry,
    Purpose,
    RefusalReason,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from pipeline.events import Level, Origin, SignalReport

DAYS_BEFORE = 7


class Place(NamedTuple):
    """Where a surge is looked for."""

    region: str
    group: str

    @property
    def account_id(self) -> str:
        """Under which the incident's task and its events are kept."""
        return f"incident:{self.region}:{self.group}"


class Flow(NamedTuple):
    """Tasks made in the window that ends now, and in the same window of the days before."""

    now: int
    before: list[int]

    def limit(self, policy: CrisisPolicy) -> float:
        """From so many on it is a crisis."""
        return max(policy.customers_min, policy.times_usual * median(self.before or [0]))


class Surges:
    """Judges the tasks of one batch against what was usual.

    Attributes:
        held_back: tasks that an incident took the place of, by place.
    """

    def __init__(self, policy: CrisisPolicy, flows: Mapping[Place, Flow]) -> None:
        self._policy = policy
        self._flows = flows
        self._made: Counter[Place] = Counter()
        self.held_back: Counter[Place] = Counter()

    def judged(self, event: TaskEvent, customer: Customer | None) -> TaskEvent:
        """The event as it is, or the refusal that takes the place of a task when there are too many like it."""
        place = place_of(event, customer, self._policy)
        flow = self._flows.get(place) if place else None
        if place is None or flow is None:
            return event
        if flow.now + self._made[place] < flow.limit(self._policy):
            self._made[place] += 1
            return event
        self.held_back[place] += 1
        return msgspec.structs.replace(
            event, kind=TaskEventKind.WARNING_REFUSED, reason=RefusalReason.CRISIS, task=None, task_id=None
        )

    def count(self, place: Place) -> int:
        """Customers of the incident so far: tasks made, and those held back."""
        return self._flows[place].now + self._made[place] + self.held_back[place]

    def usual(self, place: Place) -> float:
        return float(median(self._flows[place].before or [0]))


def place_of(event: TaskEvent, customer: Customer | None, policy: CrisisPolicy) -> Place | None:
    """Where this event would count; None: it is no new task of the kind that a crisis brings."""
    if event.kind is not TaskEventKind.CREATED or customer is None or not customer.region:
        return None
    if event.reason_group not in policy.groups or customer.segment in policy.spared:
        return None
    return Place(customer.region, event.reason_group)


def incident(book: Book, place: Place, surges: Surges, rules: Rules, now_ms: int) -> TaskEvent:
    """The unsealed event by which the incident's one task is made, or told how many it is about by now."""
    customers = surges.count(place)
    evidence = {"customers": float(customers), "usual": surges.usual(place)}
    signal = SignalReport("crisis", Origin.OWN_USAGE, 1.0, now_ms, evidence)
    task = book.open.get(Purpose.CRISIS)
    kind = TaskEventKind.CREATED if task is None else TaskEventKind.EVIDENCE_ADDED
    if task is None:
        task = rules.clocks.started(_task(place, signal, rules, now_ms), now_ms)
    else:
        task = changed(task, kind, SYSTEM, now_ms, detail=str(customers), signals=[signal], refreshed_ms=now_ms)
    return TaskEvent(
        account_id=place.account_id, ts_ms=now_ms, kind=kind, actor=SYSTEM.name, role=SYSTEM.role,
        task_id=task.task_id, reason_group=Purpose.CRISIS, task=task,
    )  # fmt: skip


def _task(place: Place, signal: SignalReport, rules: Rules, now_ms: int) -> Task:
    return Task(
        task_id=task_id_of(place.account_id, Purpose.CRISIS, str(now_ms)),
        account_id=place.account_id,
        line_id=None,
        reason_group=Purpose.CRISIS,
        level=Level.CRITICAL,
        score=0.0,
        score_basis="prior",
        days_left=None,
        signals=[signal],
        reasons=[place.group],
        owner=UNASSIGNED,
        deputy=None,
        team=None,
        state=TaskState.NEW,
        created_ms=now_ms,
        due_ms=now_ms,
        refreshed_ms=now_ms,
        history=[HistoryEntry(now_ms, TaskEventKind.CREATED, SYSTEM.name, place.group)],
        timezone=rules.law.timezone,
        purpose=Purpose.CRISIS,
    )
