"""A report's table as bars lying one below the other: label, bar, figure."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from alerts.console.charts.plane import WIDTH, round_top

ROW, LABEL_X, LEFT, RIGHT = 26, 6, 190, 70
BARS_MAX = 14
LABEL_CHARS_MAX = 26


def bar_chart(bars: Sequence[tuple[str, float, str]], title: str, description: str) -> Markup:
    """`bars`: label, value, and the value as it is written. What is below 0 is drawn as no bar."""
    height = ROW * len(bars) + 8
    top = round_top([value for _, value, _ in bars])
    body = "".join(_bar(place, *bar, top) for place, bar in enumerate(bars))
    return Markup(  # noqa: S704 -- numbers and escaped words
        f'<svg class="chart bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )


def _bar(place: int, label: str, value: float, written: str, top: float) -> str:
    y = 4 + place * ROW
    width = round(max(value, 0.0) / top * (WIDTH - LEFT - RIGHT), 1)
    short = label if len(label) <= LABEL_CHARS_MAX else f"{label[: LABEL_CHARS_MAX - 1]}…"
    return (
        f"<g><title>{escape(label)}: {escape(written)}</title>"
        f'<text class="tick" x="{LABEL_X}" y="{y + 16}">{escape(short)}</text>'
        f'<rect class="bar last" x="{LEFT}" y="{y + 3}" width="{width}" height="{ROW - 9}" rx="3"/>'
        f'<text class="tick" x="{LEFT + width + 6}" y="{y + 16}">{escape(written)}</text></g>'
    )
