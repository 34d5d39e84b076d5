"""Our scores on the synthetic operator's scenarios, beside what others would do and beside the ceiling.

    python benchmarks/quality.py                     # all scenarios, three seeds; writes docs/quality.md
    python benchmarks/quality.py --json              # {scenario: {scorer: {average_precision, ...}}} as the last line
    python benchmarks/quality.py --scenario calm --seeds 1 --customers 300 --no-write

`churnwatch` is the learner of today inside the engine of today, `prior_alone` the same with nothing learnt. `ceiling` is the
true probability to leave within thirty days, which only the simulator knows. Figures are those of a backtest
(docs/backtest.md), mean over the seeds; only lists whose thirty days are over are judged, and every scorer is judged on
the same lists. No weight, limit or rate of ours was chosen on these seeds.
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

from benchmarks.operator_quality.before_learning import (  # noqa: E402  # needs the path
    CUSTOMERS,
    DAYS,
    SEEDS,
    before_and_after,
)
from benchmarks.operator_quality.contenders import CONTENDERS  # noqa: E402  # needs the path
from benchmarks.operator_quality.recording import Recording, record  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DailyList, Lists  # noqa: E402  # needs the path
from models.evaluation.report_figures import judge  # noqa: E402  # needs the path
from pipeline.sources.operator.config import load_scenario, scenario_names  # noqa: E402  # needs the path
from pipeline.sources.operator.writing import write_directory  # noqa: E402  # needs the path

TABLE = ROOT / "docs" / "quality.md"
PROCESSES = 2
#: Simulated operators that nobody looked at while the features were made (docs/adr/0044-shaped-features.md).
FIRST_SEED = 21
#: A few hundred lines in one partition with four ticks a day: scores of a midnight do not need more, and it takes a third of
#: the time.
ASSIGNMENTS = ("kafka.partitions=1", "engine.tick_s=21600")
SHOWN = ("average_precision", "precision_at", "recall_at", "auc", "lead_time_days", "warned_7d_before", "undeclared")
SCORERS = {
    "churnwatch": "ours, learning as production does: prior first, then what its labels taught",
    "prior_alone": "ours without learning: circumstances and hard signals with documented weights",
    "static_rule": "last bill more than 30 % below the one before, or any port or termination order",
    "lightgbm_monthly": "boosting on our features (the prior is one of them), trained and scored once a month",
    "lightgbm_daily": "the same, scored every day",
    "river_logistic": "River's `StandardScaler`, `LogisticRegression` on the counts of the last seven days",
    "river_arf": "River's adaptive forest on them; shown each third stayer, scored every third day (it is slow)",
    "random": "a coin",
    "ceiling": "the true probability, which only the simulator knows",
}
Figures = dict[str, Any]
Table = dict[str, dict[str, Figures]]


def measure(scenario: str, seed: int, customers: int, days: int) -> dict[str, Figures]:
    """All scorers on one simulated operator."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_scenario(scenario, customers=customers, days=days, seed=seed, with_hazard=True)
        write_directory(config, Path(folder), "none", lambda _: None)
        recording = record(Path(folder), ASSIGNMENTS)
        hazards = _hazards(Path(folder) / "hazard.jsonl")
    told = {"churnwatch": _judged(recording, recording.lists)}
    for name, contender in CONTENDERS.items():
        scores = contender(recording)
        by_day = {
            day.day_ms: dict(zip(day.line_ids, own.tolist(), strict=True))
            for day, own in zip(recording.days, scores, strict=True)
        }
        told[name] = _judged(recording, with_scores(recording.lists, by_day))
    told["ceiling"] = _judged(recording, with_scores(recording.lists, hazards))
    return told


def with_scores(lists: Lists, by_day: Mapping[int, Mapping[str, float]]) -> Lists:
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


