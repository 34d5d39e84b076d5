"""A small, believable world for the console: customers, line views, tasks of every level. Fixed, so that pictures repeat."""

from typing import Any

from alerts.tasks import OUTBOUND, Customer, HistoryEntry, Note, Slot, Task, TaskEventKind, TaskResult, TaskState
from pipeline.events import Disposition, Level, Origin, SignalReport
from pipeline.line_views import InvoiceView, LineView

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: 2026-10-28 09:30 UTC
NOW_MS = 1_793_179_800_000
TODAY_MS = NOW_MS - NOW_MS % DAY_MS

EVIDENCE: dict[str, tuple[Origin, dict[str, float]]] = {
    "spend_drop": (
        Origin.OWN_BILLING,
        {"last_bill": 31.2, "median_bill": 81.05, "drop_ratio": 0.615, "bills": 6.0},
    ),
    "usage_drop": (
        Origin.OWN_USAGE,
        {"rate_now_per_day": 2.1, "rate_before_per_day": 11.4, "drop_ratio": 0.816},
    ),
    "silence": (Origin.OWN_USAGE, {"days_silent": 9.4, "usual_gap_days": 0.42, "p_alive": 0.08}),
    "off_net_shift": (Origin.OWN_USAGE, {"off_net_ratio_7d": 0.71, "off_net_ratio_before": 0.33}),
    "competitor_hotline": (Origin.OWN_USAGE, {"calls_28d": 3.0}),
    "port_code_issued": (Origin.CUSTOMER_TO_US, {"rung": 6.0, "days_since": 0.2, "hours_left": 19.6}),
    "termination": (Origin.CUSTOMER_TO_US, {"days_since": 1.0}),
    "complaint": (Origin.CUSTOMER_TO_US, {"count_90d": 2.0, "severity_max": 4.0}),
    "crisis_report": (Origin.CUSTOMER_TO_US, {"count_90d": 1.0, "severity_max": 5.0}),
    "model_score": (Origin.OWN_USAGE, {}),
}
GROUPS = {
    "port_code_issued": "port_out",
    "termination": "termination",
    "complaint": "service",
    "crisis_report": "service",
    "competitor_hotline": "competitor",
    "off_net_shift": "competitor",
    "spend_drop": "price",
    "silence": "inactivity",
    "usage_drop": "inactivity",
    "model_score": "other",
}


#: Today's planned contact, expected to bring 1,840 of the operator's currency.
SLOT = Slot("m-17", "2026-10-28", NOW_MS, 1, 1840.4)


def signal(name: str, strength: float = 0.8, days_ago: float = 3.0) -> SignalReport:
    origin, evidence = EVIDENCE[name]
    days_ago = min(days_ago, 0.02) if "hours_left" in evidence else days_ago
    return SignalReport(name, origin, strength, int(NOW_MS - days_ago * DAY_MS), evidence)


def task(task_id: str, account_id: str, names: list[str], **changes: Any) -> Task:
    """A new task of manager m-17 with these signals, the first one strongest."""
    line_id = f"{account_id}-L1"
    values: dict[str, Any] = {
        "task_id": task_id,
        "account_id": account_id,
        "line_id": line_id,
        "line_ids": [line_id],
        "reason_group": GROUPS[names[0]] if names else "other",
        "level": Level.WARN,
        "score": 0.62,
        "score_basis": "model",
        "days_left": None,
        "signals": [signal(name, 0.9 - 0.1 * place, 3.0 + 4 * place) for place, name in enumerate(names)],
        "reasons": names,
        "owner": "m-17",
        "deputy": "m-18",
        "team": "north",
        "state": TaskState.NEW,
        "created_ms": NOW_MS - 2 * HOUR_MS,
        "due_ms": NOW_MS + 22 * HOUR_MS,
        "refreshed_ms": NOW_MS - 2 * HOUR_MS,
        "history": [HistoryEntry(NOW_MS - 2 * HOUR_MS, TaskEventKind.CREATED, "tasks", "warn")],
    }
    return Task(**(values | changes))


