"""The firewall: two meters, and alarms before a contract ends."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.tasks import Customer
from alerts.value.facts import gather
from alerts.value.firewall import alarm_due, expiry_warning, firewall
from alerts.value.policy import read_value_policy
from pipeline.events import Level
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer

POLICY = read_value_policy()
RULES = POLICY.firewall


def bound(days_left: float | None, **changes: object) -> Customer:
    ends_ms = None if days_left is None else NOON_MS + int(days_left * DAY_MS)
    made = customer(segment="key_account", contract_end_ms=ends_ms, brand="enterprise")
    return msgspec.structs.replace(made, **changes)


def test_both_meters_worked_by_hand() -> None:
    whose = bound(73, lines=[f"l-{n}" for n in range(25)], indicators={"our_share_of_spend": 5.0, "new_services": 1.0})
    built = firewall(gather(whose, [], POLICY, NOON_MS), RULES)
    # Soft: brand 0.8, tariff 5/10, package 1/5, a third each. Hard: contract 73/365 with weight 3, lines 25/50 with 1.
    assert built.soft.height == pytest.approx((0.8 + 0.5 + 0.2) / 3, abs=1e-6)
    assert built.hard.height == pytest.approx((3 * 0.2 + 1 * 0.5) / 4, abs=1e-6)


def test_of_a_meter_without_any_knowledge_no_height_is_invented() -> None:
    whose = bound(None, brand=None, lines=[])
    built = firewall(gather(whose, [], POLICY, NOON_MS), RULES)
    assert built.soft.height is None
    assert built.expiries == []


@given(st.floats(0, 4000), st.floats(0, 4000))
def test_a_longer_contract_never_lowers_the_hard_firewall(one: float, other: float) -> None:
    low, high = sorted((one, other))
    heights = [firewall(gather(bound(days), [], POLICY, NOON_MS), RULES).hard.height or 0 for days in (low, high)]
    assert 0 <= heights[0] <= heights[1] <= 1


@pytest.mark.parametrize(
    ("days_left", "alarm"),
    [(91, None), (90, 90), (61, 90), (60, 60), (30.5, 60), (30, 30), (0.5, 30), (0, None), (-5, None), (None, None)],
)
def test_alarms_stand_90_60_and_30_days_ahead(days_left: float | None, alarm: int | None) -> None:
    found = alarm_due(bound(days_left), NOON_MS, RULES)
    assert (found.days if found else None) == alarm


def test_the_mass_market_is_not_alarmed() -> None:
    assert alarm_due(bound(30, segment="public"), NOON_MS, RULES) is None
    assert alarm_due(bound(30, segment="business"), NOON_MS, RULES) is not None


def test_every_alarm_of_a_contract_is_listed_with_its_day() -> None:
    built = firewall(gather(bound(59), [], POLICY, NOON_MS), RULES)
    assert [(expiry.days, expiry.raised) for expiry in built.expiries] == [(90, True), (60, True), (30, False)]
    assert built.expiries[0].at_ms == NOON_MS - 31 * DAY_MS


def test_an_alarm_is_one_warning_however_often_it_is_asked_for() -> None:
    first = expiry_warning(bound(30), NOON_MS, RULES)
    later = expiry_warning(bound(30), NOON_MS + 3 * DAY_MS, RULES)
    assert first is not None
    assert later is not None
    assert first.warning_id == later.warning_id
    assert (first.level, first.line_id, first.signals[0].name) == (Level.WARN, None, "contract_end")
    assert first.signals[0].evidence == {"days_left": 30.0}


def test_each_alarm_and_each_contract_warns_anew() -> None:
    told = [expiry_warning(bound(days), NOON_MS, RULES) for days in (90, 60, 30, 29)]
    assert len({warning.warning_id for warning in told if warning is not None}) == 4
    assert [warning.level for warning in told if warning is not None][:2] == [Level.WATCH, Level.WATCH]
