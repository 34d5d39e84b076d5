"""Single facts of an account that count towards its value: lines moved away, services opened, days overdue. Pure."""

from enum import StrEnum
from typing import NamedTuple

from alerts.policy import DAY_MS
from pipeline.events import BillingKind, BillingRecord, OrderKind, OrderRecord

YEAR_MS = 365 * DAY_MS


class MeasureKind(StrEnum):
    MOVED = "moved"
    """A line that was ported to another network."""
    SERVICE = "service"
    """A product that was opened; the same product counts once."""
    OVERDUE = "overdue"
    """A bill that was paid late or not at all."""


class Measure(NamedTuple):
    """One fact. `member` is what makes it one: told again, it counts once. `days`: how long a bill was overdue."""

    kind: MeasureKind
    account_id: str
    member: str
    ts_ms: int
    days: float = 0.0


def order_measure(record: OrderRecord) -> Measure | None:
    """What an order tells; None: nothing."""
    if record.kind is OrderKind.PORT_OUT_DONE:
        return Measure(MeasureKind.MOVED, record.account_id, record.line_id or record.record_id, record.ts_ms)
    if record.kind is OrderKind.PROVISIONING_DONE and record.product:
        return Measure(MeasureKind.SERVICE, record.account_id, record.product, record.ts_ms)
    return None


def billing_measure(record: BillingRecord) -> Measure | None:
    """What a notice of an overdue bill tells; None: it is none, or says not since when."""
    if record.kind is not BillingKind.OVERDUE or record.due_ms is None:
        return None
    days = max(0.0, (record.ts_ms - record.due_ms) / DAY_MS)
    # A bill is known by when it was due: a second notice of it tells of the same days, and of more.
    return Measure(MeasureKind.OVERDUE, record.account_id, str(record.due_ms), record.ts_ms, round(days, 2))
