"""Does a score mean what it says, and does it come in time? On the scenario `calm`, with seeds that nobody looked at before.

    python benchmarks/calibration.py                 # three seeds, with the bars; writes docs/calibration.md
    python benchmarks/calibration.py --json          # one object as the last line: {"figures": ..., "bars": ...}
    python benchmarks/calibration.py --seeds 1 --customers 500 --days 75 --no-write

Daily lists from the thirtieth day on, whose thirty days are over, all seeds together. Every list is scored by the model that
production would have had on that day.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_learning.bars import Bar, as_json, as_table  # noqa: E402  # needs the path
from benchmarks.operator_learning.history import History, history_of, simulated  # noqa: E402  # needs the path
from benchmarks.operator_learning.learning import learnt  # noqa: E402  # needs the path
from benchmarks.operator_quality.contenders import boosted_monthly  # noqa: E402  # needs the path
from benchmarks.operator_quality.recording import Day, Recording  # noqa: E402  # needs the path
from models.evaluation import log_loss  # noqa: E402  # needs the path
from models.evaluation.calibration import calibration_bins, expected_calibration_error  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DAY_MS, Lists  # noqa: E402  # needs the path
from models.evaluation.lead_time import TOP_SHARE, lead_times  # noqa: E402  # needs the path
from models.evaluation.ranking import top_count  # noqa: E402  # needs the path
from models.evaluation.truth import truth_of  # noqa: E402  # needs the path

DOCUMENT = ROOT / "docs" / "calibration.md"
SCENARIO, FIRST_SEED, PROCESSES, FIRST_DAYS = "calm", 301, 2, 30
WARNED_DAYS = 7.0
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows of judged lists: score, whether it left, whether it stood in the top 2 % of its list, its segment, each (n,); lead
    times in days of all churners, by ours and by boosting scored once a month, of lines whose leaving is not declared.
    """

    score: Vector
    churned: NDArray[np.bool_]
    top: NDArray[np.bool_]
    segment: NDArray[np.str_]
    leads: Vector
    leads_boosted: Vector


def measure(seed: int, customers: int, days: int) -> Scored:
    """One simulated operator."""
    with simulated(SCENARIO, customers, days, seed) as folder:
        history = history_of(folder)
    lists = history.rescored(learnt(history).scores)
    truth, segments = truth_of(lists.line_ids, history.truths), np.array(history.segments)
    first_ms = lists.days[0].day_ms
    judged = [day for day in lists.judged(truth) if day.day_ms >= first_ms + FIRST_DAYS * DAY_MS]
    return Scored(
        np.concatenate([day.scores for day in judged]),
        np.concatenate([day.churned for day in judged]),
        np.concatenate([np.arange(len(day.lines)) < top_count(len(day.lines), TOP_SHARE) for day in judged]),
        np.concatenate([segments[day.lines] for day in judged]),
        leads_of(lists, history),
        leads_of(boosted(history), history),
    )


def leads_of(lists: Lists, history: History) -> Vector:
    """Lead times on undeclared lines: who has declared to leave stands on no list any more."""
    truth = truth_of(lists.line_ids, history.truths)
    undeclared = (lists.judge(day, truth).undeclared() for day in lists.days)
    return lead_times(undeclared, truth, lists.days[0].day_ms, lists.end_ms).days


def boosted(history: History) -> Lists:
    """The industry's habit: boosting on our features, trained and scored once a month."""
    days = [Day(one.day_ms, one.line_ids, [one.features]) for one in history.midnights]
    scores = boosted_monthly(Recording(history.lists, history.truths, days))
    return history.rescored({one.day_ms: own for one, own in zip(history.midnights, scores, strict=True)})


def figures_of(rows: Scored) -> dict[str, float]:
    """Calibration of these rows; ratios are to the observed share that left."""
    base = float(rows.churned.mean())
    ece = expected_calibration_error(calibration_bins(rows.churned, rows.score))
    constant = np.full(len(rows.score), base)
    return {
        "rows": float(len(rows.score)),
        "base_rate": base,
        "predicted_over_observed": float(rows.score.mean()) / base,
        "ece_over_base_rate": ece / base,
        "top_predicted_over_observed": float(rows.score[rows.top].sum() / max(1, rows.churned[rows.top].sum())),
        "log_loss": log_loss(rows.churned, rows.score),
        "log_loss_of_base_rate": log_loss(rows.churned, constant),
    }


