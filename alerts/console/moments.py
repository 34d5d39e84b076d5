"""Times in words: a moment, a span, and by when something has to be done. Pure: `now_ms` is always given."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.console.page_texts import PageTexts
from alerts.tasks import Task, TaskState

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
#: With less than this left, the clock turns to the colour of urgency.
SOON_MS = 4 * HOUR_MS
#: For so many days a task can be put aside.
SNOOZE_DAYS = (1, 2, 3, 7, 14)


@dataclass(frozen=True, slots=True)
class Due:
    """By when, as text; `tone` (late, soon, calm, rest) is the CSS class that colours it."""

    tone: str
    words: str


def moment(at_ms: int, zone: tzinfo) -> str:
    """Date and minute in the console's time zone.

    >>> from datetime import UTC
    >>> moment(0, UTC)
    '1970-01-01 00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def day(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d")


def span(length_ms: int, texts: PageTexts) -> str:
    """A length of time in its largest sensible unit: minutes below two hours, hours below two days, then days."""
    if length_ms < 2 * HOUR_MS:
        return texts("time.minutes", n=max(length_ms // MINUTE_MS, 0))
    if length_ms < 2 * DAY_MS:
        return texts("time.hours", n=length_ms // HOUR_MS)
    return texts("time.days", n=length_ms // DAY_MS)


def due(task: Task, now_ms: int, texts: PageTexts, zone: tzinfo) -> Due:
    """By when this task wants something done; a closed one says when it was closed, a waiting one when it is next."""
    if not task.open:
        return Due("rest", texts("due.closed", moment=moment(task.closed_ms or task.refreshed_ms, zone)))
    resting = task.state in (TaskState.WAITING, TaskState.SNOOZED)
    if resting and task.not_before_ms is not None and task.not_before_ms > now_ms:
        return Due("rest", texts("due.waiting", moment=moment(task.not_before_ms, zone)))
    left_ms = task.due_ms - now_ms
    if left_ms < 0:
        return Due("late", texts("due.late", span=span(-left_ms, texts)))
    tone = "soon" if left_ms < SOON_MS else "calm"
    return Due(tone, texts(f"due.{tone}", span=span(left_ms, texts)))
