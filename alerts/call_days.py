"""Days on which customers are not called: the public holidays of where they live. Pure."""

from datetime import date, timedelta
from functools import lru_cache

from alerts.business_time import holidays_of
from alerts.law_pack import LawPack
from alerts.policy import ContactPolicy
from alerts.tasks import Customer
from pipeline.calm.rest_days import country_of

WEEKEND = (5, 6)


def is_call_day(day: date, customer: Customer, policy: ContactPolicy, law: LawPack) -> bool:
    """Whether this day of the customer's is one for calls. Weekends are; whether anybody works then is a matter of capacity."""
    return policy.on_holidays or not _is_holiday(calendar_of(customer, policy, law), day)


def calendar_of(customer: Customer, policy: ContactPolicy, law: LawPack) -> str:
    """The calendar of holidays that holds for a customer: its region's, else its time zone's country's, else the law pack's."""
    by_region = policy.calendars.get(customer.region or "")
    return by_region or _of_zone(customer.timezone or "", law.timezone, law.holidays)


@lru_cache(maxsize=1024)
def _of_zone(zone: str, home: str, home_calendar: str) -> str:
    country = country_of(zone)
    abroad = country is not None and country != country_of(home)
    return country if abroad and country else home_calendar


@lru_cache(maxsize=8192)
def _is_holiday(code: str, day: date) -> bool:
    """A weekend between two holidays belongs to them: calendars name only the days that are off beside it."""
    if day in holidays_of(code):
        return True
    return day.weekday() in WEEKEND and all(_beside(code, day, step) in holidays_of(code) for step in (-1, 1))


def _beside(code: str, day: date, step: int) -> date:
    """The next day in this direction that is not a plain day of a weekend."""
    while day.weekday() in WEEKEND and day not in holidays_of(code):
        day += timedelta(days=step)
    return day
