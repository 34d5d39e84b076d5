"""Honest difficulty: each scenario is neither given away nor hopeless, and full of stayers who look like leavers."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.events import Stream
from pipeline.sources.operator.agenda import Episode
from pipeline.sources.operator.clock import DAY_MS
from pipeline.sources.operator.config import OperatorConfig, load_scenario, scenario_names
from pipeline.sources.operator.simulate import days

HORIZON_MS = 30 * DAY_MS
STEPS = ("port_", "termination")


@dataclass(slots=True)
class Run:
    config: OperatorConfig
    left_ms: dict[str, int] = field(default_factory=dict)
    written_off_ms: dict[str, int] = field(default_factory=dict)
    lists: list[tuple[int, list[str], NDArray[np.float64]]] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    line_days: int = 0
    account_of: dict[str, str] = field(default_factory=dict)
    bills: dict[str, list[tuple[int, int, float]]] = field(default_factory=lambda: defaultdict(list))
    steps_ms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def live(scenario: str, seed: int) -> Run:
    config = load_scenario(scenario, customers=1500, days=75, seed=seed, with_calls=False, with_hazard=True)
    run = Run(config)
    for day in days(config):
        assert day.hazard is not None
        run.lists.append((day.day_ms, *day.hazard))
        run.episodes += day.episodes
        run.line_days += day.live_lines
        for one in day.truth:
            (run.written_off_ms if one.cause == "involuntary" else run.left_ms)[one.line_id] = one.churn_ms
        for line in day.streams[Stream.CUSTOMERS].lines:
            customer = msgspec.json.decode(line)
            run.account_of.update(dict.fromkeys(customer["lines"], customer["account_id"]))
        for received, _, line in day.streams[Stream.BILLING]:
            bill = msgspec.json.decode(line)
            if bill["kind"] == "invoice":
                run.bills[bill["account_id"]].append((bill["ts_ms"], received, bill["amount"]))
        for line in day.streams[Stream.ORDERS].lines:
            order = msgspec.json.decode(line)
            if order["kind"].startswith(STEPS):
                run.steps_ms[order["line_id"]].append(order["ts_ms"])
    return run


def static_rule(run: Run, day_ms: int, line: str) -> float:
    """Last known bill more than 30 % below the one before, or a port or termination event in the last 30 days."""
    known = sorted(bill for bill in run.bills[run.account_of[line]] if bill[1] <= day_ms)
    dropped = len(known) >= 2 and known[-1][2] < 0.7 * known[-2][2]
    return float(dropped or any(day_ms - HORIZON_MS <= ts < day_ms for ts in run.steps_ms[line]))


def average_precision(target: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Exact, ties counted as one step."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(target[order])
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    hits, seen = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    return float((np.diff(hits, prepend=0) * hits / seen).sum() / hits[-1])


def ceiling_and_rule(run: Run) -> tuple[float, float]:
    """Mean average precision of the true hazard and of the static rule over lists with a full month to come."""
    figures = []
    for day_ms, names, hazard in run.lists[: run.config.days - 30 : 5]:
        open_lines = [i for i, line in enumerate(names) if run.left_ms.get(line, day_ms) >= day_ms]
        judged = [i for i in open_lines if not day_ms <= run.written_off_ms.get(names[i], 0) < day_ms + HORIZON_MS]
        target = np.array([day_ms <= run.left_ms.get(names[i], 0) < day_ms + HORIZON_MS for i in judged])
        rule = np.array([static_rule(run, day_ms, names[i]) for i in judged])
        figures.append((average_precision(target, hazard[judged]), average_precision(target, rule)))
    ceiling, static = np.mean(figures, axis=0)
    return float(ceiling), float(static)


def test_average_precision_as_worked_by_hand() -> None:
    # Ranks 1 and 3 hit: (1/1 + 2/3) / 2.
    assert average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])) == pytest.approx(5 / 6)
    # All tied: the share of hits.
    assert average_precision(np.array([True, False, True]), np.zeros(3)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scenario", scenario_names())
def test_scenario_is_honestly_difficult(scenario: str, seed: int) -> None:
    run = live(scenario, seed)
    churn = run.config.churn
    assert churn.monthly_low <= 30 * len(run.left_ms) / run.line_days <= churn.monthly_high

    leavers = [episode for episode in run.episodes if episode.leaves]
    traces = Counter(episode.trace for episode in leavers)
    assert traces["fade"] >= 0.2 * len(leavers)
    assert traces["none"] >= 0.05 * len(leavers)

    deciders = sum(episode.decides for episode in run.episodes)
    decided = {episode.line for episode in run.episodes if episode.decides}
    stayers = sum(not e.decides and e.line not in decided for e in run.episodes)
    assert stayers >= 5 * deciders

    ceiling, rule = ceiling_and_rule(run)
    assert 0.3 <= ceiling <= 0.7
    assert rule <= ceiling / 2


def test_seven_scenarios_exist_and_calm_and_prepaid_keep_to_the_known_base_rates() -> None:
    assert set(scenario_names()) == {
        "calm",
        "price-war",
        "outage",
        "festival",
        "key-accounts",
        "prepaid",
        "feed-silent",
    }
    assert load_scenario("calm").churn.monthly_low >= 0.015
    assert load_scenario("calm").churn.monthly_high <= 0.025
    assert load_scenario("prepaid").churn.monthly_high <= 0.09