def with_spread(seeds: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """Of each scorer the mean figures, and the average precision of each seed."""
    mean: dict[str, Figures] = mean_of(seeds)
    for name, figures in mean.items():
        figures["average_precision_by_seed"] = [round(one[name]["average_precision"], 4) for one in seeds]
    return mean


def run(options: argparse.Namespace) -> Table:
    """All scenarios and seeds, two at a time, told on stderr as they end."""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    told: dict[tuple[str, int], dict[str, Figures]] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = {
            pool.submit(measure, scenario, seed, options.customers, options.days): (scenario, seed)
            for seed in seeds
            for scenario in options.scenario
        }
        for done in as_completed(jobs):
            scenario, seed = jobs[done]
            told[scenario, seed] = figures = done.result()
            line = "  ".join(f"{name} {figures[name]['average_precision']:.3f}" for name in figures)
            print(f"{scenario} seed {seed}: average precision {line}", file=sys.stderr, flush=True)
    return {name: with_spread([told[name, seed] for seed in seeds]) for name in sorted(options.scenario)}


def as_markdown(table: Table, options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    lines = [
        "# Quality on the synthetic operator",
        "",
        f"Written by `python benchmarks/quality.py --customers {options.customers} --days {options.days}`, mean of the seeds",
        f"{options.first_seed} to {last}, on which nothing of ours was chosen. How the features came about, and what they",
        "cannot see: [adr/0044](adr/0044-shaped-features.md). Labels wait thirty days: who only learns from them has no model on",
        f"the lists of the first month, of {options.days - 30} days that are judged.",
        "",
        "| scorer | what it is |",
        "|---|---|",
        *(f"| {name} | {what} |" for name, what in SCORERS.items()),
        "",
        "## Average precision",
        "",
        "Spread: least to most of the seeds. Of the ceiling: churnwatch over the ceiling. One seed moves it by half.",
        "",
        f"| scenario | {' | '.join(SCORERS)} | spread of churnwatch | of the ceiling |",
        "|---|" + "---|" * (len(SCORERS) + 2),
    ]
    for scenario, scorers in table.items():
        own = scorers["churnwatch"]
        seeds = own["average_precision_by_seed"]
        share = own["average_precision"] / scorers["ceiling"]["average_precision"]
        cells = [*(_cell(scorers[name]["average_precision"]) for name in SCORERS), f"{min(seeds):.3f}-{max(seeds):.3f}"]
        lines.append(f"| {scenario} | {' | '.join(cells)} | {share:.2f} |")
    if (options.customers, options.days, [*range(options.first_seed, last + 1)]) == (CUSTOMERS, DAYS, [*SEEDS]):
        lines += [
            "",
            "Before our scores learnt from labels that are told without bias, were calibrated and judged (the code of the",
            "morning of 2026-11-22 on the same replays; in brackets without lines whose leaving is declared), and now.",
            "`prior_alone` stands where ours does: most of it came with better signals; what labels teach where the prior knows",
            "nothing is told by [a prior of no meaning](wrong-prior.md).",
            "",
            *before_and_after({name: _with_undeclared(scorers["churnwatch"]) for name, scorers in table.items()}),
        ]
    lines += [
        "",
        "In the tables below: AP average precision, in brackets without lines whose leaving is declared; P, R precision and",
        "recall of the top 2 %; lead: lead time in days, median and highest tenth, undetected churners count as 0; 7 d: share",
        "of churners in the top 2 % a week before.",
    ]
    for scenario, scorers in table.items():
        lines += [
            "",
            f"## {scenario}",
            "",
            "| scorer | AP | AUC | P | R | lead | 7 d |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [f"| {name} | {' | '.join(_cells(told))} |" for name, told in scorers.items()]
    return "\n".join(lines) + "\n"


def _with_undeclared(told: Figures) -> tuple[float, float]:
    return float(told["average_precision"]), float(told["undeclared"]["average_precision"])


def _cells(told: Figures) -> list[str]:
    lead = told["lead_time_days"]
    return [
        f"{_cell(told['average_precision'])} ({_cell(told['undeclared']['average_precision'])})", _cell(told["auc"]),
        _cell(told["precision_at"]["0.02"]), _cell(told["recall_at"]["0.02"]),
        f"{_cell(lead['p50'], 1)}, {_cell(lead['p90'], 1)}", _cell(told["warned_7d_before"], 2),
    ]  # fmt: skip


def _cell(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Our scores on the synthetic operator, beside others and the ceiling.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--scenario", nargs="*", default=scenario_names(), choices=scenario_names())
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
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
