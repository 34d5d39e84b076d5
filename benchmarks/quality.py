"""Our scores on the synthetic operator's scenarios, beside what others would do and beside the ceiling.

    python benchmarks/quality.py                     # all scenarios, three seeds; writes docs/quality.md
    python benchmarks/quality.py --json              # {scenario: {scorer: {average_precision, ...}}} as the last line
    python benchmarks/quality.py --scenario calm --seeds 1 --customers 300

`churnwatch` is the learner of today inside the engine of today. `ceiling` is the true probability to leave within thirty
days, which only the simulator knows. Figures are those of a backtest (docs/backtest.md), mean over the seeds; only lists
whose thirty days are over are judged, and every scorer is judged on the same lists.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_quality.contenders import CONTENDERS  # noqa: E402  # needs the path
from benchmarks.operator_quality.recording import Recording, record  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DailyList, Lists  # noqa: E402  # needs the path
from models.evaluation.report_figures import judge  # noqa: E402  # needs the path
from pipeline.sources.operator.config import load_scenario, scenario_names  # noqa: E402  # needs the path
from pipeline.sources.operator.writing import write_directory  # noqa: E402  # needs the path

TABLE = ROOT / "docs" / "quality.md"
PROCESSES = 2
SHOWN = ("average_precision", "precision_at", "recall_at", "auc", "lead_time_days", "warned_7d_before", "undeclared")
Figures = dict[str, Any]
Table = dict[str, dict[str, Figures]]


def measure(scenario: str, seed: int, customers: int, days: int) -> dict[str, Figures]:
    """All scorers on one simulated operator."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_scenario(scenario, customers=customers, days=days, seed=seed, with_hazard=True)
        write_directory(config, Path(folder), "none", lambda _: None)
        recording = record(Path(folder))
        hazards = _hazards(Path(folder) / "hazard.jsonl")
    told = {"churnwatch": _judged(recording, recording.lists)}
    for name, contender in CONTENDERS.items():
        scores = contender(recording)
        by_day = {
            day.day_ms: dict(zip(day.line_ids, own.tolist(), strict=True))
            for day, own in zip(recording.days, scores, strict=True)
        }
        told[name] = _judged(recording, _with_scores(recording.lists, by_day))
    told["ceiling"] = _judged(recording, _with_scores(recording.lists, hazards))
    return told


def _with_scores(lists: Lists, by_day: Mapping[int, Mapping[str, float]]) -> Lists:
    """The same lines on the same days with other scores; 0 for a line that a scorer does not know."""
    return replace(lists, days=[_rescored(day, lists.line_ids, by_day.get(day.day_ms, {})) for day in lists.days])


def _rescored(day: DailyList, line_ids: Sequence[str], scores: Mapping[str, float]) -> DailyList:
    own: NDArray[np.float64] = np.array([scores.get(line_ids[line], 0.0) for line in day.lines.tolist()])
    return replace(day, scores=own)


def _judged(recording: Recording, lists: Lists) -> Figures:
    figures = judge(lists, recording.truths, [], {}).as_dict()
    return {name: figures[name] for name in SHOWN}


def _hazards(path: Path) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    with path.open("rb") as lines:
        for line in lines:
            row = json.loads(line)
            found.setdefault(row["day_ms"], {})[row["line_id"]] = row["hazard"]
    return found


def mean_of(figures: Sequence[Any]) -> Any:
    """The mean of nested figures, key by key; None where no seed could tell.

    >>> mean_of([{"a": 1.0, "b": {"c": None}}, {"a": 3.0, "b": {"c": 2.0}}])
    {'a': 2.0, 'b': {'c': 2.0}}
    """
    if isinstance(figures[0], dict):
        return {key: mean_of([one[key] for one in figures]) for key in figures[0]}
    numbers = [one for one in figures if one is not None]
    return round(float(np.mean(numbers)), 4) if numbers else None


def run(options: argparse.Namespace) -> Table:
    """All scenarios and seeds, two at a time, told on stderr as they end."""
    by_scenario: dict[str, list[dict[str, Figures]]] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = {
            pool.submit(measure, scenario, seed, options.customers, options.days): (scenario, seed)
            for scenario in options.scenario
            for seed in range(1, options.seeds + 1)
        }
        for done in as_completed(jobs):
            scenario, seed = jobs[done]
            told = done.result()
            by_scenario.setdefault(scenario, []).append(told)
            line = "  ".join(f"{name} {told[name]['average_precision']:.3f}" for name in told)
            print(f"{scenario} seed {seed}: average precision {line}", file=sys.stderr)
    return {name: mean_of(by_scenario[name]) for name in sorted(by_scenario)}


def as_markdown(table: Table, options: argparse.Namespace) -> str:
    """The document."""
    lines = [
        "# Quality on the synthetic operator",
        "",
        f"Written by `python benchmarks/quality.py`: {options.customers} customers, {options.days} days, {options.seeds} seeds,",
        "mean. AP: average precision, in brackets without declared leavers; P, R: precision and recall of the top 2 %; lead:",
        "median lead time in days; 7 d: share of churners warned a week before. `ceiling` is the true hazard.",
    ]
    for scenario, scorers in table.items():
        lines += [
            "",
            f"## {scenario}",
            "",
            "| scorer | AP | AUC | P | R | lead | 7 d |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, told in scorers.items():
            cells = (
                f"{_cell(told['average_precision'])} ({_cell(told['undeclared']['average_precision'])})", _cell(told["auc"]),
                _cell(told["precision_at"]["0.02"]), _cell(told["recall_at"]["0.02"]),
                _cell(told["lead_time_days"]["p50"]), _cell(told["warned_7d_before"]),
            )  # fmt: skip
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Our scores on the synthetic operator, beside others and the ceiling.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--scenario", nargs="*", default=scenario_names(), choices=scenario_names())
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--no-write", action="store_true", help="leave docs/quality.md as it is")
    options = parser.parse_args()
    table = run(options)
    document = as_markdown(table, options)
    print(document)
    if not options.no_write:
        TABLE.write_text(document, encoding="utf-8")
    if options.json:
        print(json.dumps(table, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
