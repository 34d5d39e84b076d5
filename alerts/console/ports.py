"""What the console asks of the task store; `alerts.store.TaskStore` is the real one. All calls block."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from alerts.live_rules.observed import Observed
from alerts.rules import Rules
from alerts.store.happenings import Happened
from alerts.task_counts import Counts, OwnerCounts
from alerts.tasks import Actor, Customer, Refusal, Task, TaskState
from alerts.value.assess import Assessment
from alerts.value.policy import ValuePolicy
from alerts.visit_counts import VisitsBy
from pipeline.events import Disposition
from pipeline.line_views import LineView
from pipeline.live_rules import RulesMessage, RuleValue


class TaskBoard(Protocol):
    """Reads and acts. Any call may raise one of `store_errors.STORE_AWAY`, an act also `InboxNotReady`: pages say so."""

    def open_tasks(
        self, owner: str | None = None, state: TaskState | None = None, limit: int = 50, offset: int = 0
    ) -> list[Task]:
        """Open tasks, the most urgent first."""
        ...

    def count_open(self, owner: str | None = None, state: TaskState | None = None) -> int: ...

    def closed_tasks(self, owner: str | None = None, limit: int = 50, offset: int = 0) -> list[Task]:
        """Closed tasks, the latest first."""
        ...

    def tasks_of(self, account_id: str) -> list[Task]:
        """Open ones, then closed ones, the latest first."""
        ...

    def get(self, task_id: str) -> Task | None: ...

    def accept(self, task_id: str, actor: Actor, version: int | None = None) -> Task | Refusal: ...

    def record_disposition(
        self, task_id: str, actor: Actor, disposition: Disposition, note: str = "", version: int | None = None
    ) -> Task | Refusal: ...

    def add_note(self, task_id: str, actor: Actor, text: str, version: int | None = None) -> Task | Refusal: ...

    def snooze(self, task_id: str, actor: Actor, until_ms: int, version: int | None = None) -> Task | Refusal: ...

    def reassign(self, task_id: str, actor: Actor, owner: str, version: int | None = None) -> Task | Refusal: ...

    def escalate(self, task_id: str, actor: Actor, why: str, version: int | None = None) -> Task | Refusal:
        """To a supervisor; refused as `wrong_state` where one has it already."""
        ...

    def customer(self, account_id: str) -> Customer | None:
        """With `opted_out` as the account's book says."""
        ...

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """Those of them that the directory knows, in one request; `opted_out` is not filled in."""
        ...

    def line_views(self, line_ids: Sequence[str]) -> dict[str, LineView]:
        """Those of them that have a view, in one request."""
        ...

    def lines_of(self, account_id: str) -> list[str]: ...

    def counts(self) -> Counts: ...

    def owners(self) -> list[OwnerCounts]: ...

    def now_ms(self) -> int:
        """The clock by which tasks are due."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """What an owner can still do today: contacts planned and possible, and what one more hour would have brought.

    `hour_price` is the plan's shadow price in the operator's currency; None: the owner was not in today's plan.
    """

    planned: int
    possible: int
    hour_price: float | None


class CustomerDesk(Protocol):
    """What the console asks beyond tasks: value, numbers, what happened, capacity. Redis errors propagate."""

    @property
    def value_policy(self) -> ValuePolicy: ...

    def assessment(self, account_id: str) -> Assessment | None:
        """None when the directory does not know the account."""
        ...

    def number(self, account_id: str, line_id: str, actor: Actor, why: str) -> str | None:
        """The number behind a line; who asked and why is written down first. None: the vault has none."""
        ...

    def seen(self, account_id: str, actor: Actor) -> None:
        """Write down that somebody opened this customer's page; at most once an hour each."""
        ...

    def happened(self, account_id: str, since_ms: int, until_ms: int) -> list[Happened]:
        """Orders and tickets of the account, the oldest first."""
        ...

    def incidents(self, region: str) -> list[Task]:
        """Incidents of many customers of this region, open ones first."""
        ...

    def visits(self, opened: Sequence[Task]) -> dict[str, VisitsBy]:
        """Return visits by person since the first of last month, with what is overdue among these open tasks."""
        ...

    def room(self, owners: Sequence[str]) -> dict[str, Room]:
        """Today's capacity of these owners."""
        ...


class RulesAwayError(Exception):
    """The topic of rules cannot be read or written now."""


class RuleBook(Protocol):
    """Live rules; every call may raise `RulesAwayError`, `publish` also what the store raises when it is away."""

    @property
    def base(self) -> Rules:
        """The rules of the files, which every edition changes anew."""
        ...

    def editions(self) -> list[RulesMessage]:
        """All editions, oldest first."""
        ...

    def observed(self) -> Observed:
        """What a preview is counted from."""
        ...

    def publish(
        self, replaces: int, changes: dict[str, RuleValue], actor: Actor, why: str, restores: int | None
    ) -> RulesMessage | None:
        """The next edition; None where `replaces` is not the newest one any more."""
        ...


class ReportsAwayError(Exception):
    """The log that reports are made of cannot be read now."""


class Reports(Protocol):
    """Makes a management report as a JSON object; raises `ReportsAwayError`."""

    def report(self, name: str, month: str | None) -> dict[str, Any]: ...


class Service(StrEnum):
    """What pages rest on. `INBOX`: Redis answers, but the inbox in it is being rebuilt."""

    KAFKA = "kafka"
    REDIS = "redis"
    INBOX = "inbox"


class Services(Protocol):
    """Whether they answer; asks nobody, so that any page may call it."""

    def away(self) -> frozenset[Service]: ...
