"""Small drawings as inline SVG: curves, bars, a timeline. Numbers in, markup out; words are escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 40
TICKS = 5


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line through points; `css` is its class in the page's style sheet."""

    name: str
    points: Sequence[tuple[float, float]]
    css: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What the two directions mean and how far they reach; both begin at 0 unless `left` says otherwise."""

    across: str
    up: str
    right: float
    top: float
    left: float = 0.0

    def x(self, value: float) -> float:
        """Place of a value across, in viewBox units."""
        share = (value - self.left) / max(self.right - self.left, 1e-12)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Place of a value upwards."""
        share = min(max(value / max(self.top, 1e-12), 0.0), 1.0)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def curves(title: str, axes: Axes, lines: Sequence[Curve], marks: Sequence[tuple[float, str]] = ()) -> str:
    """Curves over one pair of axes, with vertical marks."""
    drawn = [_frame_of(axes)]
    for line in lines:
        points = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in line.points)
        drawn.append(f'<polyline class="{line.css}" points="{points}"><title>{escape(line.name)}</title></polyline>')
    for at, words in marks:
        drawn.append(
            f'<line class="mark" x1="{axes.x(at)}" x2="{axes.x(at)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">'
            f"<title>{escape(words)}</title></line>"
        )
    legend = " ".join(f'<span class="key {line.css}">{escape(line.name)}</span>' for line in lines)
    return f"<figure>{_svg(title, drawn)}<figcaption>{legend}</figcaption></figure>"


def bars(title: str, axes: Axes, names: Sequence[str], stacks: Sequence[Sequence[tuple[float, str]]]) -> str:
    """A column for each name, made of (value, css) pieces from the bottom up; few enough names are written below."""
    drawn = [_frame_of(axes, numbers_across=False)]
    step = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    every = -(-len(names) // 12)
    for place, (name, pieces) in enumerate(zip(names, stacks, strict=True)):
        x, height = LEFT + place * step, 0.0
        for value, css in pieces:
            top, bottom = axes.y(height + value), axes.y(height)
            drawn.append(
                f'<rect class="{css}" x="{x + step * 0.1:.1f}" y="{top}" width="{step * 0.8:.1f}" '
                f'height="{bottom - top:.1f}"><title>{escape(name)}: {value:g}</title></rect>'
            )
            height += value
        if place % every == 0:
            drawn.append(_text(x + step / 2, HEIGHT - BOTTOM + 16, name, "middle"))
    return f"<figure>{_svg(title, drawn)}</figure>"


def timeline(title: str, places: Sequence[float | None], last: str, warned: Sequence[int]) -> str:
    """A line's place in the daily lists, day by day up to its leaving: 1 is the top, None not listed.

    `warned`: positions in `places` of days with a warning.
    """
    step = 300 / max(len(places), 1)
    points = [(number * step, 6 + (1.0 - place) * 40) for number, place in enumerate(places) if place is not None]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle class="warned" cx="{number * step:.1f}" cy="50" r="2.5"/>' for number in warned)
    return (
        f'<svg class="timeline" viewBox="0 0 340 56" role="img" aria-label="{escape(title)}">'
        f'<line class="grid" x1="0" x2="300" y1="6.8" y2="6.8"/><polyline class="first" points="{line}"/>{dots}'
        f'<line class="mark" x1="300" x2="300" y1="2" y2="54"/>{_text(304, 30, last, "start")}</svg>'
    )


def _frame_of(axes: Axes, *, numbers_across: bool = True) -> str:
    parts = []
    for tick in range(TICKS + 1):
        value = axes.top * tick / TICKS
        y = axes.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{value:.2g}" if value < 10 else f"{value:g}", "end"))
        if numbers_across:
            across = axes.left + (axes.right - axes.left) * tick / TICKS
            parts.append(
                _text(
                    axes.x(across), HEIGHT - BOTTOM + 16, f"{across:.2g}" if across < 10 else f"{across:.3g}", "middle"
                )
            )
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 6, axes.across, "middle"))
    parts.append(f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">')
    parts.append(f"{escape(axes.up)}</text>")
    return "".join(parts)


def _svg(title: str, drawn: Sequence[str]) -> str:
    inner = "".join(drawn)
    name = escape(title)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}"><title>{name}</title>{inner}</svg>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
