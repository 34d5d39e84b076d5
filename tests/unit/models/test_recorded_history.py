"""A recorded history learnt afterwards gives the lists that a backtest gives while it learns."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.operator_learning.bars import Bar, as_json, as_table
from benchmarks.operator_learning.history import ASSIGNMENTS, history_of
from benchmarks.operator_learning.learning import learnt
from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.replay import Replay
from churnwatch.backtest.run import lists_of
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory

SOON = (*ASSIGNMENTS, "learning.minimum_positives=1", "learning.promotion_labels=500")


def test_lists_scored_afterwards_are_those_of_the_backtest(tmp_path: Path) -> None:
    write_directory(load_scenario("price-war", customers=200, days=32, seed=5), tmp_path, "none", lambda _: None)
    history = history_of(tmp_path, SOON)
    afterwards = learnt(history)
    lists = history.rescored(afterwards.scores)

    parts = parts_with(SOON)
    replay = Replay(find_directory(tmp_path), parts)
    replayed = replay.run(lambda _: None)
    live = lists_of(replayed, replay.tasks, parts.settings)

    assert replayed.models_published > 2
    assert [day.day_ms for day in lists.days] == [day.day_ms for day in live.days]
    for one, other in zip(lists.days, live.days, strict=True):
        assert np.allclose(one.scores, other.scores, rtol=1e-4, atol=1e-7)  # features were kept in 32 bits
    assert not np.allclose(lists.days[-1].scores, history.lists.days[-1].scores, rtol=1e-2)


@pytest.mark.parametrize(("value", "met"), [(0.19, False), (0.2, True), (0.3, True), (0.31, False)])
def test_a_bar_is_met_within_its_limits(value: float, met: bool) -> None:
    bar = Bar("x", value, least=0.2, most=0.3)

    assert as_json([bar])["x"]["met"] is met
    assert as_table([bar])[-1] == f"| x | {value:.3f} | 0.2 to 0.3 | {'yes' if met else 'no'} |"
