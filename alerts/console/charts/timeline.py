"""Usage, bills and everything that happened on one time axis: two curves with their bands, then a lane a kind of event.

Kinds differ in shape and in colour; each mark says in words what it is, and the page has the same as a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from markupsafe import Markup, escape

from alerts.console.charts.marks import Mark
from alerts.console.charts.plane import WIDTH, round_top, short_number
from alerts.console.charts.usage import DAY_MS, day_label
from pipeline.line_views import InvoiceView, LineView

LEFT, RIGHT = 92, 20
USAGE = (30, 150)
SPEND = (176, 246)
LANES_FROM, LANE = 262, 22
#: A bill's usual range: the median and twice the robust deviation of the earlier ones (Rousseeuw & Croux 1993: 1.4826 x MAD).
SPREAD = 2 * 1.4826


class Lane(StrEnum):
    """Kinds of events, from top to bottom."""

    ORDER = "order"
    CARE = "care"
    CONTACT = "contact"
    INCIDENT = "incident"


HEIGHT = LANES_FROM + LANE * len(Lane) + 26


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `until_ms` where it lasted."""

    lane: Lane
    at_ms: int
    words: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From the beginning of the first day to the end of the last one."""

    first_ms: int
    last_ms: int

    def x(self, at_ms: float) -> float:
        """Where a moment stands; what is outside stands on the edge.

        >>> TimeAxis(0, 1000).x(500)
        356.0
        """
        share = (at_ms - self.first_ms) / max(self.last_ms - self.first_ms, 1)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - RIGHT - LEFT), 1)

    def holds(self, at_ms: int) -> bool:
        return self.first_ms <= at_ms < self.last_ms


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a timeline shows. `words`: names of the curves ("usage", "spend") and of the lanes, in the reader's language."""

    view: LineView
    marks: Sequence[Mark]
    events: Sequence[Event]
    days: int
    words: dict[str, str]

    @property
    def axis(self) -> TimeAxis:
        end_ms = self.view.day_ms + DAY_MS
        return TimeAxis(end_ms - self.days * DAY_MS, end_ms)


def timeline(drawing: Drawing, title: str, description: str) -> Markup:
    """The SVG."""
    body = [_usage(drawing), _spend(drawing), *(_lane(drawing, lane) for lane in Lane), _days(drawing), _marks(drawing)]
    return Markup(  # noqa: S704 -- parts are built here from numbers and escaped words
        f'<svg class="chart timeline" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(body)}</svg>"
    )


def usual_bill(invoices: Sequence[InvoiceView]) -> tuple[float, float, float] | None:
    """Low, middle and high of the usual bill by all but the last one; None with less than two earlier ones.

    >>> usual_bill([InvoiceView(0, 80.0), InvoiceView(1, 84.0), InvoiceView(2, 82.0), InvoiceView(3, 31.0)])
    (76.0696, 82.0, 87.9304)
    """
    earlier = [bill.amount for bill in sorted(invoices, key=lambda bill: bill.ts_ms)][:-1]
    if len(earlier) < 2:
        return None
    middle = median(earlier)
    spread = SPREAD * median(abs(amount - middle) for amount in earlier)
    return round(middle - spread, 4), middle, round(middle + spread, 4)


def _y(value: float, top: float, panel: tuple[int, int]) -> float:
    share = min(max(value / top, 0.0), 1.0) if math.isfinite(value) else 0.0
    return round(panel[1] - share * (panel[1] - panel[0]), 1)


def _panel(name: str, top: float, panel: tuple[int, int]) -> str:
    """Bottom and top line with their values, and the curve's name."""
    parts = [f'<text class="tick name" x="4" y="{panel[0] + 4}">{escape(name)}</text>']
    for value in (0.0, top):
        y = _y(value, top, panel)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        shown_y = y + 4 if value == 0.0 else y + 18
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{shown_y}" text-anchor="end">{short_number(value)}</text>')
    return "".join(parts)


def _band(x1: float, x2: float, low: float, middle: float, high: float) -> str:
    """Places, not values: `low` is further down."""
    height = max(round(low - high, 1), 1.0)
    return (
        f'<rect class="band" x="{x1}" y="{high}" width="{max(round(x2 - x1, 1), 0.0)}" height="{height}"/>'
        f'<line class="baseline" x1="{x1}" x2="{x2}" y1="{middle}" y2="{middle}"/>'
    )


def _usage(drawing: Drawing) -> str:
    view, axis = drawing.view, drawing.axis
    activity = [max(count, 0) for count in view.daily_activity]
    top = round_top([*activity, view.baseline_high, view.baseline_per_day])
    first_ms = view.day_ms - (len(activity) - 1) * DAY_MS
    x1, x2 = axis.x(first_ms), axis.x(view.day_ms + DAY_MS)
    low, middle, high = (_y(v, top, USAGE) for v in (view.baseline_low, view.baseline_per_day, view.baseline_high))
    points = [
        (axis.x(first_ms + place * DAY_MS + DAY_MS / 2), _y(count, top, USAGE)) for place, count in enumerate(activity)
    ]
    shown = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in points) if drawing.days <= 40 else ""
    curve = f'<g class="curve"><polyline points="{shown}"/>{dots}</g>'
    return _panel(drawing.words["usage"], top, USAGE) + _band(x1, x2, low, middle, high) + curve


