"""A synthetic operator's days replayed by `churnwatch backtest`: the same each time, honest, and judged exactly."""

import gzip
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.run import Backtest, run_backtest
from churnwatch.commands import backtest, simulate
from models.evaluation.report_figures import NEED_TRUTH
from pipeline.events import ChurnWarning, Stream

pytestmark = pytest.mark.long

DAY_MS = 86_400_000
#: A first model after few churners, so that a small operator has one.
LEARN_EARLY = "learning.minimum_positives=3"
#: Six ticks a day: what is promised here does not depend on how many there are, and their number decides how long it takes.
FEW_TICKS = "engine.tick_s=14400"
#: As with ticks: each partition has its own. That processes change nothing is another test's.
PARTITIONS = 2
SMALL = ["--partitions", str(PARTITIONS), "--processes", "1", "--set", FEW_TICKS]
CONTRACT_KEYS = {
    "events", "lines", "churners", "base_rate", "warnings", "warned_lines", "precision_at", "recall_at",
    "average_precision", "auc", "ece", "lead_time_days", "warned_7d_before", "false_alarms_per_1000_line_weeks",
    "expected_profit", "by_cause", "undeclared", "dead_letters", "duplicates", "late", "events_per_s", "peak_rss_mb",
    "warnings_hash",
}  # fmt: skip


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    simulate.register(app)
    backtest.register(app)
    return app


@pytest.fixture(scope="module")
def quarter(app: typer.Typer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quarter") / "days"
    made = CliRunner().invoke(app, ["simulate", "--out", str(folder), "--customers", "250", "--days", "75"])
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(scope="module")
def told(app: typer.Typer, quarter: Path) -> dict[str, Any]:
    return run(
        app, quarter, "--scores", str(quarter.parent / "scores.jsonl"), "--report", str(quarter.parent / "r.html")
    )


def run(app: typer.Typer, folder: Path, *more: str) -> dict[str, Any]:
    answer = CliRunner().invoke(app, ["backtest", str(folder), "--json", "--set", LEARN_EARLY, *SMALL, *more])
    assert answer.exit_code == 0, answer.output
    figures: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def replayed(folder: Path) -> Backtest:
    return run_backtest(find_directory(folder), parts_with([LEARN_EARLY, FEW_TICKS], PARTITIONS), lambda _: None)


def records_of(folder: Path) -> int:
    return sum(len((folder / f"{stream}.jsonl").read_bytes().splitlines()) for stream in Stream)


def test_every_figure_of_the_contract_is_there_and_every_record_counted(told: dict[str, Any], quarter: Path) -> None:
    assert set(told) >= CONTRACT_KEYS
    assert told["events"] == records_of(quarter)
    assert told["labels_learned"] > 100
    assert told["models_published"] > 0
    assert told["lists_judged"] == 75 - 1 - 30
    assert 0.0 < told["base_rate"] < 0.1


def test_the_same_directory_gives_the_same_warnings_also_packed(
    app: typer.Typer, told: dict[str, Any], quarter: Path, tmp_path: Path
) -> None:
    for path in quarter.glob("*.jsonl"):
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))

    again = run(app, tmp_path)

    assert again["warnings_hash"] == told["warnings_hash"]
    assert again["average_precision"] == told["average_precision"]


def test_another_policy_gives_other_warnings(app: typer.Typer, told: dict[str, Any], quarter: Path) -> None:
    changed = run(app, quarter, "--set", "policy.soft.usage_drop.on=0.99", "--set", "policy.soft.silence.on=0.99")

    assert changed["warnings_hash"] != told["warnings_hash"]
    assert changed["warnings"] < told["warnings"]


def test_nothing_is_known_before_it_happened(quarter: Path, tmp_path: Path) -> None:
    whole = replayed(quarter)
    cut_ms = whole.lists.days[55].day_ms
    for path in quarter.glob("*.jsonl"):
        lines = [line for line in path.read_bytes().splitlines(keepends=True) if _received(line) < cut_ms]
        (tmp_path / path.name).write_bytes(b"".join(lines))

    half = replayed(tmp_path)

    assert half.replayed.models_published > 0
    assert _lists(half, cut_ms) == _lists(whole, cut_ms)
    assert _warnings(half, cut_ms) == _warnings(whole, cut_ms)


