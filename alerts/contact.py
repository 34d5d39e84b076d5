"""When a customer may be called: consent, opt-out, local hours, caps over all channels."""

from datetime import UTC, datetime, timedelta

from alerts.law_pack import LawPack
from alerts.local_time import MINUTES_A_DAY, window_minutes, zone_of
from alerts.policy import DAY_MS, ContactPolicy
from alerts.tasks import Customer, RefusalReason


def consent_refusal(customer: Customer | None, *, opted_out: bool) -> RefusalReason | None:
    """Why this customer may not be called at all; None: may be. A missing answer is no."""
    if customer is None:
        return RefusalReason.UNKNOWN_CUSTOMER
    if opted_out:
        return RefusalReason.OPTED_OUT
    return None if customer.may_call else RefusalReason.NO_CONSENT


def window_opens_ms(customer: Customer, policy: ContactPolicy, law: LawPack, now_ms: int) -> int:
    """The next moment inside the customer's call window, `now_ms` itself when it is open. Local time, DST included.

    The window is never wider than the law's; where both have no hour in common, the law's is taken.
    """
    zone = zone_of(customer.timezone) or zone_of(law.timezone) or UTC
    opens, closes = _window(customer, policy, law)
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


def _window(customer: Customer, policy: ContactPolicy, law: LawPack) -> tuple[int, int]:
    wished = window_minutes(customer.contact_window) or window_minutes(policy.window) or (0, 0)
    allowed = window_minutes(law.call_window) or (0, MINUTES_A_DAY)
    common = max(wished[0], allowed[0]), min(wished[1], allowed[1])
    return common if common[0] < common[1] else allowed
