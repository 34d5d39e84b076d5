"""Offers in money, against examples worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.playbooks.judge import cash_flows, judge, payback_months
from alerts.playbooks.playbook import Economics, Offer, Text

PLAIN = Economics(0.0, 12, 1.0, 0.0, 12.0, 0.0, {}, 0.0)


def offer(**changes: float) -> Offer:
    values = {"save_share": 0.5, "months": 0, "cost_once": 0.0, "cost_month": 0.0, **changes}
    return Offer("one", Text("优惠", "offer"), **values)  # type: ignore[arg-type]  # months is whole


def test_net_present_value_payback_and_rate_of_return_by_hand() -> None:
    # 100 now, then 0.4 x 0.5 x 100 = 20 a month: 12 x 20 - 100 = 140; back after 5 months.
    judged = judge(offer(cost_once=100.0), 100.0, 0.4, PLAIN)
    assert (judged.npv, judged.payback_months, judged.misses) == (140.0, 5.0, [])
    # 100 = 20 / r x (1 - (1 + r)^-12) has r = 16.9428 % a month, that is 554.5 % a year.
    assert judged.irr_year == pytest.approx(5.545, abs=0.01)


def test_a_later_month_is_worth_less() -> None:
    # 12 % a year; one month: -10 + 20 / 1.12^(1/12) = 9.8120.
    rules = Economics(0.12, 1, 1.0, 0.0, 12.0, 0.0, {}, 0.0)
    assert judge(offer(cost_once=10.0), 100.0, 0.4, rules).npv == pytest.approx(9.81, abs=0.005)


def test_what_costs_more_than_it_brings_misses_its_bars() -> None:
    judged = judge(offer(cost_once=1000.0), 100.0, 0.4, PLAIN)
    assert judged.misses == ["npv", "payback", "irr"]
    assert judged.payback_months is None
    assert not judged.worthwhile


def test_what_is_slow_to_come_back_misses_payback_only() -> None:
    rules = Economics(0.0, 24, 1.0, 0.0, 6.0, 0.0, {}, 0.0)
    assert judge(offer(cost_once=200.0), 100.0, 0.4, rules).misses == ["payback"]


def test_an_offer_to_somebody_who_would_stay_anyway_is_not_worth_its_monthly_cost() -> None:
    assert "npv" in judge(offer(cost_month=2.0, months=12), 25.0, 0.01, PLAIN).misses


def test_payback_counts_from_the_last_time_below_zero() -> None:
    assert payback_months(np.array([-10.0, 20.0, -15.0, 10.0])) == 2.5


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1000))
def test_the_likelier_the_leaving_the_more_an_offer_is_worth(one: float, other: float, margin: float) -> None:
    low, high = sorted((one, other))
    made = offer(cost_once=5.0, cost_month=1.0, months=6)
    assert cash_flows(made, margin, low, PLAIN).sum() <= cash_flows(made, margin, high, PLAIN).sum() + 1e-9
