"""Does a score mean what it says, and does it come in time? On the scenario `calm`, with seeds that nobody looked at before.

    python benchmarks/calibration.py                 # eight seeds, with the bars; writes docs/calibration.md
    python benchmarks/calibration.py --json          # one object as the last line: {"figures": ..., "bars": ...}
    python benchmarks/calibration.py --seeds 1 --customers 500 --days 75 --no-write

Daily lists from the thirtieth day on, whose thirty days are over, all seeds together. Every list is scored by the model that
production would have had on that day.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import lightgbm
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_learning.bars import Bar, as_table, figures_table  # noqa: E402  # needs the path
from benchmarks.operator_learning.command import parser_of, seeds_of, told, words_of  # noqa: E402  # needs the path
from benchmarks.operator_learning.foresight import scored_by, shown_others  # noqa: E402  # needs the path
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
SCENARIO, FIRST_SEED, PROCESSES, FIRST_DAYS = "calm", 631, 2, 30
WARNED_DAYS = 7.0
INFORMED, FIRST_TEACHER = "boosting, shown the truth of other operators", 601
Vector = NDArray[np.float64]
Figures = dict[str, dict[str, float]]
LEAD = "lead: "


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows of judged lists: score, whether it left, whether it stood in the top 2 % of its list, its segment, each (n,)."""

    score: Vector
    churned: NDArray[np.bool_]
    top: NDArray[np.bool_]
    segment: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Operator:
    """One simulated operator: our rows, those of the true hazard, and by who and whom the lead times in days of all churners."""

    ours: Scored
    ceiling: Scored
    leads: dict[str, Vector] = field(default_factory=dict)


def measure(seed: int, customers: int, days: int, informed: lightgbm.Booster) -> Operator:
    """One simulated operator. `informed` has seen others whole."""
    with simulated(SCENARIO, customers, days, seed) as folder:
        history = history_of(folder)
    ours, ceiling = history.rescored(learnt(history).scores), history.by_hazard()
    scorers = {
        "churnwatch": ours,
        "boosting, monthly": boosted(history),
        INFORMED: scored_by(informed, history),
        "the true hazard": ceiling,
        "who has decided, from that moment on": history.by_decision(),
    }
    leads = {
        f"{scorer}{whom}": leads_of(lists, history, first)
        for whom, first in (("", 0), (f", who left after day {FIRST_DAYS}", FIRST_DAYS))
        for scorer, lists in scorers.items()
    }
    return Operator(scored(ours, history), scored(ceiling, history), leads)


def scored(lists: Lists, history: History) -> Scored:
    """The rows of the lists that are judged."""
    truth, segments = truth_of(lists.line_ids, history.truths), np.array(history.segments)
    first_ms = lists.days[0].day_ms
    judged = [day for day in lists.judged(truth) if day.day_ms >= first_ms + FIRST_DAYS * DAY_MS]
    return Scored(
        np.concatenate([day.scores for day in judged]),
        np.concatenate([day.churned for day in judged]),
        np.concatenate([np.arange(len(day.lines)) < top_count(len(day.lines), TOP_SHARE) for day in judged]),
        np.concatenate([segments[day.lines] for day in judged]),
    )


def leads_of(lists: Lists, history: History, first_day: int) -> Vector:
    """Lead times of who left after this day, on undeclared lines: who has declared to leave stands on no list any more."""
    truth = truth_of(lists.line_ids, history.truths)
    undeclared = (lists.judge(day, truth).undeclared() for day in lists.days)
    return lead_times(undeclared, truth, lists.days[0].day_ms + first_day * DAY_MS, lists.end_ms).days


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
    rows = list(parts)
    return Scored(*(np.concatenate([getattr(part, name) for part in rows]) for name in Scored.__dataclass_fields__))


