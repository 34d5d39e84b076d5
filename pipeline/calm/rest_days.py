"""Which hour of which kind of day it is for the people of a region: rest days as Sundays, days worked instead as weekdays."""

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

import holidays

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HOURS_OF_WEEK = 168
SUNDAY, WORKDAY = 6, 2
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def hour_of_week(at_ms: int, zone: str) -> int:
    """0-167, Monday 00:00 local first; a public holiday counts as a Sunday, a weekend that is worked as a Wednesday.

    >>> hour_of_week(1_775_350_800_000, "Asia/Shanghai") // 24  # Sunday 2026-04-05
    6
    >>> hour_of_week(1_775_437_200_000, "Asia/Shanghai") // 24  # Monday 2026-04-06: Tomb-Sweeping Day, observed
    6
    >>> hour_of_week(1_778_288_400_000, "Asia/Shanghai") // 24  # Saturday 2026-05-09: worked for a day off in that week
    2
    """
    local = _local(at_ms, zone)
    day = local.date()
    if is_holiday(day, zone):
        return SUNDAY * 24 + local.hour
    return (WORKDAY if _is_worked_weekend(day, zone) else local.weekday()) * 24 + local.hour


@lru_cache(maxsize=4096)
def is_holiday(day: date, zone: str) -> bool:
    """Whether this is a public holiday of the country of the zone; False where no country is known."""
    calendar = _calendar(zone)
    return calendar is not None and day in calendar


@lru_cache(maxsize=4096)
def local_date(at_ms: int, zone: str) -> date:
    """The calendar day there."""
    return _local(at_ms, zone).date()


def local_day(at_ms: int, zone: str) -> int:
    """Number of the calendar day there, as days since 1970-01-01."""
    return local_date(at_ms, zone).toordinal() - EPOCH_ORDINAL


@lru_cache(maxsize=512)
def country_of(zone: str) -> str | None:
    """The country of a time zone, as "CN"; None where it is not known, or its holidays are not."""
    country = _countries().get(zone)
    return country if country in holidays.list_supported_countries() else None


def _local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, _zone(zone))


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    """The zone; UTC for an unknown one: reference data are not worth stopping for."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=512)
def _calendar(zone: str) -> holidays.HolidayBase | None:
    country = country_of(zone)
    return None if country is None else holidays.country_holidays(country)


def _is_worked_weekend(day: date, zone: str) -> bool:
    """A Saturday or Sunday that is worked, as China does to make its holidays longer."""
    calendar = _calendar(zone)
    if calendar is None or day.weekday() < 5:
        return False
    # The calendar fills in a year when it is asked for a day of it.
    return day not in calendar and day in calendar.weekend_workdays


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Country code by zone, from the zone database's own table; empty where it is not installed."""
    for folder in TZPATH:
        table = Path(folder) / "zone.tab"
        if table.is_file():
            rows = (line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
            return {row[2]: row[0] for row in rows if len(row) > 2}
    return {}
