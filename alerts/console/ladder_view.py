"""Where a task's line stands on the way to another operator, as a drawing with its countdown. Pure."""

from markupsafe import Markup

from alerts.console.ageing import aged
from alerts.console.charts.ladder import Countdown, Rung, ladder_chart
from alerts.console.moments import DAY_MS, HOUR_MS, moment, span
from alerts.console.rows import Wording
from alerts.tasks import Task
from pipeline.events import OrderKind, SignalReport
from pipeline.ladder_pack import RUNGS

#: A step back, not up: drawn only where the line stands on it.
LAPSED = OrderKind.PORT_CODE_EXPIRED


def ladder(task: Task, now_ms: int, wording: Wording) -> Markup | None:
    """None for a task without any step."""
    told = {report.name: report for report in task.signals if report.name in RUNGS}
    if not told or not task.open:
        return None
    names = [name for name in RUNGS if name != LAPSED or name in told]
    rungs = [
        Rung(wording.reasons.name(name), moment(told[name].since_ms, wording.zone) if name in told else "")
        for name in names
    ]
    present = next(name for name in reversed(names) if name in told)
    countdown = _countdown(task, told[present], now_ms, wording)
    texts = wording.texts
    words = texts(
        "ladder.words", step=names.index(present) + 1, of=len(names), name=wording.reasons.name(present),
        left=countdown.words if countdown else "",
    )  # fmt: skip
    return ladder_chart(rungs, countdown, texts("ladder.title"), words)


def _countdown(task: Task, report: SignalReport, now_ms: int, wording: Wording) -> Countdown | None:
    """Until a code lapses, else until the customer is expected to be gone; None where nobody knows."""
    hours_left = aged(report, now_ms).get("hours_left")
    if hours_left is not None:
        until_ms, key = now_ms + int(hours_left * HOUR_MS), "ladder.code_left"
    elif task.days_left is not None:
        until_ms, key = task.refreshed_ms + int(task.days_left * DAY_MS), "ladder.days_left"
    else:
        return None
    left_ms = max(until_ms - now_ms, 0)
    share = left_ms / max(until_ms - report.since_ms, 1)
    return Countdown(wording.texts(key, span=span(left_ms, wording.texts)), share, urgent=left_ms < DAY_MS)
