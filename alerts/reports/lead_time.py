"""The lead-time ledger: for each churner when the first signal, warning, task and contact were, and what time was wasted.

Only what came before the churn, and at most `LOOK_BACK_MS` before it, counts for it. A day of warning is a day from the
first warning to the churn; a step's wasted days are those it took, or, where it never came, those until the churn.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from alerts.policy import DAY_MS
from alerts.reports.departures import Departure
from alerts.reports.month import Month
from alerts.tasks import Role, TaskEvent, TaskEventKind
from pipeline.events import ChurnKind, ChurnWarning, Disposition

LOOK_BACK_MS = 90 * DAY_MS
STEPS = ("signal", "warning", "task", "contact")


class Row(msgspec.Struct, frozen=True):
    """One churner; times are epoch ms, None where it never came to that."""

    account_id: str
    line_id: str | None
    kind: str
    churn_ms: int
    signal_ms: int | None
    warning_ms: int | None
    task_ms: int | None
    contact_ms: int | None


class LeadTimes(msgspec.Struct, frozen=True):
    """`warned_days_median`: over all churners, those never warned counting 0. `wasted_days_median`: by step."""

    month: str
    churners: int
    reached: dict[str, int]
    by_kind: dict[str, int]
    warned_days_median: float | None
    warned_7d_share: float | None
    wasted_days_median: dict[str, float | None]
    rows: list[Row]


def lead_times(
    left: Iterable[Departure], warnings: Iterable[ChurnWarning], events: Iterable[TaskEvent], month: Month
) -> LeadTimes:
    """The ledger of those who left of their own will in this month."""
    told = _by_account(warnings)
    done = _events_by_account(events)
    churners = [one for one in left if month.holds(one.churn_ms) and one.kind is not ChurnKind.INVOLUNTARY]
    rows = [_row(one, told.get(one.account_id, ()), done.get(one.account_id, ())) for one in churners]
    warned = [_days(row.warning_ms, row.churn_ms) for row in rows]
    return LeadTimes(
        month=month.name,
        churners=len(rows),
        reached={step: sum(_at(row, step) is not None for row in rows) for step in STEPS},
        by_kind=dict(Counter(row.kind for row in rows)),
        warned_days_median=_median(warned),
        warned_7d_share=round(sum(days >= 7 for days in warned) / len(warned), 4) if warned else None,
        wasted_days_median={
            f"{before}_to_{step}": _median(_wasted(rows, before, step))
            for before, step in zip(STEPS, (*STEPS[1:], "churn"), strict=True)
        },
        rows=rows,
    )


def _row(one: Departure, warnings: Sequence[ChurnWarning], events: Sequence[TaskEvent]) -> Row:
    def counts(ts_ms: int) -> bool:
        return one.churn_ms - LOOK_BACK_MS <= ts_ms <= one.churn_ms

    heard = [each for each in warnings if counts(each.ts_ms) and _concerns(each.line_id, one.line_id)]
    signals = [signal.since_ms for each in heard for signal in each.signals if signal.since_ms <= one.churn_ms]
    tasks = [event for event in events if counts(event.ts_ms) and event.task and _task_concerns(event, one.line_id)]
    return Row(
        account_id=one.account_id,
        line_id=one.line_id,
        kind=one.kind,
        churn_ms=one.churn_ms,
        signal_ms=min(signals, default=None),
        warning_ms=min((each.ts_ms for each in heard), default=None),
        task_ms=min((event.ts_ms for event in tasks if event.kind is TaskEventKind.CREATED), default=None),
        contact_ms=min((event.ts_ms for event in tasks if is_contact(event)), default=None),
    )


def is_contact(event: TaskEvent) -> bool:
    """A call that began, or a contact that a person recorded."""
    if event.kind is TaskEventKind.DIAL_STARTED:
        return True
    return event.disposition not in {None, Disposition.NOT_TRIED} and event.role is not Role.DIALER


def _concerns(about: str | None, line_id: str | None) -> bool:
    """What is about the whole account concerns each line of it, and the other way round."""
    return about is None or line_id is None or about == line_id


def _task_concerns(event: TaskEvent, line_id: str | None) -> bool:
    task = event.task
    return task is not None and (line_id is None or not task.line_ids or line_id in task.line_ids)


def _at(row: Row, step: str) -> int | None:
    at: int | None = getattr(row, f"{step}_ms")
    return at


def _wasted(rows: Iterable[Row], before: str, step: str) -> list[float]:
    """Days from one step to the next, or to the churn where the next one never came."""
    return [_days(began, _at(row, step) or row.churn_ms) for row in rows if (began := _at(row, before)) is not None]


def _days(since_ms: int | None, until_ms: int) -> float:
    return 0.0 if since_ms is None else max(0.0, (until_ms - since_ms) / DAY_MS)


def _median(days: Sequence[float]) -> float | None:
    return round(median(days), 2) if days else None


def _by_account(warnings: Iterable[ChurnWarning]) -> dict[str, list[ChurnWarning]]:
    found: dict[str, list[ChurnWarning]] = {}
    for warning in warnings:
        found.setdefault(warning.account_id, []).append(warning)
    return found


def _events_by_account(events: Iterable[TaskEvent]) -> dict[str, list[TaskEvent]]:
    found: dict[str, list[TaskEvent]] = {}
    for event in events:
        if event.task is not None:
            found.setdefault(event.account_id, []).append(event)
    return found
