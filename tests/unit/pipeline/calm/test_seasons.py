"""Businesses that rest at the same time each year are expected to: by their trade, or by their own year."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.calm.season import (
    FORTNIGHTS,
    TRADE_LINES_MIN,
    code_of,
    fortnight_of,
    own_season,
    rate_of,
    trade_seasons,
)
from pipeline.signals.usage import usage_drop
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.population import build_population, category_of
from pipeline.sources.operator.seasons import Seasons
from pipeline.state.catalogue import QUANTITY_INDEX
from pipeline.state.decay import DAY_MS
from tests.fakes.line_facts import facts

#: A midnight that begins a fortnight, and the slots of that fortnight and of the ones before it.
NOW_MS = 14 * 1466 * DAY_MS
HERE = fortnight_of(NOW_MS) % FORTNIGHTS


def year(resting: int = 0, level: float = 10.0, quiet: float = 2.0) -> np.ndarray:
    """Codes of a year of `level` events a day, of which the fortnight `resting` slots from now last year was quiet."""
    rates = np.full((1, FORTNIGHTS), level)
    rates[0, (HERE + resting) % FORTNIGHTS] = quiet
    return code_of(rates)


def test_a_rate_survives_its_byte_within_five_per_cent() -> None:
    rates = np.array([0.0, 0.3, 2.0, 77.0, 9000.0])
    assert rate_of(code_of(rates)) == pytest.approx(rates, rel=0.06, abs=0.01)


def test_who_was_quiet_at_this_time_last_year_is_expected_to_be() -> None:
    assert own_season(year(), NOW_MS)[0] == pytest.approx(2.2 / 10.2, rel=0.1)
    assert own_season(year(resting=-1), NOW_MS)[0] == pytest.approx(2.2 / 10.2, rel=0.1)
    assert own_season(year(resting=9), NOW_MS)[0] == pytest.approx(1.0)
    assert own_season(np.zeros((1, FORTNIGHTS), np.uint8), NOW_MS)[0] == 1.0


def test_a_year_that_is_not_known_yet_excuses_nobody() -> None:
    young = year()
    young[0, (HERE - 2) % FORTNIGHTS] = 0
    assert own_season(young, NOW_MS)[0] == 1.0


def test_a_trade_that_rests_is_told_from_one_business_that_falls() -> None:
    usual = np.full(40, 12.0)
    trades = np.repeat([1, 2], 20)
    now = usual.copy()
    now[:20] = 3.0
    now[20] = 0.0
    rest, ordinary = trade_seasons(now, usual, trades, 3)[1:]
    assert rest == pytest.approx((60 + 40) / (240 + 40))
    assert ordinary > 0.9


def test_a_trade_of_a_few_lines_and_an_unknown_one_excuse_nobody() -> None:
    few = np.full(TRADE_LINES_MIN - 1, 12.0)
    assert trade_seasons(few * 0.0, few, np.ones(len(few), np.int64), 2).tolist() == [1.0, 1.0]
    many = np.full(30, 12.0)
    assert trade_seasons(many * 0.0, many, np.zeros(30, np.int64), 1).tolist() == [1.0]


def test_a_drop_that_the_season_explains_is_no_drop() -> None:
    fallen = facts({"voice_out": (3.0, 6.0, 12.0), "data_sessions": (2.0, 4.0, 8.0)})
    season = replace(fallen, crowd_change=np.full((1, len(QUANTITY_INDEX)), 0.25))
    assert usage_drop(fallen)[0] > 0.8
    assert usage_drop(season)[0] < 0.05


def test_seasonal_trades_of_the_operator_rest_together_and_every_year_alike() -> None:
    config = load_scenario("calm", customers=800, days=10, seed=21)
    population = build_population(config)
    seasons = Seasons(config, population)
    resting = np.flatnonzero(seasons.factor(30) < 0.5)  # 1 April: between the holidays
    trades = {category_of(int(account)) for account in population.account_of[resting]}
    assert trades == {"tourism", "heating"}
    assert (population.line_segment[resting] < 2).all()
    assert np.array_equal(seasons.factor(30), seasons.factor(30 + 365))
    assert 0.001 < len(resting) / population.n_lines < 0.15
