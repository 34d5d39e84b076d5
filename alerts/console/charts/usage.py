"""A line's last days against its own baseline band, with the signals marked where they began."""

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from alerts.console.charts.marks import Mark, drawn_mark, frame, grid, label_below
from alerts.console.charts.plane import LEFT, RIGHT, WIDTH, Plane, round_top
from pipeline.line_views import LineView

DAY_MS = 86_400_000


def usage_chart(view: LineView, marks: Sequence[Mark], title: str, description: str) -> Markup:
    """The usage curve as SVG: band, baseline, one point a day, numbered marks.

    A signal that began before the first day is marked on the first day.
    """
    activity = [max(count, 0) for count in view.daily_activity]
    plane = Plane(len(activity), round_top([*activity, view.baseline_high, view.baseline_per_day]))
    body = [grid(plane), _band(plane, view), _curve(plane, activity), _days(plane, view), _marks(plane, view, marks)]
    return frame(body, title, description, "usage")


def sparkline(activity: Sequence[int], title: str) -> Markup:
    """The same days in one small stroke, for a table cell."""
    top = max([*activity, 1])
    step = 100 / max(len(activity) - 1, 1)
    points = " ".join(f"{place * step:.1f},{22 - 20 * max(count, 0) / top:.1f}" for place, count in enumerate(activity))
    return Markup(  # noqa: S704 -- numbers and an escaped title
        f'<svg class="spark" viewBox="0 0 100 24" role="img" aria-label="{escape(title)}">'
        f'<polyline points="{points}"/></svg>'
    )


def day_label(day_ms: int) -> str:
    """Month and day of a UTC day, the order that no reader takes for another.

    >>> day_label(0)
    '01-01'
    """
    return datetime.fromtimestamp(day_ms / 1000, UTC).strftime("%m-%d")


def _band(plane: Plane, view: LineView) -> str:
    high, low, middle = plane.y(view.baseline_high), plane.y(view.baseline_low), plane.y(view.baseline_per_day)
    width = WIDTH - LEFT - RIGHT
    return (
        f'<rect class="band" x="{LEFT}" y="{high}" width="{width}" height="{max(round(low - high, 1), 1.0)}"/>'
        f'<line class="baseline" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>'
    )


def _curve(plane: Plane, activity: Sequence[int]) -> str:
    places = [(plane.x(place), plane.y(count)) for place, count in enumerate(activity)]
    points = " ".join(f"{x},{y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in places)
    return f'<g class="curve"><polyline points="{points}"/>{dots}</g>'


def _days(plane: Plane, view: LineView) -> str:
    last = plane.count - 1
    labels = []
    for place in range(last, -1, -7):
        day_ms = view.day_ms - (last - place) * DAY_MS
        labels.append(label_below(plane.x(place), day_label(day_ms), minor=(last - place) % 14 == 7))
    return "".join(labels)


def _marks(plane: Plane, view: LineView, marks: Sequence[Mark]) -> str:
    first_ms = view.day_ms - (plane.count - 1) * DAY_MS
    if not plane.count:
        return ""
    taken: dict[int, int] = {}
    drawn = []
    for mark in marks:
        place = min(max((mark.at_ms - first_ms) // DAY_MS, 0), plane.count - 1)
        row = taken.get(place, 0)
        taken[place] = row + 1
        towards_middle = -1 if place > plane.count / 2 else 1
        drawn.append(drawn_mark(plane.x(place), mark, row * towards_middle))
    return "".join(drawn)
