"""What keeps a customer: the soft and the hard firewall as meters, and the alarms before a contract ends. Pure."""

import hashlib
from dataclasses import dataclass

from alerts.policy import DAY_MS
from alerts.tasks import Customer
from alerts.value.facts import Facts
from alerts.value.policy import Alarm, Element, FirewallRules, Indicator
from pipeline.events import ChurnWarning, Origin, SignalReport

CONTRACT_END = "contract_end"


@dataclass(frozen=True, slots=True)
class Stone:
    """One element of a meter: `filled` 0-1, what it rests on, and its share of the meter."""

    name: str
    source: str
    value: float
    filled: float
    share: float


@dataclass(frozen=True, slots=True)
class Meter:
    """How high one firewall stands, 0-1; None when nothing of it is known."""

    height: float | None
    stones: list[Stone]


@dataclass(frozen=True, slots=True)
class Expiry:
    """One alarm of a contract: `raised` once `at_ms` has come."""

    days: int
    at_ms: int
    raised: bool


@dataclass(frozen=True, slots=True)
class Firewall:
    soft: Meter
    hard: Meter
    expiries: list[Expiry]


def firewall(facts: Facts, rules: FirewallRules) -> Firewall:
    """Both meters and the alarms of the contract, the earliest first."""
    return Firewall(
        _meter([element for element in rules.elements if element.meter == "soft"], facts, rules),
        _meter([element for element in rules.elements if element.meter == "hard"], facts, rules),
        expiries(facts.customer.contract_end_ms, facts.now_ms, rules),
    )


def expiries(contract_end_ms: int | None, now_ms: int, rules: FirewallRules) -> list[Expiry]:
    """The alarms of a contract that ends then; none without a contract."""
    if contract_end_ms is None:
        return []
    times = [(alarm.days, contract_end_ms - alarm.days * DAY_MS) for alarm in rules.alarms]
    return [Expiry(days, at_ms, at_ms <= now_ms) for days, at_ms in sorted(times, key=lambda entry: entry[1])]


def alarm_due(customer: Customer, now_ms: int, rules: FirewallRules) -> Alarm | None:
    """The alarm that stands now: the latest that has been reached, of a contract that has not ended yet."""
    ends_ms = customer.contract_end_ms
    if ends_ms is None or ends_ms <= now_ms or customer.segment not in rules.alarm_segments:
        return None
    reached = [alarm for alarm in rules.alarms if ends_ms - alarm.days * DAY_MS <= now_ms]
    return min(reached, key=lambda alarm: alarm.days, default=None)


def expiry_warning(customer: Customer, now_ms: int, rules: FirewallRules) -> ChurnWarning | None:
    """The standing alarm as a warning; its id is the same however often it is asked for, so that it counts once."""
    alarm = alarm_due(customer, now_ms, rules)
    if alarm is None or customer.contract_end_ms is None:
        return None
    ends_ms = customer.contract_end_ms
    cause = f"{customer.account_id}|{CONTRACT_END}|{ends_ms}|{alarm.days}"
    strength = 1 - alarm.days / (1 + max(other.days for other in rules.alarms))
    days_left = (ends_ms - now_ms) / DAY_MS
    return ChurnWarning(
        warning_id=hashlib.sha256(cause.encode()).hexdigest()[:32],
        ts_ms=now_ms,
        account_id=customer.account_id,
        line_id=None,
        level=alarm.level,
        score=alarm.prior,
        score_basis="prior",
        days_left=round(days_left, 2),
        signals=[
            SignalReport(
                CONTRACT_END,
                Origin.OWN_BILLING,
                round(strength, 4),
                ends_ms - alarm.days * DAY_MS,
                {"days_left": round(days_left, 1)},
            )
        ],
        reasons=[CONTRACT_END],
        model_version="firewall",
        features_hash=hashlib.sha256(cause.encode()).hexdigest()[:16],
    )


def _meter(elements: list[Element], facts: Facts, rules: FirewallRules) -> Meter:
    known = [(element, value) for element in elements if (value := _value(element.source, facts, rules)) is not None]
    weight = sum(element.weight for element, _ in known)
    stones = [
        Stone(element.name, element.source, value, _filled(value / element.full_at), element.weight / weight)
        for element, value in known
    ]
    return Meter(round(sum(stone.share * stone.filled for stone in stones), 6) if stones else None, stones)


def _filled(part: float) -> float:
    return min(1.0, max(0.0, part))


def _value(source: str, facts: Facts, rules: FirewallRules) -> float | None:
    if source == "brand":
        return rules.brands.get(facts.customer.brand or "")
    if source == "contract_days_left":
        return facts.contract_days_left
    if source == "lines":
        return float(len(facts.customer.lines))
    return facts.value(Indicator(source))
