"""The quality benchmark judges every scorer on the same lists, and lets none of them see a label too early."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.operator_quality.contenders import CONTENDERS, Labels
from benchmarks.operator_quality.recording import Day, Recording, record
from benchmarks.quality import SCORERS, as_markdown, mean_of, measure, with_spread
from models.evaluation.daily_lists import DAY_MS, Lists
from pipeline.events import Truth
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder: Path = tmp_path_factory.mktemp("days")
    write_directory(load_scenario("calm", customers=150, days=70, seed=3), folder, "none", lambda _: None)
    return record(folder)


def test_what_others_see_is_what_our_engine_listed(recording: Recording) -> None:
    ids = recording.lists.line_ids

    for listed, seen in zip(recording.lists.days, recording.days, strict=True):
        assert {ids[line] for line in listed.lines} == set(seen.line_ids)
        assert len(np.concatenate(seen.features)) == len(np.concatenate(seen.counts)) == len(seen.line_ids)


@pytest.mark.parametrize("name", ["lightgbm_monthly", "lightgbm_daily", "river_logistic"])
def test_no_score_depends_on_what_was_not_over_then(recording: Recording, name: str) -> None:
    at = 45
    known_ms = recording.days[at].day_ms
    known = {line_id: truth for line_id, truth in recording.truths.items() if truth.churn_ms <= known_ms}
    blind = Recording(recording.lists, known, recording.days)

    for seen, unseen in zip(CONTENDERS[name](recording)[: at + 1], CONTENDERS[name](blind)[: at + 1], strict=True):
        assert seen.tolist() == unseen.tolist()


def test_forced_leavers_are_no_examples() -> None:
    truths = {
        "left": Truth("a", "left", 10 * DAY_MS, "price"),
        "forced": Truth("a", "forced", 10 * DAY_MS, "involuntary"),
        "later": Truth("a", "later", 40 * DAY_MS, "price"),
    }

    left, usable = Labels(Recording(Lists([], [], 0), truths, [])).of(Day(DAY_MS, ["left", "forced", "later", "stays"]))

    assert left.tolist() == [True, False, False, False]
    assert usable.tolist() == [True, False, True, True]


def test_the_ceiling_stands_above_everybody_and_figures_are_averaged() -> None:
    told = measure("calm", 5, customers=200, days=70)

    assert set(told) == {"churnwatch", *CONTENDERS, "ceiling"}
    best = max(told, key=lambda name: float(told[name]["average_precision"]))
    assert best == "ceiling"
    assert mean_of([told, told])["ceiling"]["auc"] == pytest.approx(told["ceiling"]["auc"], abs=1e-4)


def test_the_table_tells_every_scorer_of_every_scenario_and_the_spread_of_the_seeds() -> None:
    seeds = [{name: _figures(start + place / 100) for place, name in enumerate(SCORERS)} for start in (0.1, 0.3)]
    options = Namespace(customers=10, days=75, seeds=2, first_seed=21)

    document = as_markdown({"calm": with_spread(seeds)}, options)

    assert "21 to 22" in document
    assert all(document.count(f"| {name} |") >= 2 for name in SCORERS)
    assert "| 0.100-0.300 | 0.71 |" in document  # mean 0.2 over a ceiling of 0.28


def _figures(value: float) -> dict[str, Any]:
    return {
        "average_precision": value, "auc": value, "undeclared": {"average_precision": None}, "precision_at": {"0.02": value},
        "recall_at": {"0.02": value}, "lead_time_days": {"p50": 1.0, "p90": 2.0}, "warned_7d_before": value,
    }  # fmt: skip
