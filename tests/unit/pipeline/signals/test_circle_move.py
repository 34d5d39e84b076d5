"""Contacts that end up at one rival: told from many rivals, from few calls, and from who was always there."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.features.facts import Facts
from pipeline.kinds import RIVAL_PLACES, classify, rival_place
from pipeline.signals.network import circle_move, one_rivals_shares
from tests.fakes.line_facts import facts
from tests.fakes.pipeline_runs import policy

CALLS = {"voice_out": (6.0, 6.0, 6.0), "voice_in": (4.0, 4.0, 4.0)}


def line(rivals: dict[int, tuple[float, float]], calls: float = 1.0, age_days: float = 200.0) -> Facts:
    """A line of ten calls a day times `calls`, of which so many are with each rival, lately and usually."""
    table = np.zeros((1, RIVAL_PLACES, 2))
    for place, pair in rivals.items():
        table[0, place] = pair
    rates = {name: (calls * fast, calls * middle, calls * slow) for name, (fast, middle, slow) in CALLS.items()}
    return replace(facts(rates, age_days=age_days), rivals=calls * table)


def strength(rivals: dict[int, tuple[float, float]], calls: float = 1.0, age_days: float = 200.0) -> float:
    return float(circle_move(line(rivals, calls, age_days))[0])


def test_contacts_that_follow_each_other_to_one_rival_are_told() -> None:
    assert strength({2: (4.0, 1.0)}) > 0.95
    recent, usual, occasions = one_rivals_shares(line({2: (4.0, 1.0), 0: (2.0, 2.0)}))
    assert (recent[0], usual[0]) == pytest.approx((4.0 / 10.05, 1.0 / 10.05))
    assert occasions[0] == pytest.approx(10.0 * 14.0 / np.log(2.0) / 3.0)


def test_the_same_rise_spread_over_all_rivals_or_over_few_calls_is_not() -> None:
    assert strength(dict.fromkeys(range(RIVAL_PLACES), (1.6, 1.0))) < 0.1
    assert strength({2: (4.0, 1.0)}, calls=0.02) < 0.3


def test_who_always_called_that_rival_or_is_new_is_not_told() -> None:
    assert strength({1: (8.0, 8.0)}) == 0.0
    assert strength({2: (4.0, 1.0)}, age_days=10.0) == 0.0
    assert circle_move(facts(CALLS))[0] == 0.0  # between two sweeps nobody looked


def test_only_talk_with_a_rivals_customers_counts() -> None:
    assert classify(("voice", "mt", "rival-b", "subscriber", False, False)).rival == 1 + rival_place("rival-b")
    hotline, data = ("voice", "mo", "rival-b", "competitor_hotline"), ("data", "mo", "rival-b", "other")
    for key in (("voice", "mo", "self", "subscriber"), hotline, data):
        assert classify((*key, False, False)).rival == 0


def test_it_is_evidence_only_for_everybody_as_it_is_shipped() -> None:
    assert not policy().soft["circle_move"].told_of().any()
