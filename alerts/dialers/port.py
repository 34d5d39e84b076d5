"""What the reference dialer rings through: a telephone system, or people simulated."""

from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers

from alerts.queue import Lease
from alerts.tasks import Task
from pipeline.events import Disposition


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The telephone system has the call, or may have it; it tells later how it ended."""


#: Rings the customer under the idempotency key `lease.call`: returns how it ended, or that somebody else will tell.
Ring = Callable[[Task, Lease], Disposition | HandedOver]
#: The number behind a begun call, each look written down; None where the vault has none.
NumberOf = Callable[[Task, Lease], str | None]


@dataclass(frozen=True, slots=True)
class DialNumber:
    """A number as telephone systems want it: country code and national number, digits only."""

    country: str
    national: str


def dial_number(number: str) -> DialNumber | None:
    """The parts of an international number; None for what is none.

    >>> dial_number("+8613800138000")
    DialNumber(country='86', national='13800138000')
    >>> dial_number("4711") is None
    True
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    return DialNumber(str(parsed.country_code), phonenumbers.national_significant_number(parsed))
