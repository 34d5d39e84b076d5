"""Hazards rise where a cause says so, keep to the wanted total, and key accounts send their pilot lines first."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.sources.operator.agenda import Agenda
from pipeline.sources.operator.causes import CAUSE_NAMES, KEY_CAUSE, Hazards, spread_exposure
from pipeline.sources.operator.circles import Circles, build_circles
from pipeline.sources.operator.clock import DAY_MS, generator
from pipeline.sources.operator.config import OperatorConfig, Shock, load_scenario
from pipeline.sources.operator.life import NEVER_MS, LineState
from pipeline.sources.operator.population import KEY, PUBLIC, Population, build_population
from pipeline.sources.operator.scripts import Stage, decide

World = tuple[OperatorConfig, Population, Circles, LineState]


@pytest.fixture
def world() -> World:
    config = load_scenario("calm", customers=1500)
    population = build_population(config)
    return config, population, build_circles(config, population), LineState(population)


def daily(world: World, day: int = 10) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    config, population, circles, state = world
    return np.asarray(Hazards(config, population, circles).of_day(day, state, state.live(0))).reshape(
        len(CAUSE_NAMES), -1
    )


def public_line(world: World) -> int:
    return int(np.flatnonzero(world[1].line_segment == PUBLIC)[0])


def after_a_fault(world: World, line: int) -> None:
    world[3].fault_day[line] = 9


def after_contacts_left(world: World, line: int) -> None:
    world[3].exposure[line] = 2.0


@pytest.mark.parametrize(("cause", "happen"), [("service", after_a_fault), ("contagion", after_contacts_left)])
def test_what_happened_to_a_line_raises_the_hazard_of_its_cause(
    world: World, cause: str, happen: Callable[[World, int], None]
) -> None:
    line, row = public_line(world), CAUSE_NAMES.index(cause)
    happen(world, line)
    hazard = daily(world)[row]
    assert hazard[line] > 5 * np.median(hazard[world[1].line_segment == PUBLIC])


def test_contacts_of_a_line_that_left_come_under_its_influence(world: World) -> None:
    _, population, circles, state = world
    known = int(np.flatnonzero(circles.peer >= 0)[0])
    left = np.zeros(population.n_lines, np.bool_)
    left[circles.peer[known]] = True
    spread_exposure(state, circles, left)
    assert state.exposure[circles.owner[known]] >= 1
    before = state.exposure.sum()
    spread_exposure(state, circles, np.zeros_like(left))
    assert state.exposure.sum() < before


def test_a_decided_line_and_one_that_left_have_no_hazard_to_decide(world: World) -> None:
    state = world[3]
    state.decided[5] = True
    state.left_ms[6] = 0
    assert daily(world)[:, [5, 6]].sum() == 0


def test_a_price_war_multiplies_price_and_rival_and_nothing_else(world: World) -> None:
    config, population, circles, state = world
    war = load_scenario("calm", customers=1500, shocks=[{"kind": "price_war", "day": 5, "days": 10, "factor": 3.0}])
    assert war.shocks == [Shock("price_war", day=5, days=10, factor=3.0)]
    calm, hot = daily(world).sum(axis=1), daily((war, population, circles, state)).sum(axis=1)
    for cause, factor in zip(CAUSE_NAMES, hot / np.maximum(calm, 1e-12), strict=True):
        if calm[CAUSE_NAMES.index(cause)] > 0:
            assert factor == pytest.approx(3.0 if cause in {"price", "rival"} else 1.0)
    assert config.shocks == []


def test_the_true_hazard_of_a_decider_falls_once_its_time_is_nearly_over(world: World) -> None:
    config, population, circles, state = world
    hazards = Hazards(config, population, circles)
    line = public_line(world)
    undecided = hazards.within_horizon(10, state, daily(world))[line]
    state.decided[line], state.cause[line], state.decided_day[line] = True, CAUSE_NAMES.index("price"), 8
    decided = hazards.within_horizon(10, state, daily(world))[line]
    assert undecided < 0.2
    assert 0.6 < decided <= 1 - config.churn.won_back_share + 1e-9


def test_a_key_account_that_leaves_sends_pilot_lines_ahead() -> None:
    config = load_scenario("key-accounts", customers=1500)
    population = build_population(config)
    sizes = np.diff(population.first_line)
    account = int(np.argmax(np.where(population.segment == KEY, sizes, 0)))
    lines = np.arange(population.first_line[account], population.first_line[account + 1])
    spreads = []
    for number in range(30):
        state = LineState(population)
        decide(generator(number, "pilot"), Stage(config, population, state, Agenda(), []), int(lines[0]), KEY_CAUSE, 0)
        left = state.left_ms[lines]
        if (left == NEVER_MS).mean() < 0.5:
            days_after = (left[left < NEVER_MS] - left.min()) / DAY_MS
            spreads.append((float(np.median(days_after)), float((days_after < 0.4 * np.median(days_after)).mean())))
    assert len(spreads) > 15
    median_days, pilots = np.mean(spreads, axis=0)
    assert median_days > 8
    assert 0.02 < pilots < 0.4
