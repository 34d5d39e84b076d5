"""When a customer may be called: consent, opt-out, local hours, caps over all channels."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alerts.call_days import is_call_day
from alerts.law_pack import LawPack
from alerts.local_time import MINUTES_A_DAY, window_minutes, zone_of
from alerts.policy import DAY_MS, CapName, ContactPolicy
from alerts.tasks import Customer, RefusalReason

#: No holidays last longer than this.
DAYS_MAX = 60


def consent_refusal(customer: Customer | None, *, opted_out: bool) -> RefusalReason | None:
    """Why this customer may not be called at all; None: may be. A missing answer is no."""
    if customer is None:
        return RefusalReason.UNKNOWN_CUSTOMER
    if opted_out:
        return RefusalReason.OPTED_OUT
    return None if customer.may_call else RefusalReason.NO_CONSENT


def window_opens_ms(customer: Customer, policy: ContactPolicy, law: LawPack, now_ms: int) -> int:
    """The next moment inside the customer's call window, `now_ms` itself when it is open. Local time, DST included.

    The window is never wider than the law's; where both have no hour in common, the law's is taken. On holidays it stays shut
    (alerts/call_days.py).
    """
    zone = zone_of(customer.timezone) or zone_of(law.timezone) or UTC
    opens, closes = _window(customer, policy, law)
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    minute = local.hour * 60 + local.minute
    day = local.date()
    if opens <= minute < closes and is_call_day(day, customer, policy, law):
        return now_ms
    first = day if minute < opens else day + timedelta(days=1)
    later = (first + timedelta(days=number) for number in range(DAYS_MAX))
    day = next((one for one in later if is_call_day(one, customer, policy, law)), first)
    opening = datetime(day.year, day.month, day.day, opens // 60, opens % 60, tzinfo=zone)
    return int(opening.timestamp() * 1000)


def cap_ends_ms(contacts: Sequence[int], policy: ContactPolicy, now_ms: int, escaped: Sequence[CapName] = ()) -> int:
    """When the caps allow the next contact, `now_ms` itself when they do now. `contacts`: earlier ones, ascending.

    Caps named in `escaped` need not be kept.

    >>> from alerts.policy import read_task_policy
    >>> cap_ends_ms([1_000], read_task_policy().contact, 2_000) == 1_000 + DAY_MS
    True
    """
    ends = now_ms
    for name, days, cap in caps_of(policy):
        recent = [] if name in escaped else [at for at in contacts if at > now_ms - days * DAY_MS]
        if len(recent) >= cap:
            ends = max(ends, recent[len(recent) - cap] + days * DAY_MS)
    return ends


def caps_allow(contacts: Sequence[int], at_ms: int, policy: ContactPolicy, escaped: Sequence[CapName] = ()) -> bool:
    """Whether one more contact at `at_ms` keeps every cap, now and with those already reserved for later.

    `contacts`: made and reserved ones, in any order. `escaped`: caps that this contact need not keep.
    """
    times = sorted([*contacts, at_ms])
    for name, days, cap in caps_of(policy):
        if name in escaped:
            continue
        span = days * DAY_MS
        for end in times:
            if at_ms <= end < at_ms + span and sum(end - span < at <= end for at in times) > cap:
                return False
    return True


def caps_of(policy: ContactPolicy) -> list[tuple[CapName, int, int]]:
    """Every cap as (name, days, contacts)."""
    return [("day", 1, policy.per_day), ("week", 7, policy.per_week), ("30_days", 30, policy.per_30_days)]


def day_of(at_ms: int, law: LawPack) -> str:
    """The country's day of the calendar, by which capacity is counted, as "2026-03-03"."""
    return datetime.fromtimestamp(at_ms / 1000, zone_of(law.timezone) or UTC).date().isoformat()


def day_ends_ms(at_ms: int, law: LawPack) -> int:
    """When the next day of the country begins."""
    zone = zone_of(law.timezone) or UTC
    day = datetime.fromtimestamp(at_ms / 1000, zone).date() + timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _window(customer: Customer, policy: ContactPolicy, law: LawPack) -> tuple[int, int]:
    wished = window_minutes(customer.contact_window) or window_minutes(policy.window) or (0, 0)
    allowed = window_minutes(law.call_window) or (0, MINUTES_A_DAY)
    common = max(wished[0], allowed[0]), min(wished[1], allowed[1])
    return common if common[0] < common[1] else allowed
