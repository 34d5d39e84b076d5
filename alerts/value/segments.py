"""Which kind of customer: MVC, MGC or BZC; RFM classes; the cell of the grid brand x level x category x usage. Pure."""

from enum import StrEnum
from typing import NamedTuple

from alerts.value.assess import Assessment
from alerts.value.facts import Facts
from alerts.value.policy import Dimension, Indicator, ValuePolicy

UNKNOWN = "unknown"


class ValueSegment(StrEnum):
    MVC = "mvc"
    """Most valuable customer: to be kept."""
    MGC = "mgc"
    """Most growable customer: to be grown."""
    BZC = "bzc"
    """Below zero: costs more than it brings."""
    ORDINARY = "ordinary"


class Rfm(NamedTuple):
    """Classes 1-5, 5 the best; 0 = not known."""

    recency: int
    frequency: int
    money: int

    @property
    def code(self) -> str:
        """Three digits.

        >>> Rfm(5, 3, 0).code
        '530'
        """
        return f"{self.recency}{self.frequency}{self.money}"


def monthly_margin(facts: Facts, policy: ValuePolicy) -> float | None:
    """What the customer leaves a month after the cost of serving it; None when its revenue is not known."""
    revenue = facts.value(Indicator.MONTHLY_REVENUE)
    if revenue is None:
        return None
    rules = policy.segments
    return round(revenue * rules.margin_share - rules.cost_to_serve.get(facts.customer.segment, 0.0), 4)


def value_segment(assessment: Assessment, policy: ValuePolicy) -> ValueSegment:
    """The first that fits of BZC, MVC, MGC."""
    rules = policy.segments
    current = assessment.dimensions[Dimension.CURRENT].score
    potential = assessment.dimensions[Dimension.POTENTIAL].score
    margin = monthly_margin(assessment.facts, policy)
    if margin is not None and margin < 0:
        return ValueSegment.BZC
    if current is not None and current >= rules.mvc_from:
        return ValueSegment.MVC
    if potential is not None and potential >= rules.mgc_from and potential - (current or 0.0) >= rules.mgc_gap:
        return ValueSegment.MGC
    return ValueSegment.ORDINARY


def rfm(facts: Facts, policy: ValuePolicy) -> Rfm:
    """How lately, how often and for how much."""
    rules = policy.rfm
    recency = facts.recency_days
    return Rfm(
        0 if recency is None else 5 - sum(recency > cut for cut in rules.recency_days),
        _class(facts.per_day, rules.per_day),
        _class(facts.value(Indicator.MONTHLY_REVENUE), rules.per_month),
    )


def grid_cell(assessment: Assessment, policy: ValuePolicy) -> str:
    """brand|level|category|usage; the cell that the customer's record names, where it names one."""
    customer = assessment.facts.customer
    if customer.grid:
        return customer.grid
    per_day = assessment.facts.per_day
    usage = UNKNOWN
    if per_day is not None:
        usage = ("low", "mid", "high")[sum(per_day >= cut for cut in policy.grid.usage_per_day)]
    level = assessment.level or (f"{customer.star}A" if customer.star else UNKNOWN)
    return "|".join((customer.brand or UNKNOWN, level, customer.category or UNKNOWN, usage))


def _class(value: float | None, cuts: list[float]) -> int:
    return 0 if value is None else 1 + sum(value >= cut for cut in cuts)
