"""What a chart calls attention to: a numbered mark at a moment, and the frame every chart shares."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from alerts.console.charts.plane import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Plane, short_number


@dataclass(frozen=True, slots=True)
class Mark:
    """A signal on the time axis: when it began, its number in the list below, its words."""

    at_ms: int
    number: int
    words: str


def frame(body: Iterable[str], title: str, description: str, css: str) -> Markup:
    """The `<svg>` around a drawing. `body` must be safe markup already; title and description are escaped here."""
    inner = "".join(body)
    return Markup(  # noqa: S704 -- parts are built in this package from numbers and escaped words
        f'<svg class="chart {css}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{inner}</svg>"
    )


def grid(plane: Plane) -> str:
    """Three quiet lines with their values: bottom, middle, top."""
    parts = []
    for value in (0.0, plane.top / 2, plane.top):
        y = plane.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{short_number(value)}</text>')
    return "".join(parts)


def label_below(x: float, words: str, *, minor: bool = False) -> str:
    """A label of the x axis; minor ones disappear on a narrow page."""
    css = "tick minor" if minor else "tick"
    return f'<text class="{css}" x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{escape(words)}</text>'