def _spend(drawing: Drawing) -> str:
    axis, bills = drawing.axis, sorted(drawing.view.invoices, key=lambda bill: bill.ts_ms)
    usual = usual_bill(bills)
    top = round_top([*(bill.amount for bill in bills), *(usual or ())])
    parts = [_panel(drawing.words["spend"], top, SPEND)]
    if usual is not None:
        low, middle, high = (_y(value, top, SPEND) for value in usual)
        parts.append(_band(LEFT, WIDTH - RIGHT, low, middle, high))
    shown = [bill for bill in bills if axis.holds(bill.ts_ms)]
    places = [(axis.x(bill.ts_ms), _y(bill.amount, top, SPEND)) for bill in shown]
    line = " ".join(f"{x},{y}" for x, y in places)
    parts.append(f'<g class="curve spend"><polyline points="{line}"/></g>' if len(places) > 1 else "")
    for (x, y), bill in zip(places, shown, strict=True):
        words = f"{drawing.words['spend']} {day_label(bill.ts_ms)}: {bill.amount:,.2f}"
        parts.append(f'<g class="event bill"><title>{escape(words)}</title><path d="{_diamond(x, y)}"/></g>')
    return "".join(parts)


def _lane(drawing: Drawing, lane: Lane) -> str:
    y = LANES_FROM + LANE * (list(Lane).index(lane) + 0.5)
    parts = [
        f'<text class="tick name" x="4" y="{y + 4}">{escape(drawing.words[lane])}</text>',
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>',
    ]
    axis, free_x = drawing.axis, 0.0
    for event in sorted((one for one in drawing.events if one.lane is lane), key=lambda one: one.at_ms):
        last_ms = event.at_ms if event.until_ms is None else event.until_ms
        if last_ms < axis.first_ms or event.at_ms >= axis.last_ms:
            continue
        x = min(max(axis.x(event.at_ms), free_x), WIDTH - RIGHT + 8.0)
        free_x = x + 9
        parts.append(f'<g class="event {lane}"><title>{escape(event.words)}</title>{_shape(event, axis, x, y)}</g>')
    return "".join(parts)


def _shape(event: Event, axis: TimeAxis, x: float, y: float) -> str:
    if event.lane is Lane.ORDER:
        return f'<path d="M{x} {y - 6}L{x + 6} {y + 5}L{x - 6} {y + 5}Z"/>'
    if event.lane is Lane.CARE:
        return f'<circle cx="{x}" cy="{y}" r="5.5"/>'
    if event.lane is Lane.CONTACT:
        return f'<rect x="{x - 5:.1f}" y="{y - 5}" width="10" height="10"/>'
    end = axis.x(event.at_ms if event.until_ms is None else event.until_ms)
    return f'<rect x="{x - 4:.1f}" y="{y - 4}" width="{max(end - x, 0) + 8:.1f}" height="8" rx="4"/>'


def _diamond(x: float, y: float) -> str:
    return f"M{x} {y - 6}L{x + 6} {y}L{x} {y + 6}L{x - 6} {y}Z"


def _days(drawing: Drawing) -> str:
    """A label a week, or a month on a long axis; every second one disappears on a narrow page."""
    step = 7 if drawing.days <= 40 else 30
    labels = []
    for number, back in enumerate(range(0, drawing.days - step // 2, step)):
        day_ms = drawing.view.day_ms - back * DAY_MS
        css = "tick minor" if number % 2 else "tick"
        x, y = drawing.axis.x(day_ms + DAY_MS / 2), HEIGHT - 6
        labels.append(f'<text class="{css}" x="{x}" y="{y}" text-anchor="middle">{day_label(day_ms)}</text>')
    return "".join(labels)


def _marks(drawing: Drawing) -> str:
    """Where a signal began: a line through everything, its number on top; numbers of one place stand side by side."""
    taken: dict[float, int] = {}
    drawn = []
    for mark in drawing.marks:
        x = drawing.axis.x(mark.at_ms)
        row = taken.get(x, 0)
        taken[x] = row + 1
        centre = x + row * (-18 if x > WIDTH / 2 else 18)
        drawn.append(
            f'<g class="mark"><title>{escape(mark.words)}</title>'
            f'<line x1="{x}" x2="{x}" y1="20" y2="{HEIGHT - 22}"/><circle cx="{centre}" cy="13" r="9"/>'
            f'<text x="{centre}" y="17" text-anchor="middle">{mark.number}</text></g>'
        )
    return "".join(drawn)
