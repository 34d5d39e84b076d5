"""Warnings, customers and views for tests of tasks: everything has a default, so that a test names what matters."""

from typing import Any

from alerts.book import Book, after
from alerts.chain import seal
from alerts.store.directory import customer_of
from alerts.tasks import Actor, Customer, Refusal, Role, Task, TaskEvent
from pipeline.events import ChurnWarning, Consent, CustomerRecord, Level, Origin, SignalReport
from pipeline.line_views import LineView

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Tuesday 2026-03-03 12:00 UTC: inside every usual call window.
NOON_MS = 1_772_539_200_000

MANAGER = Actor("m-1", Role.MANAGER)
DEPUTY = Actor("m-2", Role.MANAGER)
STRANGER = Actor("m-9", Role.MANAGER)
SUPERVISOR = Actor("s-1", Role.SUPERVISOR)
CALLER = Actor("c-1", Role.CALLER)
DIALER = Actor("d-1", Role.DIALER)


def signal(name: str = "silence", strength: float = 0.8, origin: Origin = Origin.OWN_USAGE) -> SignalReport:
    return SignalReport(name, origin, strength, NOON_MS - DAY_MS, {"days": 3.0})


def warning(warning_id: str = "w-1", *signals: SignalReport, **changes: Any) -> ChurnWarning:
    values: dict[str, Any] = {
        "warning_id": warning_id,
        "ts_ms": NOON_MS,
        "account_id": "a-1",
        "line_id": "l-1",
        "level": Level.WARN,
        "score": 0.4,
        "score_basis": "prior",
        "days_left": 12.0,
        "signals": list(signals) or [signal()],
        "reasons": ["silent_days"],
        "model_version": "none",
        "features_hash": "f",
    }
    return ChurnWarning(**{**values, **changes})


def customer_record(account_id: str = "a-1", *, call: bool = True, **changes: Any) -> CustomerRecord:
    values: dict[str, Any] = {
        "ts_ms": NOON_MS - 100 * DAY_MS,
        "account_id": account_id,
        "segment": "public",
        "star": 1,
        "region": "north",
        "lines": [f"l{account_id[1:]}"],
        "consent": Consent(call=call),
        "timezone": "UTC",
    }
    return CustomerRecord(**{**values, **changes})


def customer(account_id: str = "a-1", *, call: bool = True, **changes: Any) -> Customer:
    return customer_of(customer_record(account_id, call=call, **changes))


def managed(account_id: str = "a-1") -> CustomerRecord:
    """A key account with a manager and a deputy."""
    return customer_record(account_id, segment="key_account", manager_id=MANAGER.name, deputy_id=DEPUTY.name)


def line_view(line_id: str = "l-1", ts_ms: int = NOON_MS, account_id: str = "a-1", *signals: SignalReport) -> LineView:
    return LineView(
        account_id, line_id, ts_ms, ts_ms - ts_ms % DAY_MS, [1] * 28, 1.0, 0.0, 3.0, [], 0.4, "prior", list(signals)
    )


def happened(book: Book, move: TaskEvent | Refusal) -> tuple[Book, TaskEvent]:
    """The book after an event that must not have been refused, and the sealed event."""
    assert isinstance(move, TaskEvent), move
    event = seal(move, book.seq, book.hash)
    return after(book, event), event


def the_task(outcome: Task | Refusal | None) -> Task:
    """The task, where one is expected."""
    assert isinstance(outcome, Task), outcome
    return outcome


def the_refusal(outcome: object) -> Refusal:
    """The refusal, where one is expected."""
    assert isinstance(outcome, Refusal), outcome
    return outcome
