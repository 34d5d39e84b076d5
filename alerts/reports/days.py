"""What happened to tasks, day by day and region by region: the table that is asked for by day and region."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from alerts.reports.month import Month
from alerts.tasks import TaskEvent, TaskEventKind, TaskResult

UNKNOWN = "unknown"


class Day(msgspec.Struct, frozen=True):
    """One day of one region. `contacts`: attempts that were recorded."""

    day: str
    region: str
    made: int
    accepted: int
    contacts: int
    escalated: int
    saved: int
    refused: int
    unreachable: int
    lost: int


class Days(msgspec.Struct, frozen=True):
    """`by_region`: tasks made in the month."""

    month: str
    made: int
    saved: int
    by_region: dict[str, int]
    by_day: list[Day]


COUNTED = {
    TaskEventKind.CREATED: "made",
    TaskEventKind.ACCEPTED: "accepted",
    TaskEventKind.ATTEMPT_RECORDED: "contacts",
    TaskEventKind.ESCALATED: "escalated",
}
RESULTS = (TaskResult.SAVED, TaskResult.REFUSED, TaskResult.UNREACHABLE, TaskResult.LOST)


def days(events: Iterable[TaskEvent], month: Month, zone: tzinfo) -> Days:
    """The month's events, each once. A task counts for the region of its customer when it was made."""
    cells: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.task is None or not month.holds(event.ts_ms):
            continue
        day = datetime.fromtimestamp(event.ts_ms / 1000, zone).date().isoformat()
        cell = cells[day, event.task.region or UNKNOWN]
        if event.kind in COUNTED:
            cell[COUNTED[event.kind]] += 1
        if event.kind is TaskEventKind.DONE and event.disposition is not None:
            cell["contacts"] += 1
        if not event.task.open and event.task.closed_ms == event.ts_ms and event.task.result in RESULTS:
            cell[str(event.task.result)] += 1
    rows = [Day(day, region, **_counts(cells[day, region])) for day, region in sorted(cells)]
    by_region: Counter[str] = Counter()
    for row in rows:
        by_region[row.region] += row.made
    return Days(
        month.name, sum(row.made for row in rows), sum(row.saved for row in rows), dict(sorted(by_region.items())), rows
    )


def _counts(cell: Counter[str]) -> dict[str, int]:
    return {name: cell[name] for name in Day.__struct_fields__[2:]}
