"""A rival's campaign changes who leaves: does learning keep up? The scenario `price-war`, with a frozen model beside.

    python benchmarks/price_war.py                   # eight seeds; writes docs/price-war.md
    python benchmarks/price_war.py --json            # one object as the last line: {"figures": ..., "bars": ...}
    python benchmarks/price_war.py --seeds 1 --customers 500 --no-write

Average precision of the daily lists over that of the true hazard (the ceiling), in the 14 days before the campaign starts, in
its first 14 days, and in the 14 days after these. `frozen` learns nothing from the day on which the campaign starts.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_learning.bars import Bar, as_table, figures_table  # noqa: E402  # needs the path
from benchmarks.operator_learning.command import parser_of, seeds_of, told, words_of  # noqa: E402  # needs the path
from benchmarks.operator_learning.history import History, history_of, simulated  # noqa: E402  # needs the path
from benchmarks.operator_learning.learning import learnt  # noqa: E402  # needs the path
from models.evaluation import average_precision  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DAY_MS, Lists  # noqa: E402  # needs the path
from models.evaluation.truth import truth_of  # noqa: E402  # needs the path
from pipeline.sources.operator.config import load_scenario  # noqa: E402  # needs the path

DOCUMENT = ROOT / "docs" / "price-war.md"
SCENARIO, FIRST_SEED, PROCESSES, SPAN_DAYS = "price-war", 431, 2, 14
DAYS = 90
SPANS = {"before": -SPAN_DAYS, "first_14_days": 0, "days_14_to_28": SPAN_DAYS}
Figures = dict[str, float]


def measure(seed: int, customers: int) -> dict[str, Figures]:
    """One simulated operator: by scorer the average precision before and after, and over the ceiling's."""
    with simulated(SCENARIO, customers, DAYS, seed) as folder:
        history = history_of(folder)
    start_ms = history.lists.days[0].day_ms + (campaign_day() - 1) * DAY_MS  # the first list ends day 0
    spans = {name: start_ms + days * DAY_MS for name, days in SPANS.items()}
    scored = {
        "churnwatch": history.rescored(learnt(history, until_ms=start_ms + 2 * SPAN_DAYS * DAY_MS).scores),
        "frozen": history.rescored(learnt(history, until_ms=start_ms).scores),
        "prior_alone": history.lists,
        "ceiling": history.by_hazard(),
    }
    return {
        name: {span: precision(lists, history, first_ms) for span, first_ms in spans.items()}
        for name, lists in scored.items()
    }


def campaign_day() -> int:
    """On which day of the scenario the price war starts."""
    return min(int(shock.day) for shock in load_scenario(SCENARIO).shocks)


def precision(lists: Lists, history: History, first_ms: int) -> float:
    """Mean average precision of the lists of a span."""
    truth = truth_of(lists.line_ids, history.truths)
    judged = [day for day in lists.judged(truth) if first_ms <= day.day_ms < first_ms + SPAN_DAYS * DAY_MS]
    return float(np.nanmean([average_precision(day.churned, day.scores) for day in judged]))


def run(seeds: Sequence[int], customers: int) -> dict[str, Figures]:
    """Mean over the seeds, and of each scorer how much of the ceiling it reached, after against before."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(measure, seeds, [customers] * len(seeds)))
    mean = {name: {span: float(np.mean([one[name][span] for one in parts])) for span in SPANS} for name in parts[0]}
    for name, figures in mean.items():
        of_ceiling = {span: figures[span] / mean["ceiling"][span] for span in SPANS}
        for span in list(SPANS)[1:]:
            figures[f"kept_{span}"] = of_ceiling[span] / of_ceiling["before"]
        kept = [one[name]["days_14_to_28"] / one["ceiling"]["days_14_to_28"] for one in parts]
        had = [one[name]["before"] / one["ceiling"]["before"] for one in parts]
        by_seed = [after / before for after, before in zip(kept, had, strict=True)]
        figures |= {"least_of_seeds": min(by_seed), "most_of_seeds": max(by_seed)}
    return mean


def bars(figures: dict[str, Figures]) -> list[Bar]:
    ours = figures["churnwatch"]
    return [
        Bar(f"{span.replace('_', ' ')}: share of the ceiling, over that before", ours[f"kept_{span}"], least=0.85)
        for span in list(SPANS)[1:]
    ]


def as_markdown(figures: dict[str, Figures], options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    lines = [
        "# A price war",
        "",
        f"Written by `python benchmarks/price_war.py {words_of(options, 'seeds', 'customers')}`: scenario `{SCENARIO}`,",
        f"seeds {options.first_seed} to {last}, which nobody had looked at before; mean average precision of the daily lists of",
        f"{SPAN_DAYS} days each. The campaign starts on day {campaign_day()}. `frozen` learns nothing from then on.",
        "",
        *as_table(bars(figures)),
        "",
        *figures_table("scorer", figures, "{:.3f}".format),
        "",
        "Kept: share of the ceiling's average precision over that before, of the means over the seeds; least and most: of single",
        "seeds, days 14 to 28.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    about = "Before and after a rival's campaign, beside a frozen model."
    options = parser_of(about, DOCUMENT, seeds=8, first_seed=FIRST_SEED, customers=1500).parse_args()
    return told(options, DOCUMENT, run(seeds_of(options), options.customers), as_markdown, bars)


if __name__ == "__main__":
    sys.exit(main())