def bars(figures: Figures) -> list[Bar]:
    all_rows, ours, theirs = figures["all"], figures["lead: churnwatch"], figures["lead: boosting, monthly"]
    earlier = ours["warned_7d_before"] - theirs["warned_7d_before"]
    loss = all_rows["log_loss"] / all_rows["log_loss_of_base_rate"]
    return [
        Bar("ECE over the base rate", all_rows["ece_over_base_rate"], most=0.2),
        Bar("predicted over observed in the top 2 %", all_rows["top_predicted_over_observed"], least=0.8, most=1.25),
        Bar("log loss over that of the constant base rate", loss, most=1.0),
        Bar("median lead time of the detected, days, undeclared lines", ours["median_of_detected_days"], least=14.0),
        Bar("warned a week before, ours - boosting scored monthly, undeclared lines", earlier, least=0.0),
    ]


def as_markdown(figures: Figures, options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    leads = {name.removeprefix(LEAD): row for name, row in figures.items() if name.startswith(LEAD)}
    rows = {name: row for name, row in figures.items() if not name.startswith(LEAD)}
    lines = [
        "# Calibration and lead time",
        "",
        f"Written by `python benchmarks/calibration.py {words_of(options, 'seeds', 'customers', 'days', 'teachers')}`: scenario",
        f"`{SCENARIO}`, seeds {options.first_seed} to {last}, which nobody had looked at before. Lists from day {FIRST_DAYS} on",
        "whose thirty days are over, each scored by the model of its day. How it is calibrated:",
        "[adr/0065](adr/0065-calibrated-on-what-was-said-then.md), [adr/0066](adr/0066-those-who-leave-soon.md).",
        "",
        *as_table(bars(figures)),
        "",
        "Predicted over observed: sum of the scores over those who left. ECE: 20 bins of equal mass, over the base rate. The",
        "true hazard is what the simulator knows: its error is the chance that is left at this size.",
        "",
        *figures_table("rows", rows, _cell),
        "",
        "Lead times: every churner of the replay on undeclared lines, from the first stay in the top 2 % to its leaving.",
        "Who left in the first month cannot have been told long before. How early anybody could tell: the last row lists",
        "everybody who has decided to leave, and will, from the moment of the decision on; the true hazard knows who has decided",
        "and when, not when this one will go; the informed boosting has our features and was shown all that became of the lines",
        f"of {options.teachers} other operators (seeds from {FIRST_TEACHER}): more than a live system knows. Why no list",
        "comes earlier: [adr/0092](adr/0092-no-list-is-earlier-than-the-decision.md).",
        "",
        *figures_table("scorer", leads, _cell),
    ]
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"


def run(seeds: Sequence[int], customers: int, days: int, teachers: int) -> Figures:
    """All seeds, two at a time; figures by group of rows, and of the lead times."""
    informed = shown_others(SCENARIO, customers, days, range(FIRST_TEACHER, FIRST_TEACHER + teachers))
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(partial(measure, customers=customers, days=days, informed=informed), seeds))
    rows = together(part.ours for part in parts)
    figures = {"all": figures_of(rows), "the true hazard": figures_of(together(part.ceiling for part in parts))}
    figures |= {f"seed {seed}": figures_of(part.ours) for seed, part in zip(seeds, parts, strict=True)}
    for segment in sorted(set(rows.segment.tolist())):
        if only(rows, segment).churned.any():
            figures[segment] = figures_of(only(rows, segment))
    leads = {name: np.concatenate([part.leads[name] for part in parts]) for name in parts[0].leads}
    return figures | {f"{LEAD}{name}": lead_figures(days) for name, days in leads.items()}


def main() -> int:
    about = "Calibration and lead time on a calm operator."
    parser = parser_of(about, DOCUMENT, seeds=8, first_seed=FIRST_SEED, customers=1500)
    parser.add_argument("--days", type=int, default=110)
    parser.add_argument("--teachers", type=int, default=6, help="operators that the informed boosting is shown")
    options = parser.parse_args()
    figures = run(seeds_of(options), options.customers, options.days, options.teachers)
    return told(options, DOCUMENT, figures, as_markdown, bars)


if __name__ == "__main__":
    sys.exit(main())
