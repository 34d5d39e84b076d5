"""Calls that go to rivals, and bills that fall: by hand, against noise, within bounds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.episodes import end_episode, raise_episode
from pipeline.events import Level
from pipeline.signals.base import ratio, unit
from pipeline.signals.network import (
    competitor_hotline,
    forward_off_net,
    hotline_calls,
    off_net_shares,
    off_net_shift,
)
from pipeline.signals.registry import SOFT_SIGNAL_NAMES, SWEPT_SIGNALS
from pipeline.signals.spend import spend_drop
from pipeline.state.cases import Case
from pipeline.state.decay import effective_days
from tests.fakes.line_facts import facts

FAST_DAYS = 3.5 / math.log(2.0)


def shift_of(rival: tuple[float, float], own: tuple[float, float], age_days: float = 200.0) -> float:
    rates = {"to_rival": (rival[0], 0.0, rival[1]), "to_own_network": (own[0], 0.0, own[1])}
    return float(off_net_shift(facts(rates, age_days=age_days))[0])


def test_off_net_shift_by_hand() -> None:
    """Ten a day, two of them to rivals before, six now: 50.5 recent events shrunk by 8 at the usual share of 0.2."""
    recent = (6 * FAST_DAYS + 8 * 0.2) / (10 * FAST_DAYS + 8)
    assert shift_of((6.0, 2.0), (4.0, 8.0)) == pytest.approx((recent - 0.2 - 0.08) / (0.45 - 0.08), rel=1e-9)


def test_one_call_to_a_rival_out_of_one_is_no_shift_and_a_hundred_of_a_hundred_is() -> None:
    assert shift_of((1 / FAST_DAYS, 0.0), (0.0, 3.0)) < 0.1
    assert shift_of((100 / FAST_DAYS, 0.0), (0.0, 3.0)) == 1.0


def test_who_always_calls_rivals_does_not_shift() -> None:
    assert shift_of((9.0, 9.0), (1.0, 1.0)) == 0.0
    assert shift_of((0.0, 0.0), (0.0, 0.0)) == 0.0
    assert shift_of((9.0, 0.0), (0.0, 9.0), age_days=13.0) == 0.0


@given(*[st.floats(0, 1e6)] * 4)
def test_shares_are_shares(rival_now: float, rival_usual: float, own_now: float, own_usual: float) -> None:
    rates = {"to_rival": (rival_now, 0.0, rival_usual), "to_own_network": (own_now, 0.0, own_usual)}
    for share in off_net_shares(facts(rates)):
        assert -1e-12 <= share[0] <= 1.0 + 1e-12


@pytest.mark.parametrize("age_days", [0.0, 0.001, 0.5, 7.0, 300.0])
@pytest.mark.parametrize("calls", [1, 2])
def test_hotline_calls_are_counted_whatever_the_age_of_the_line(age_days: float, calls: int) -> None:
    days = effective_days(facts(age_days=age_days).age_days)[0]
    lines = facts({"hotline": (0.0, calls / days[1], 0.0)}, age_days=age_days)
    assert hotline_calls(lines)[0] == pytest.approx(calls)
    assert competitor_hotline(lines)[0] == pytest.approx(1.0 - math.exp(-calls))


def test_bills_that_fall_by_hand() -> None:
    strength, evidence = spend_drop([50.0, 52.0, 50.0, 30.0])
    assert strength == pytest.approx((0.4 - 0.12) / 0.48)
    assert evidence == {"last_bill": 30.0, "median_bill": 50.0, "drop_ratio": pytest.approx(0.4), "bills": 4.0}


@pytest.mark.parametrize(
    "bills",
    [
        [],
        [50.0],
        [50.0, 0.0],
        [50.0, 50.0, 45.0],
        [50.0, 50.0, 80.0],
        [20.0, 90.0, 35.0, 20.0],
        [0.0, 0.0, 0.0],
        [-5.0, -5.0, 1.0],
    ],
    ids=["none", "one", "two", "a tenth less", "more", "always jumping", "free", "credit"],
)
def test_bills_that_say_nothing(bills: list[float]) -> None:
    assert spend_drop(bills)[0] == 0.0


@given(st.lists(st.floats(-1e6, 1e6), max_size=6))
def test_a_bill_signal_is_within_bounds_with_finite_evidence(bills: list[float]) -> None:
    strength, evidence = spend_drop(bills)
    assert 0.0 <= strength <= 1.0
    assert all(math.isfinite(number) for number in evidence.values())


def test_every_detector_is_silent_and_finite_about_a_line_of_which_nothing_is_known() -> None:
    nothing = facts(age_days=0.0, gap_days=math.nan, active_days=0.0, watched_days=0.0)
    for signal in SWEPT_SIGNALS:
        assert signal.strength(nothing).tolist() == [0.0]
        assert signal.name in SOFT_SIGNAL_NAMES
        assert all(values.shape == (1,) for values in signal.evidence(nothing).values())


def test_what_cannot_be_computed_is_no_signal() -> None:
    values = facts(bills=[math.nan, math.inf, -math.inf, 0.5]).bills[0, -4:]
    assert unit(values).tolist() == [0.0, 1.0, 0.0, 0.5]
    assert ratio(values[-1:], values[-1:] * 0).tolist() == [0.0]


def test_an_episode_begins_once_rises_once_a_level_and_ends_once() -> None:
    case = Case()
    steps = [
        (1, 0.5, Level.WATCH),
        (2, 0.7, Level.WATCH),
        (3, 0.8, Level.WARN),
        (4, 0.6, Level.WATCH),
        (5, 0.9, Level.WARN),
    ]
    assert [raise_episode(case, "s", now, strength, level, {}) for now, strength, level in steps] == [
        True, False, True, False, False,
    ]  # fmt: skip
    episode = case.episodes["s"]
    assert (episode.began_ms, episode.level_ms, episode.level, episode.strength) == (1, 3, Level.WARN, 0.9)
    assert [end_episode(case, "s"), end_episode(case, "s")] == [True, False]
    assert case.is_empty()


def test_forwarding_to_a_rival_is_told_at_once_and_forgotten_by_half_in_two_weeks() -> None:
    strengths = [
        float(forward_off_net(replace(facts(), forwarded_days=np.array([days])))[0]) for days in (0.0, 14.0, math.nan)
    ]
    assert strengths == [1.0, pytest.approx(0.5), 0.0]
