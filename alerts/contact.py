"""When a customer may be called: consent, opt-out, local hours, caps over all channels."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from alerts.policy import DAY_MS, ContactPolicy
from alerts.tasks import Customer, RefusalReason

log = structlog.get_logger()


def consent_refusal(customer: Customer | None, *, opted_out: bool) -> RefusalReason | None:
    """Why this customer may not be called at all; None: may be. A missing answer is no."""
    if customer is None:
        return RefusalReason.UNKNOWN_CUSTOMER
    if opted_out:
        return RefusalReason.OPTED_OUT
    return None if customer.may_call else RefusalReason.NO_CONSENT


def window_opens_ms(customer: Customer, policy: ContactPolicy, now_ms: int) -> int:
    """The next moment inside the customer's call window, `now_ms` itself when it is open. Local time, DST included."""
    zone = _zone(customer.timezone) or _zone(policy.timezone) or UTC
    opens, closes = _minutes(customer.contact_window) or _minutes(policy.window) or (0, 0)
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    minute = local.hour * 60 + local.minute
    if opens <= minute < closes:
        return now_ms
    day = local.date() if minute < opens else local.date() + timedelta(days=1)
    opening = datetime(day.year, day.month, day.day, opens // 60, opens % 60, tzinfo=zone)
    return int(opening.timestamp() * 1000)


def cap_ends_ms(contacts: list[int], policy: ContactPolicy, now_ms: int) -> int:
    """When the caps allow the next contact, `now_ms` itself when they do now. `contacts`: earlier ones, ascending.

    >>> from alerts.policy import read_task_policy
    >>> cap_ends_ms([1_000], read_task_policy().contact, 2_000) == 1_000 + DAY_MS
    True
    """
    ends = now_ms
    for days, cap in ((1, policy.per_day), (7, policy.per_week), (30, policy.per_30_days)):
        recent = [at for at in contacts if at > now_ms - days * DAY_MS]
        if len(recent) >= cap:
            ends = max(ends, recent[len(recent) - cap] + days * DAY_MS)
    return ends


def _minutes(window: str | None) -> tuple[int, int] | None:
    """Opening and closing minute of the day of "09:00-20:00"; None when it says nothing usable."""
    try:
        opens, closes = ((int(part[:2]) * 60 + int(part[3:5])) for part in (window or "").split("-"))
    except ValueError:
        return None
    return (opens, closes) if 0 <= opens < closes <= 24 * 60 else None


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.warning("timezone.unknown", name=name)
        return None
