"""What stands on the customer's time axis: orders, tickets, contacts and incidents, each with its words. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from alerts.console.charts.timeline import Event, Lane
from alerts.console.moments import DAY_MS, moment
from alerts.console.rows import Wording, why
from alerts.store.happenings import Happened
from alerts.tasks import Purpose, Task, TaskEventKind
from pipeline.events import Disposition

#: So many days can be looked at; the first is what a page shows unless asked.
SPANS = (28, 180)
Days = Literal["28", "180"]
CONTACT_KINDS = {TaskEventKind.ATTEMPT_RECORDED, TaskEventKind.DONE, TaskEventKind.ATTEMPT_LOST}
DISPOSITIONS = {str(disposition) for disposition in Disposition}
ROWS_MAX = 60


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk knows of an account beyond its tasks and lines."""

    happened: Sequence[Happened] = ()
    incidents: Sequence[Task] = ()


def events(tasks: Iterable[Task], told: Told, now_ms: int, wording: Wording) -> list[Event]:
    """Everything that is known, the oldest first, up to now."""
    found = [_happened(one, wording) for one in told.happened]
    found += [event for task in tasks for event in _contacts(task, wording)]
    found += [_incident(task, now_ms, wording) for task in told.incidents if task.purpose is Purpose.CRISIS]
    return sorted((one for one in found if one.at_ms <= now_ms), key=lambda one: (one.at_ms, one.lane, one.words))


def event_rows(found: Sequence[Event], days: int, now_ms: int, wording: Wording) -> list[tuple[str, str, str]]:
    """The same as a table, the latest first: when, kind, what."""
    shown = [event for event in reversed(found) if (event.until_ms or event.at_ms) >= now_ms - days * DAY_MS]
    return [
        (moment(event.at_ms, wording.zone), wording.texts.word("lane", event.lane), event.words)
        for event in shown[:ROWS_MAX]
    ]


def earlier(found: Sequence[Event], days: int, now_ms: int) -> int:
    """How many of them are older than what is looked at."""
    return sum((event.until_ms or event.at_ms) < now_ms - days * DAY_MS for event in found)


def _happened(one: Happened, wording: Wording) -> Event:
    texts, what = wording.texts, one.what
    words = texts.word(what.stream, what.code)
    if what.severity:
        words = texts("lane.severity", what=words, n=what.severity)
    lane = Lane.ORDER if what.stream == "order" else Lane.CARE
    return Event(lane, one.at_ms, f"{words} · {what.line_id}" if what.line_id else words)


def _contacts(task: Task, wording: Wording) -> list[Event]:
    return [
        Event(Lane.CONTACT, entry.ts_ms, f"{wording.texts.word('disposition', entry.detail)} · {entry.actor}")
        for entry in task.history
        if entry.kind in CONTACT_KINDS and entry.detail in DISPOSITIONS
    ]


def _incident(task: Task, now_ms: int, wording: Wording) -> Event:
    group = wording.texts.word("group", task.reason_group)
    words = f"{group}: {why(task, now_ms, wording.reasons)}"
    return Event(Lane.INCIDENT, task.created_ms, words, task.closed_ms if task.closed_ms is not None else now_ms)
