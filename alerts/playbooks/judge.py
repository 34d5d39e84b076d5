"""Is an offer worth making to this customer: net present value, payback and internal rate of return. Pure.

Month 0 bears what the offer costs at once. In each later month it brings the customer's margin times the chance that the
offer is what keeps them, as long as they then stay, and costs what it costs a month.
"""

import math

import msgspec
import numpy as np
import numpy_financial
from numpy.typing import NDArray

from alerts.playbooks.playbook import Economics, Offer

MONTHS_A_YEAR = 12


class Judgement(msgspec.Struct, frozen=True):
    """`payback_months` None: never within the horizon. `irr_year` None: there is none, for nothing is laid out or nothing
    comes back. `misses`: names of the bars that it misses; empty: it may be proposed.
    """

    offer_id: str
    cost: float
    npv: float
    payback_months: float | None
    irr_year: float | None
    misses: list[str]

    @property
    def worthwhile(self) -> bool:
        return not self.misses


def judge(offer: Offer, margin_month: float, p_churn: float, rules: Economics) -> Judgement:
    """The judgement of one offer to a customer who brings `margin_month` (the operator's currency) and leaves without it
    with the chance `p_churn`, 0-1.
    """
    flows = cash_flows(offer, margin_month, p_churn, rules)
    monthly_rate = (1 + rules.discount_rate_year) ** (1 / MONTHS_A_YEAR) - 1
    npv = float(numpy_financial.npv(monthly_rate, flows))
    payback = payback_months(flows)
    irr = _irr_year(flows)
    misses = []
    if npv < rules.npv_min:
        misses.append("npv")
    if payback is None or payback > rules.payback_months_max:
        misses.append("payback")
    if irr is not None and irr < rules.irr_year_min:
        misses.append("irr")
    return Judgement(offer.id, round(offer.cost, 2), round(npv, 2), payback, irr, misses)


def cash_flows(offer: Offer, margin_month: float, p_churn: float, rules: Economics) -> NDArray[np.float64]:
    """Expected money by month, shape (horizon_months + 1,).

    >>> from alerts.playbooks.playbook import Text
    >>> rules = Economics(0.0, 3, 0.5, 0.0, 12.0, 0.0, {}, 0.0)
    >>> text = Text("优惠", "offer")
    >>> cash_flows(Offer("a", text, save_share=0.5, months=2, cost_once=4.0, cost_month=1.0), 40.0, 0.4, rules).tolist()
    [-4.0, 7.0, 3.0, 2.0]
    """
    months = np.arange(1, rules.horizon_months + 1)
    kept = p_churn * offer.save_share * margin_month * rules.stay_share_month ** (months - 1)
    return np.concatenate(([-offer.cost_once], kept - np.where(months <= offer.months, offer.cost_month, 0.0)))


def payback_months(flows: NDArray[np.float64]) -> float | None:
    """Months until the sum is no longer below zero, and stays so; within a month on a straight line. None: never.

    >>> payback_months(np.array([-10.0, 4.0, 4.0, 4.0])), payback_months(np.array([-10.0, 1.0])), payback_months(np.zeros(2))
    (2.5, None, 0.0)
    """
    sums = np.cumsum(flows)
    below = np.flatnonzero(sums < 0)
    if not len(below):
        return 0.0
    last = int(below[-1])
    if last + 1 == len(sums):
        return None
    return round(float(last + -sums[last] / flows[last + 1]), 2)


def _irr_year(flows: NDArray[np.float64]) -> float | None:
    if not (flows < 0).any() or not (flows > 0).any():
        return None
    monthly = float(numpy_financial.irr(flows))
    if not math.isfinite(monthly) or monthly <= -1:
        return None
    yearly: float = (1 + monthly) ** MONTHS_A_YEAR - 1
    return round(min(yearly, 1e6), 4)