def lead_figures(leads: Vector) -> dict[str, float]:
    """Of all churners, and the median of those who were found at all."""
    found = leads[leads > 0.0]
    return {
        "churners": float(len(leads)),
        "detected": float(len(found)) / max(1, len(leads)),
        "median_of_detected_days": float(np.median(found)) if len(found) else 0.0,
        "warned_7d_before": float((leads >= WARNED_DAYS).mean()),
    }


def only(rows: Scored, segment: str) -> Scored:
    keep = rows.segment == segment
    return replace(
        rows, score=rows.score[keep], churned=rows.churned[keep], top=rows.top[keep], segment=rows.segment[keep]
    )


def together(parts: Iterable[Scored]) -> Scored:
    told = list(parts)
    return Scored(*(np.concatenate([getattr(part, name) for part in told]) for name in Scored.__dataclass_fields__))


def bars(figures: dict[str, dict[str, float]]) -> list[Bar]:
    all_rows, ours, theirs = figures["all"], figures["lead"], figures["lead_boosted_monthly"]
    earlier = ours["warned_7d_before"] - theirs["warned_7d_before"]
    loss = all_rows["log_loss"] / all_rows["log_loss_of_base_rate"]
    return [
        Bar("ECE over the base rate", all_rows["ece_over_base_rate"], most=0.2),
        Bar("predicted over observed in the top 2 %", all_rows["top_predicted_over_observed"], least=0.8, most=1.25),
        Bar("log loss over that of the constant base rate", loss, most=1.0),
        Bar("median lead time of the detected, days, undeclared lines", ours["median_of_detected_days"], least=14.0),
        Bar("warned a week before, ours - boosting scored monthly, undeclared lines", earlier, least=0.0),
    ]


def as_markdown(figures: dict[str, dict[str, float]], options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    tables = [name for name in figures if not name.startswith("lead")]
    lines = [
        "# Calibration and lead time",
        "",
        f"Written by `python benchmarks/calibration.py {options.told}`: scenario",
        f"`{SCENARIO}`, seeds {options.first_seed} to {last}, which nobody had looked at before. Lists from day {FIRST_DAYS} on",
        "whose thirty days are over, each scored by the model of its day.",
        "",
        *as_table(bars(figures)),
        "",
        "Predicted over observed: sum of the scores over those who left. ECE: 20 bins of equal mass, over the base rate.",
        "",
        f"| rows | {' | '.join(name.replace('_', ' ') for name in figures['all'])} |",
        "|---|" + "---|" * len(figures["all"]),
        *(f"| {name} | {' | '.join(_cell(value) for value in figures[name].values())} |" for name in tables),
        "",
        "Lead times: every churner of the replay on undeclared lines, from the first stay in the top 2 % to its leaving.",
        "",
        f"| scorer | {' | '.join(name.replace('_', ' ') for name in figures['lead'])} |",
        "|---|" + "---|" * len(figures["lead"]),
        f"| churnwatch | {' | '.join(_cell(value) for value in figures['lead'].values())} |",
        f"| boosting, monthly | {' | '.join(_cell(value) for value in figures['lead_boosted_monthly'].values())} |",
    ]
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"


def run(seeds: Sequence[int], customers: int, days: int) -> dict[str, dict[str, float]]:
    """All seeds, two at a time; figures by group of rows."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(measure, seeds, [customers] * len(seeds), [days] * len(seeds)))
    rows = together(parts)
    figures = {"all": figures_of(rows)}
    figures |= {f"seed {seed}": figures_of(part) for seed, part in zip(seeds, parts, strict=True)}
    for segment in sorted(set(rows.segment.tolist())):
        if only(rows, segment).churned.any():
            figures[segment] = figures_of(only(rows, segment))
    return figures | {"lead": lead_figures(rows.leads), "lead_boosted_monthly": lead_figures(rows.leads_boosted)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Calibration and lead time on a calm operator.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--no-write", action="store_true", help="leave docs/calibration.md as it is")
    options = parser.parse_args()
    options.told = f"--seeds {options.seeds} --customers {options.customers} --days {options.days}"
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    figures = run(seeds, options.customers, options.days)
    document = as_markdown(figures, options)
    print(document)
    if not options.no_write:
        DOCUMENT.write_text(document, encoding="utf-8")
    if options.json:
        print(json.dumps({"figures": figures, "bars": as_json(bars(figures))}, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
