"""The way to another operator as steps: climbed ones filled, the present one strong, a bar of the time that is left."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from alerts.console.charts.plane import WIDTH

LEFT, STEP_H, HEIGHT = 16, 17, 232
FLOOR = 168
#: More would meet the steps.
NAMED_MAX = 4
BAR = (206, 12)


@dataclass(frozen=True, slots=True)
class Rung:
    """`told`: when it was climbed, as shown; empty: not climbed."""

    name: str
    told: str


@dataclass(frozen=True, slots=True)
class Countdown:
    """The time left on the present rung. `share`: of all of it, 0-1; `urgent`: less than a day."""

    words: str
    share: float
    urgent: bool


def ladder_chart(rungs: Sequence[Rung], countdown: Countdown | None, title: str, description: str) -> Markup:
    """The SVG; the lowest rung is the first one."""
    width = (WIDTH - 2 * LEFT) / max(len(rungs), 1)
    present = max((place for place, rung in enumerate(rungs) if rung.told), default=-1)
    steps = "".join(_step(rung, place, width, present) for place, rung in enumerate(rungs))
    bar = _told(rungs, present) + ("" if countdown is None else _bar(countdown))
    return Markup(  # noqa: S704 -- numbers and escaped words
        f'<svg class="chart ladder" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{steps}{bar}</svg>"
    )


def _told(rungs: Sequence[Rung], present: int) -> str:
    """Names and days of the climbed ones, the present one first, where the low steps leave room."""
    climbed = [place for place in range(present, -1, -1) if rungs[place].told][:NAMED_MAX]
    return "".join(
        f'<text class="told{" now" if place == present else ""}" x="{LEFT}" y="{18 + 17 * row}">'
        f"{place + 1} {escape(rungs[place].name)} · {escape(rungs[place].told[5:])}</text>"
        for row, place in enumerate(climbed)
    )


def _step(rung: Rung, place: int, width: float, present: int) -> str:
    x, height = LEFT + place * width, STEP_H * (place + 1)
    css = "present" if place == present else "climbed" if rung.told else "ahead"
    middle = round(x + width / 2, 1)
    sign = "●" if place == present else "✓" if rung.told else str(place + 1)
    return (
        f'<g class="step {css}"><title>{escape(rung.name)}{": " if rung.told else ""}{escape(rung.told)}</title>'
        f'<rect x="{x + 2:.1f}" y="{FLOOR - height}" width="{width - 4:.1f}" height="{height}" rx="3"/>'
        f'<text class="sign" x="{middle}" y="{FLOOR - height + 13}" text-anchor="middle">{sign}</text>'
        f'<text class="tick minor" x="{middle}" y="{FLOOR + 16}" text-anchor="middle">{escape(rung.told[5:10])}</text></g>'
    )


def _bar(countdown: Countdown) -> str:
    y, height = BAR
    width = WIDTH - 2 * LEFT
    filled = round(width * min(max(countdown.share, 0.0), 1.0), 1)
    css = "left urgent" if countdown.urgent else "left"
    return (
        f'<g class="countdown"><text class="tick" x="{LEFT}" y="{y - 5}">{escape(countdown.words)}</text>'
        f'<rect class="all" x="{LEFT}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        f'<rect class="{css}" x="{LEFT}" y="{y}" width="{filled}" height="{height}" rx="6"/></g>'
    )
