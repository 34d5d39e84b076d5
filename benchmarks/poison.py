"""Labels flipped for a day: does the guard stop the learning in time, and what is left of it a week later?

    python benchmarks/poison.py                      # six seeds; writes docs/poison.md
    python benchmarks/poison.py --json               # one object as the last line: {"figures": ..., "bars": ...}
    python benchmarks/poison.py --seeds 1 --customers 500 --day 40 --days 80 --no-write

The scenario `calm`. On one day every label that becomes known says the opposite. Nobody comes to unfreeze (`guarded`); a person
does so at the next midnight but one, without what was held (`unfrozen`); no guard is there (`unguarded`).
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_learning.bars import Bar, as_table, figures_table  # noqa: E402  # needs the path
from benchmarks.operator_learning.command import parser_of, seeds_of, told, words_of  # noqa: E402  # needs the path
from benchmarks.operator_learning.history import History, history_of, simulated  # noqa: E402  # needs the path
from benchmarks.operator_learning.learning import learnt  # noqa: E402  # needs the path
from churnwatch.learning_rules import training_rules  # noqa: E402  # needs the path
from models.contestants import contestants  # noqa: E402  # needs the path
from models.evaluation import average_precision  # noqa: E402  # needs the path
from models.evaluation.daily_lists import DAY_MS, Lists  # noqa: E402  # needs the path
from models.evaluation.truth import truth_of  # noqa: E402  # needs the path
from models.guard import GuardRules  # noqa: E402  # needs the path
from models.training import BLOCK_ROWS, Training  # noqa: E402  # needs the path
from pipeline.events import Example  # noqa: E402  # needs the path

DOCUMENT = ROOT / "docs" / "poison.md"
SCENARIO, FIRST_SEED, PROCESSES, HOUR_MS = "calm", 531, 2, 3_600_000
WEEK_DAYS = 7
Figures = dict[str, float]


def measure(seed: int, customers: int, days: int, day: int) -> Figures:
    """One simulated operator."""
    with simulated(SCENARIO, customers, days, seed) as folder:
        history = history_of(folder)
    wild_ms = history.midnights[day].day_ms

    def flipped(examples: Sequence[Example]) -> Sequence[Example]:
        return flipped_on(wild_ms, examples)

    week = range(wild_ms + WEEK_DAYS * DAY_MS, wild_ms + 2 * WEEK_DAYS * DAY_MS)
    learns = partial(learnt, history, until_ms=week.stop)  # what is learnt later changes no list that is judged
    guarded = learns(tamper=flipped)
    variants = {
        "undisturbed": learns(),
        "guarded": guarded,
        "unfrozen": learns(tamper=flipped, unfreeze_ms=history.midnights[day + 2].day_ms),
        "unguarded": learns(tamper=flipped, training=unguarded(history)),
    }
    by_name = {name: precision(history.rescored(one.scores), history, week) for name, one in variants.items()}
    return {**by_name, **noticed(history, guarded.training, wild_ms)}


def flipped_on(wild_ms: int, examples: Sequence[Example]) -> Sequence[Example]:
    """The labels that became known in the day before `wild_ms` turned over, in the order in which they became known."""
    if not examples or not wild_ms - DAY_MS < examples[-1].known_ms <= wild_ms:
        return examples
    told = [msgspec.structs.replace(one, churned=not one.churned) for one in examples if one.corrects is None]
    return sorted(told, key=lambda one: (one.known_ms, one.example_id))


def noticed(history: History, training: Training, wild_ms: int) -> Figures:
    """How many wild labels were learnt, and how long after the first false leaver the learning stopped (stream time)."""
    before = sum(len(one.examples) for one in history.midnights if one.day_ms < wild_ms)
    wild = flipped_on(wild_ms, next(one.examples for one in history.midnights if one.day_ms == wild_ms))
    learnt_wild = max(0, training.labels_learned - before)
    stopped = wild[min(len(wild), learnt_wild + BLOCK_ROWS) - 1]
    first = next(one for one in wild if one.churned)
    return {
        "frozen": float(training.frozen is not None),
        "wild_labels": float(len(wild)),
        "wild_labels_learnt": float(learnt_wild),
        "hours_to_freeze": (stopped.known_ms - first.known_ms) / HOUR_MS,
    }


def unguarded(history: History) -> Training:
    """A training whose guard never sees enough labels to say anything."""
    settings, features = history.parts.settings, history.parts.features
    rules = replace(training_rules(settings, features, DAY_MS), guard=GuardRules(after_labels=1 << 62))
    return Training(contestants(settings.learning.contestants), rules)


def precision(lists: Lists, history: History, span: range) -> float:
    """Mean average precision of the lists of these days."""
    truth = truth_of(lists.line_ids, history.truths)
    judged = [day for day in lists.judged(truth) if span.start <= day.day_ms < span.stop]
    return float(np.nanmean([average_precision(day.churned, day.scores) for day in judged]))


def run(options: argparse.Namespace) -> dict[str, Figures]:
    """By seed, and the mean."""
    seeds = seeds_of(options)
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = [pool.submit(measure, seed, options.customers, options.days, options.day) for seed in seeds]
        parts = {f"seed {seed}": job.result() for seed, job in zip(seeds, jobs, strict=True)}
    mean = {key: float(np.mean([one[key] for one in parts.values()])) for key in next(iter(parts.values()))}
    return {**parts, "mean": mean}


def bars(figures: dict[str, Figures]) -> list[Bar]:
    mean, seeds = figures["mean"], [one for name, one in figures.items() if name != "mean"]
    return [
        Bar("share of runs in which learning froze", mean["frozen"], least=1.0),
        Bar("hours from the first false leaver to the freeze", max(one["hours_to_freeze"] for one in seeds), most=1.0),
        Bar(
            "average precision a week later over undisturbed, unfrozen",
            mean["unfrozen"] / mean["undisturbed"],
            least=0.95,
        ),
        Bar(
            "average precision a week later over undisturbed, left frozen",
            mean["guarded"] / mean["undisturbed"],
            least=0.95,
        ),
    ]


def as_markdown(figures: dict[str, Figures], options: argparse.Namespace) -> str:
    """The document."""
    last = options.first_seed + options.seeds - 1
    lines = [
        "# A poisoned day",
        "",
        f"Written by `python benchmarks/poison.py {words_of(options, 'seeds', 'customers', 'days', 'day')}`,",
        f"scenario `{SCENARIO}`, seeds {options.first_seed} to {last}. On day {options.day} every label that becomes known says",
        "the opposite: stayers are told at midnight, leavers in the hour after they left.",
        "",
        *as_table(bars(figures)),
        "",
        "Average precision: mean of the lists of the second week after that day. `guarded`: frozen, and nobody comes;",
        "`unfrozen`: a person lets it learn again a day later, without what was held; `unguarded`: without the guard.",
        "",
        *figures_table("run", figures, _cell),
    ]
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return f"{value:.0f}" if value >= 2 else f"{value:.3f}"


def main() -> int:
    about = "A day of flipped labels, with and without the guard."
    parser = parser_of(about, DOCUMENT, seeds=6, first_seed=FIRST_SEED, customers=1500)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--day", type=int, default=50, help="on which the labels are flipped")
    options = parser.parse_args()
    if options.day + 2 * WEEK_DAYS + 30 > options.days:
        parser.error(
            f"--days must reach 44 days beyond --day {options.day}, for the lists of the second week to be judged"
        )
    return told(options, DOCUMENT, run(options), as_markdown, bars)


if __name__ == "__main__":
    sys.exit(main())
