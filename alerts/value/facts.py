"""What is known of a customer, as indicators by name: measured where the streams say it, else as its record judges it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from alerts.policy import DAY_MS
from alerts.tasks import Customer
from alerts.value.policy import Indicator, ValuePolicy
from pipeline.line_views import LineView

YEAR_DAYS = 365.25
MONTH_DAYS = 30.0
Source = Literal["measured", "record"]


@dataclass(frozen=True, slots=True)
class Known:
    """One indicator's value and where it comes from; `note` says on how much it rests."""

    value: float
    source: Source
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an assessment rests on.

    Attributes:
        indicators: those that are known.
        recency_days: since the last use that a view shows, None without one. `per_day`: uses a day over its 28 days.
    """

    customer: Customer
    now_ms: int
    indicators: dict[Indicator, Known] = field(default_factory=dict)
    recency_days: float | None = None
    per_day: float | None = None

    @property
    def contract_days_left(self) -> float | None:
        """None where no end of a contract is known; never below 0."""
        ends_ms = self.customer.contract_end_ms
        return None if ends_ms is None else max(0.0, (ends_ms - self.now_ms) / DAY_MS)

    def value(self, name: Indicator) -> float | None:
        known = self.indicators.get(name)
        return known.value if known else None


def gather(
    customer: Customer,
    views: Iterable[LineView],
    policy: ValuePolicy,
    now_ms: int,
    counted: Mapping[Indicator, float] | None = None,
) -> Facts:
    """The facts of one account. Measured indicators that nothing tells come from the record, if it has them.

    `counted`: what single records told (alerts/store/measured.py).
    """
    seen = [view for view in views if view.account_id == customer.account_id]
    billed = [view for view in seen if view.invoices]
    lines = max(len(customer.lines), len(billed))
    measured = {
        Indicator.MONTHLY_REVENUE: monthly_revenue(billed, lines),
        Indicator.TENURE: tenure_years(customer, now_ms),
        **(counted or {}),
    }
    notes = {Indicator.MONTHLY_REVENUE: f"bills of {len(billed)} of {lines} lines"}
    known: dict[Indicator, Known] = {}
    for name in Indicator:
        value = measured.get(name) if policy.indicators[name].measured else None
        if value is not None:
            known[name] = Known(value, "measured", notes.get(name, ""))
        elif name in customer.indicators:
            known[name] = Known(customer.indicators[name], "record")
    return Facts(customer, now_ms, known, _recency_days(seen, now_ms), _per_day(seen))


def monthly_revenue(views: Iterable[LineView], lines: int) -> float | None:
    """Average billed a month for so many lines, by those whose bills are known; None without any.

    Each line by its own bills: they cover the months from the first to the last of them, both counted.

    >>> from pipeline.line_views import InvoiceView
    >>> bills = [InvoiceView(month * 30 * DAY_MS, 50.0) for month in range(3)]
    >>> view = LineView("a", "l", 0, 0, [], 0.0, 0.0, 0.0, bills, 0.1, "prior")
    >>> monthly_revenue([view], lines=1), monthly_revenue([view], lines=4)
    (50.0, 200.0)
    """
    averages = []
    for view in views:
        if view.invoices:
            times = [invoice.ts_ms for invoice in view.invoices]
            months = round((max(times) - min(times)) / DAY_MS / MONTH_DAYS) + 1
            averages.append(sum(invoice.amount for invoice in view.invoices) / months)
    return round(sum(averages) / len(averages) * lines, 4) if averages else None


def tenure_years(customer: Customer, now_ms: int) -> float | None:
    """Length of the relationship; None when its beginning is not known."""
    if customer.tenure_start_ms is None:
        return None
    return max(0.0, (now_ms - customer.tenure_start_ms) / DAY_MS / YEAR_DAYS)


def _recency_days(views: list[LineView], now_ms: int) -> float | None:
    """Days since the last day on which any line was used; None when no view shows a use."""
    last_ms = [
        view.day_ms - (len(view.daily_activity) - 1 - place) * DAY_MS
        for view in views
        for place, count in enumerate(view.daily_activity)
        if count > 0
    ]
    return max(0.0, (now_ms - max(last_ms)) // DAY_MS) if last_ms else None


def _per_day(views: list[LineView]) -> float | None:
    shown = [view for view in views if view.daily_activity]
    return sum(sum(view.daily_activity) / len(view.daily_activity) for view in shown) if shown else None