def test_figures_equal_those_computed_again_from_the_scores_and_the_truth(told: dict[str, Any], quarter: Path) -> None:
    truth = {row["line_id"]: row for row in map(json.loads, (quarter / "truth.jsonl").read_bytes().splitlines())}
    lists: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for row in map(json.loads, (quarter.parent / "scores.jsonl").read_bytes().splitlines()):
        left_ms = truth.get(row["line_id"], {}).get("churn_ms", 1 << 62) - row["day_ms"]
        forced = truth.get(row["line_id"], {}).get("cause") == "involuntary"
        if left_ms > 0 and not (forced and left_ms <= 30 * DAY_MS):
            lists[row["day_ms"]].append((row["score"], left_ms <= 30 * DAY_MS))
    days = sorted(lists)[: told["lists_judged"]]

    assert told["auc"] == pytest.approx(np.mean([_auc(lists[day]) for day in days]), abs=1e-9)
    assert told["base_rate"] == pytest.approx(np.mean([left for day in days for _, left in lists[day]]))
    for share in ("0.01", "0.05"):
        lowest, highest = zip(*(_precision(lists[day], float(share)) for day in days), strict=True)
        assert np.mean(lowest) <= told["precision_at"][share] + 1e-9
        assert told["precision_at"][share] <= np.mean(highest) + 1e-9


def test_the_report_is_one_page_that_loads_nothing(told: dict[str, Any], quarter: Path) -> None:
    page = (quarter.parent / "r.html").read_text()

    for title in ("How long a list?", "What if", "Can the score be believed?", "How early?", "By cause", "By segment",
                  "By cause and segment", "Over time", "Ten best cases", "Ten missed cases", "Warnings a day"):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<svg") >= 8
    assert "nan" not in page


def test_without_truth_it_runs_and_says_what_it_leaves_out(
    app: typer.Typer, told: dict[str, Any], quarter: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "no-truth"
    shutil.copytree(quarter, folder, ignore=shutil.ignore_patterns("truth.jsonl", "hidden.jsonl"))

    report = ["--report", str(tmp_path / "r.html")]
    answer = CliRunner().invoke(app, ["backtest", str(folder), "--json", *SMALL, *report])

    figures = json.loads(answer.stdout.splitlines()[-1])
    assert figures["warnings"] > 0
    assert all(figures[name] is None for name in NEED_TRUTH)
    assert f"left out: {', '.join(NEED_TRUTH)}" in answer.stdout
    assert "No truth" in (tmp_path / "r.html").read_text()


def _received(line: bytes) -> int:
    try:
        record = msgspec.json.decode(line)
        return int(record.get("received_ms") or record.get("ts_ms") or 0)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return 0


def _lists(result: Backtest, until_ms: int) -> dict[int, dict[str, float]]:
    ids = result.lists.line_ids
    return {
        day.day_ms: dict(zip((ids[line] for line in day.lines), day.scores.tolist(), strict=True))
        for day in result.lists.days
        if day.day_ms < until_ms
    }


def _warnings(result: Backtest, until_ms: int) -> list[ChurnWarning]:
    known = [warning for warning in result.replayed.warnings if warning.ts_ms < until_ms - DAY_MS]
    return sorted(known, key=lambda warning: warning.warning_id)


def _auc(rows: list[tuple[float, bool]]) -> float:
    left = np.array([score for score, churned in rows if churned])
    stayed = np.array([score for score, churned in rows if not churned])
    return float((left[:, None] > stayed).mean() + 0.5 * (left[:, None] == stayed).mean())


def _precision(rows: list[tuple[float, bool]], share: float) -> tuple[float, float]:
    """The least and the most that the order of equal scores can give."""
    count = max(1, int(len(rows) * share + 0.5))
    worst = sorted(rows, key=lambda row: (-row[0], row[1]))[:count]
    best = sorted(rows, key=lambda row: (-row[0], not row[1]))[:count]
    return sum(left for _, left in worst) / count, sum(left for _, left in best) / count
