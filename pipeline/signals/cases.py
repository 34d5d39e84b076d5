"""Signals of orders and care: what records of one kind amount to, how strong that stands, and when it is over.

The strength is the policy's own, plus so much for each repeat within 90 days, step of severity, day open and missing
point of satisfaction, at most 1 (`config/policies/signals.toml`). It fades linearly to half over the signal's days, counted from
its last record; a matter that is still open (a fault, a complaint that nobody settled) grows for some days before that.
"""

from collections.abc import Mapping

from pipeline.events import CareRecord, OrderRecord
from pipeline.policy import HardPolicy
from pipeline.state.cases import Case, HardEvent
from pipeline.state.decay import DAY_MS

COUNTED_MS = 90 * DAY_MS
#: Times kept of one kind of record; more of them raise no strength further.
TIMES_KEPT = 16


def note_event(case: Case, signal: str, policy: HardPolicy, record: OrderRecord | CareRecord) -> HardEvent:
    """Count a record towards its signal; the same whatever the order in which records come."""
    event = case.hard.setdefault(signal, HardEvent(record.ts_ms, record.ts_ms, 0))
    event.first_ms, event.last_ms = min(event.first_ms, record.ts_ms), max(event.last_ms, record.ts_ms)
    times = sorted([*event.recent_ms, record.ts_ms])
    event.recent_ms = [time for time in times if time > event.last_ms - COUNTED_MS][-TIMES_KEPT:]
    event.count = len(event.recent_ms)
    if isinstance(record, CareRecord):
        event.severity = max(event.severity, record.severity)
        if policy.score_below is not None and record.score is not None:
            event.points = max(event.points, policy.score_below - record.score)
    else:
        event.expires_ms = max(event.expires_ms, record.expires_ms or 0)
    return event


def note_promise(case: Case, signal: str, policy: HardPolicy, record: OrderRecord) -> None:
    """A request of which the promised day begins to run."""
    event = case.hard.setdefault(signal, HardEvent(record.ts_ms, record.ts_ms))
    promised_ms = record.ts_ms + round(policy.wait_days(record.product) * DAY_MS)
    product = record.product or ""
    event.promised_ms[product] = min(event.promised_ms.get(product, promised_ms), promised_ms)
    _count_promises(event)


def keep_promise(case: Case, signal: str, record: OrderRecord) -> bool:
    """A request was fulfilled; returns whether nothing is open any more. One without a product fulfils the oldest."""
    event = case.hard.get(signal)
    if event is None or not event.promised_ms:
        return True
    product = record.product if record.product in event.promised_ms else _most_urgent(event, record.product)
    if product is not None:
        del event.promised_ms[product]
    if event.promised_ms:
        _count_promises(event)
    return not event.promised_ms


def _most_urgent(event: HardEvent, product: str | None) -> str | None:
    return None if product else min(event.promised_ms, key=lambda name: (event.promised_ms[name], name))


def _count_promises(event: HardEvent) -> None:
    event.count = len(event.promised_ms)
    event.first_ms = event.last_ms = min(event.promised_ms.values())


def strength_at(event: HardEvent, policy: HardPolicy, now_ms: int) -> float | None:
    """Strength at this moment; 0 while the promised day has not come, None when the signal's days are over.

    >>> from pipeline.events import Level, Origin
    >>> policy = HardPolicy(Origin.CUSTOMER_TO_US, 0.1, 0.4, Level.WATCH, days=10, days_left=5, per_repeat=0.2)
    >>> strength_at(HardEvent(0, 0, count=2), policy, 5 * DAY_MS)  # 0.4 + 0.2, three quarters of it after half of the days
    0.45000000000000007
    """
    age_days = (now_ms - event.last_ms) / DAY_MS
    if age_days >= policy.days:
        return None
    if policy.waits and now_ms < event.first_ms:
        return 0.0
    growing_days = min(policy.open_days_max, policy.days / 2) if policy.per_open_day else 0.0
    open_days = min(max(0.0, (now_ms - event.first_ms) / DAY_MS), growing_days)
    share = max(0.0, age_days - growing_days) / (policy.days - growing_days)
    return policy.strength_of(event.count, event.severity, open_days, event.points) * (1.0 - 0.5 * share)


def strengths_at(case: Case, now_ms: int, hard: Mapping[str, HardPolicy]) -> dict[str, float | None]:
    """What `strength_at` says of each hard signal of a case; None also of one that is configured no longer."""
    return {name: strength_at(event, hard[name], now_ms) if name in hard else None for name, event in case.hard.items()}


def standing(strengths: Mapping[str, float | None]) -> dict[str, float]:
    """Those that stand; those that only wait for a promised day are not in it."""
    return {name: strength for name, strength in strengths.items() if strength is not None and strength > 0.0}


def outlived(strengths: Mapping[str, float | None]) -> list[str]:
    """Signals whose days are over, or that are configured no longer."""
    return [name for name, strength in strengths.items() if strength is None]


def standing_strengths(case: Case, now_ms: int, hard: Mapping[str, HardPolicy]) -> dict[str, float]:
    """Strength of each hard signal that stands at `now_ms`."""
    return standing(strengths_at(case, now_ms, hard))


def evidence_of(event: HardEvent, policy: HardPolicy, now_ms: int) -> dict[str, float]:
    """What the signal rests on, in numbers."""
    days_since = max(0.0, (now_ms - event.last_ms) / DAY_MS)
    if policy.waits:
        return {"open_requests": float(event.count), "days_late": days_since}
    numbers = {"count_90d": float(event.count), "severity_max": float(event.severity), "days_since": days_since}
    if event.expires_ms:
        numbers["hours_left"] = max(0.0, (event.expires_ms - now_ms) / 3_600_000)
    if policy.per_open_day:
        numbers["days_open"] = max(0.0, (now_ms - event.first_ms) / DAY_MS)
    if policy.score_below is not None:
        numbers["satisfaction"] = policy.score_below - event.points
    return numbers
