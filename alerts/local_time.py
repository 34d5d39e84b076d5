"""Times of day and time zones as settings and records write them. Pure."""

from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

MINUTES_A_DAY = 24 * 60

log = structlog.get_logger()


def window_minutes(window: str | None) -> tuple[int, int] | None:
    """Opening and closing minute of the day of "09:00-20:00"; None when it says nothing usable.

    >>> window_minutes("09:00-20:30"), window_minutes("20:00-09:00")
    ((540, 1230), None)
    """
    try:
        opens, closes = ((int(part[:2]) * 60 + int(part[3:5])) for part in (window or "").split("-"))
    except ValueError:
        return None
    return (opens, closes) if 0 <= opens < closes <= MINUTES_A_DAY else None


@lru_cache(maxsize=1024)
def zone_of(name: str | None) -> tzinfo | None:
    """The zone of that IANA name; None when there is none, which is logged once a name."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.warning("timezone.unknown", name=name)
        return None
