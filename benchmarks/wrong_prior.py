"""What is learning worth where the documented prior knows nothing? The scenario `calm` with each line given another line's prior.

    python benchmarks/wrong_prior.py                 # six seeds; writes docs/wrong-prior.md
    python benchmarks/wrong_prior.py --json          # one object as the last line: {"figures": ..., "bars": ...}
    python benchmarks/wrong_prior.py --seeds 1 --customers 500 --days 75 --no-write

The weights of the prior were written by people who knew the simulator: on it, a quarter of labels adds little to them. In a
market that they do not know it is the labels that must tell.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_learning.bars import Bar, as_table, figures_table  # noqa: E402  # needs the path
from benchmarks.operator_learning.command import parser_of, seeds_of, told, words_of  # noqa: E402  # needs the path
from benchmarks.operator_learning.history import History, Midnight, history_of, simulated  # noqa: E402  # needs the path
from benchmarks.operator_learning.learning import learnt  # noqa: E402  # needs the path
from models.evaluation import average_precision  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DAY_MS, Lists  # noqa: E402  # needs the path
from models.evaluation.truth import truth_of  # noqa: E402  # needs the path
from models.scorers import probability  # noqa: E402  # needs the path
from pipeline.features.catalogue import PRIOR_COLUMN  # noqa: E402  # needs the path

DOCUMENT = ROOT / "docs" / "wrong-prior.md"
SCENARIO, FIRST_SEED, PROCESSES, MONTH_DAYS = "calm", 671, 2, 30
#: Priors of lines are drawn from those of this midnight: signals and circumstances have had time to show.
DRAWN_FROM_DAY = 20
LEARNT, ALONE = "churnwatch, a prior of no meaning", "that prior alone"
Figures = dict[str, float]


def measure(seed: int, customers: int, days: int) -> dict[str, Figures]:
    """One simulated operator: by scorer the mean average precision of the lists of each month whose thirty days are over."""
    with simulated(SCENARIO, customers, days, seed) as folder:
        history = history_of(folder)
    strange = with_strange_priors(history, seed)
    scored = {
        "churnwatch": history.rescored(learnt(history).scores),
        "prior_alone": history.lists,
        LEARNT: strange.rescored(learnt(strange).scores),
        ALONE: strange.rescored({one.day_ms: said_by_prior(one) for one in strange.midnights}),
        "ceiling": history.by_hazard(),
    }
    return {name: by_month(lists, history) for name, lists in scored.items()}


def with_strange_priors(history: History, seed: int) -> History:
    """The same operator, each line with the prior of another one for good: numbers as before, and no meaning in them."""
    priors = history.midnights[DRAWN_FROM_DAY].features[:, PRIOR_COLUMN]
    line_ids = sorted({line_id for one in history.midnights for line_id in one.line_ids})
    drawn = np.random.default_rng(seed).choice(priors, len(line_ids))
    own = dict(zip(line_ids, drawn.tolist(), strict=True))

    def strange(one: Midnight) -> Midnight:
        features = one.features.copy()
        features[:, PRIOR_COLUMN] = [own[line_id] for line_id in one.line_ids]
        examples = []
        for example in one.examples:
            numbers = [*example.features]
            numbers[PRIOR_COLUMN] = own[example.line_id]
            examples.append(msgspec.structs.replace(example, features=numbers))
        return replace(one, features=features, examples=examples)

    return replace(history, midnights=[strange(one) for one in history.midnights])


def said_by_prior(one: Midnight) -> NDArray[np.float64]:
    """What the prior alone says of the lines of a midnight, shape (n,)."""
    return probability(one.features[:, PRIOR_COLUMN].astype(np.float64))


def by_month(lists: Lists, history: History) -> Figures:
    """Mean average precision of the lists of each month."""
    truth, first_ms = truth_of(lists.line_ids, history.truths), lists.days[0].day_ms
    found: dict[str, list[float]] = {}
    for day in lists.judged(truth):
        month = (day.day_ms - first_ms) // (MONTH_DAYS * DAY_MS) + 1
        found.setdefault(f"month {month}", []).append(average_precision(day.churned, day.scores))
    return {month: float(np.nanmean(values)) for month, values in found.items()}


def run(seeds: Sequence[int], customers: int, days: int) -> dict[str, Figures]:
    """Mean over the seeds, two at a time."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(partial(measure, customers=customers, days=days), seeds))
    return {
        name: {month: float(np.mean([one[name][month] for one in parts])) for month in months}
        for name, months in parts[0].items()
    }


def bars(figures: dict[str, Figures]) -> list[Bar]:
    later = [month for month in figures[LEARNT] if month != "month 1"]
    gained = [float(np.mean([figures[name][month] for month in later])) for name in (LEARNT, ALONE)]
    return [Bar("from the second month on: learnt over that prior alone", gained[0] / gained[1], least=2.0)]


def as_markdown(figures: dict[str, Figures], options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    lines = [
        "# What learning is worth where the prior knows nothing",
        "",
        f"Written by `python benchmarks/wrong_prior.py {words_of(options, 'seeds', 'customers', 'days')}`: scenario",
        f"`{SCENARIO}`, seeds {options.first_seed} to {last}; mean average precision of the daily lists of each month. The",
        "weights of the prior were written by people who knew the simulator ([adr/0044](adr/0044-shaped-features.md)), so that",
        "in its first months learning adds nothing to them. Here each line has the prior of another one for good: the same",
        "numbers without any meaning, as in a market that nobody knows. What is then found was learnt from labels alone; in the",
        "first weeks there is no model.",
        "",
        *as_table(bars(figures)),
        "",
        *figures_table("scorer", figures, "{:.3f}".format),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = parser_of("A prior of no meaning.", DOCUMENT, seeds=6, first_seed=FIRST_SEED, customers=1500)
    parser.add_argument("--days", type=int, default=150)
    options = parser.parse_args()
    return told(options, DOCUMENT, run(seeds_of(options), options.customers, options.days), as_markdown, bars)


if __name__ == "__main__":
    sys.exit(main())
