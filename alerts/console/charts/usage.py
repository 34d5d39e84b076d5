"""A line's last days in a table cell, and how a day is written."""

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

DAY_MS = 86_400_000


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
