"""Evidence is as it was when the signal spoke; clocks in it run on until somebody reads it. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace

from alerts.tasks import Task
from pipeline.events import SignalReport
from pipeline.line_views import LineView

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def aged(report: SignalReport, now_ms: int) -> dict[str, float]:
    """The evidence with `days_since` and `days_open` counted to now and `hours_left` from when the signal began.

    A porting code that was issued anew within one episode is then told as shorter than it is, never as longer.
    """
    evidence = dict(report.evidence)
    passed_ms = max(now_ms - report.since_ms, 0)
    for counted_up in ("days_since", "days_open"):
        if counted_up in evidence:
            evidence[counted_up] = passed_ms / DAY_MS
    if "hours_left" in evidence:
        evidence["hours_left"] -= passed_ms / HOUR_MS
        if evidence["hours_left"] <= 0:
            del evidence["hours_left"]
    return evidence


def refreshed(task: Task, views: Mapping[str, LineView]) -> Task:
    """The task with the newer numbers of its signals, where a view of one of its lines came after its last warning."""
    newer: dict[str, SignalReport] = {}
    for line_id in dict.fromkeys([*task.line_ids, *([task.line_id] if task.line_id else [])]):
        view = views.get(line_id)
        if task.open and view is not None and view.ts_ms >= task.refreshed_ms:
            newer |= {report.name: report for report in view.active_signals}
    return replace(task, signals=[newer.get(report.name, report) for report in task.signals])