def customer(account_id: str, star: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "account_id": account_id,
        "segment": "key_account",
        "star": star,
        "region": "Copenhagen K",
        "lines": [f"{account_id}-L{number}" for number in range(1, 4)],
        "manager_id": "m-17",
        "deputy_id": "m-18",
        "team_id": "north",
        "may_call": True,
        "may_sms": False,
        "may_profile": True,
        "timezone": "Europe/Copenhagen",
        "contact_window": "09:00-17:00",
        "language": "en",
        "ts_ms": NOW_MS - 90 * DAY_MS,
        "tenure_start_ms": NOW_MS - 2400 * DAY_MS,
        "contract_end_ms": NOW_MS + 60 * DAY_MS,
        "brand": "Business Plus",
    }
    return Customer(**(values | changes))


def line_view(account_id: str, number: int) -> LineView:
    """A line that was busy and, the first one only, fell quiet ten days ago."""
    usual = [11, 13, 9, 12, 4, 2, 14, 12, 10, 13, 11, 5, 3, 12, 13, 11, 10, 12, 6, 7, 5, 3, 2, 1, 2, 0, 1, 0]
    steady = [(place * 7 + number * 3) % 9 + 3 for place in range(28)]
    bills = [84.0, 79.5, 81.05, 80.2, 82.4, 31.2] if number == 1 else [44.0, 45.5, 44.2, 44.0, 46.1, 44.9]
    return LineView(
        account_id=account_id,
        line_id=f"{account_id}-L{number}",
        ts_ms=NOW_MS,
        day_ms=TODAY_MS,
        daily_activity=usual if number == 1 else steady,
        baseline_per_day=10.4 if number == 1 else 7.0,
        baseline_low=4.0 if number == 1 else 1.8,
        baseline_high=16.8 if number == 1 else 12.2,
        invoices=[InvoiceView(TODAY_MS - (5 - month) * 30 * DAY_MS, amount) for month, amount in enumerate(bills)],
        score=0.74 if number == 1 else 0.06,
        score_basis="model",
    )


def sample_tasks() -> list[Task]:
    """Every level, the states a manager meets, one owner more and the outbound team."""
    critical = {"level": Level.CRITICAL, "due_ms": NOW_MS + 2 * HOUR_MS, "score": 0.91}
    return [
        task("t-1", "ACC-20481", ["port_code_issued", "off_net_shift"], slot=SLOT, **critical),
        task("t-2", "ACC-17730", ["crisis_report", "complaint"], **(critical | {"due_ms": NOW_MS - 3 * HOUR_MS})),
        task("t-3", "ACC-10012", ["silence", "spend_drop", "usage_drop"], score=0.74),
        task("t-4", "ACC-33904", ["competitor_hotline"], score=0.58),
        task(
            "t-5",
            "ACC-28117",
            ["spend_drop"],
            state=TaskState.ACCEPTED,
            accepted_by="m-17",
            accepted_ms=NOW_MS - HOUR_MS,
            version=2,
        ),
        task("t-6", "ACC-40077", ["model_score"], level=Level.WATCH, score=0.31, due_ms=NOW_MS + 70 * HOUR_MS),
        task(
            "t-7",
            "ACC-10012",
            ["complaint"],
            state=TaskState.DONE,
            result=TaskResult.SAVED,
            disposition=Disposition.REACHED_SAVED,
            closed_ms=NOW_MS - 20 * DAY_MS,
            attempts=1,
            notes=[Note(NOW_MS - 20 * DAY_MS, "m-17", "Fault mended, credit note sent. Wants a yearly review.")],
            history=[
                HistoryEntry(NOW_MS - 21 * DAY_MS, TaskEventKind.CREATED, "tasks", "warn"),
                HistoryEntry(NOW_MS - 20 * DAY_MS, TaskEventKind.DONE, "m-17", "reached_saved"),
            ],
        ),
        task("t-8", "ACC-51200", ["termination"], owner="m-09"),
        task("t-9", "ACC-60310", ["usage_drop"], owner=OUTBOUND),
    ]


def sample_customers() -> dict[str, Customer]:
    stars = {"ACC-20481": 5, "ACC-17730": 4, "ACC-10012": 4, "ACC-33904": 2, "ACC-28117": 3, "ACC-51200": 5}
    known = {account_id: customer(account_id, star) for account_id, star in stars.items()}
    public = customer("ACC-60310", 0, segment="public", manager_id=None, brand=None, contract_end_ms=None)
    return known | {"ACC-60310": public}
