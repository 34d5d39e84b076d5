"""Working time: hours of the day in somebody's time zone, on a calendar of working days. No clock, no I/O.

A calendar of the library `holidays` also knows the days that are worked in exchange for a holiday, as far as they have been
published: China's swaps for 2025 and 2026 at the version pinned here; a year without them has its statutory holidays only.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

import holidays

from alerts.local_time import MINUTES_A_DAY, window_minutes

DAYS_MAX = 3660


class CalendarError(ValueError):
    """There is no such calendar, or no such working hours; the message names them."""


class WorkDays:
    """Which days are worked. `code`: a country as "CN", a region as "DE-BY", a financial market as "XECB"."""

    def __init__(self, code: str) -> None:
        self._calendar = holidays_of(code)
        self._known: dict[date, bool] = {}

    def worked(self, day: date) -> bool:
        """Whether people work on this day."""
        known = self._known.get(day)
        if known is None:
            # Naming a day makes the library fill its year; the swaps of New Year stand in the year after.
            for year_end in (day, date(day.year + 1, 1, 1)):
                self._calendar.get(year_end)
            known = self._known[day] = self._calendar.is_working_day(day)
        return known


class Shift(NamedTuple):
    """Working time from `begins_ms` to `ends_ms`."""

    begins_ms: int
    ends_ms: int


class BusinessTime:
    """Adds and measures working time.

    Args:
        hours: of a day, as "09:00-18:00", local time.
        days: which days are worked; None: all.
    """

    def __init__(self, hours: str, days: WorkDays | None) -> None:
        minutes = window_minutes(hours)
        if minutes is None:
            raise CalendarError(f"{hours!r} are no working hours; write them as 09:00-18:00")
        self._opens, self._closes = minutes
        self._days = days

    def after(self, start_ms: int, working_ms: int, zone: tzinfo) -> int:
        """When so much working time has passed since `start_ms`.

        >>> from datetime import UTC
        >>> every_day = BusinessTime("09:00-18:00", None)
        >>> every_day.after(0, 3_600_000, UTC) == 10 * 3_600_000
        True
        """
        left = working_ms
        shifts = self._shifts(start_ms, zone)
        for _ in range(DAYS_MAX):
            shift = next(shifts)
            begins_ms = max(shift.begins_ms, start_ms)
            if shift.ends_ms - begins_ms >= left:
                return begins_ms + left
            left -= max(0, shift.ends_ms - begins_ms)
        return start_ms + working_ms

    def between(self, start_ms: int, end_ms: int, zone: tzinfo) -> int:
        """Working time from `start_ms` to `end_ms`, 0 when that is not later."""
        passed = 0
        for shift in self._shifts(start_ms, zone):
            if shift.begins_ms >= end_ms:
                return passed
            passed += max(0, min(shift.ends_ms, end_ms) - max(shift.begins_ms, start_ms))
        return passed

    def _shifts(self, start_ms: int, zone: tzinfo) -> Iterator[Shift]:
        """The shifts from the day of `start_ms` on, without end."""
        day = datetime.fromtimestamp(start_ms / 1000, zone).date()
        while True:
            if self._days is None or self._days.worked(day):
                yield Shift(_moment_ms(day, self._opens, zone), _moment_ms(day, self._closes, zone))
            day += timedelta(days=1)


def _moment_ms(day: date, minute: int, zone: tzinfo) -> int:
    """Local time on the clock of that day, whatever summer time does to its length."""
    if minute == MINUTES_A_DAY:
        day, minute = day + timedelta(days=1), 0
    return int(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).timestamp() * 1000)


@lru_cache(maxsize=64)
def holidays_of(code: str) -> holidays.HolidayBase:
    """The calendar of this code; a day is in it when it is a public holiday.

    Raises:
        CalendarError: there is none.
    """
    country, _, region = code.partition("-")
    countries = holidays.list_supported_countries(include_aliases=True)
    if country in countries and (not region or region in countries[country]):
        return holidays.country_holidays(country, subdiv=region or None)
    if code in holidays.list_supported_financial(include_aliases=True):
        return holidays.financial_holidays(code)
    raise CalendarError(
        f"there is no calendar of holidays {code!r}; codes are a country (CN, GB), a region (DE-BY) or a market (XECB)"
    )
