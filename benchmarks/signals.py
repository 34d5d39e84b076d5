"""Each signal alone on the synthetic operator, and all of them together without a model against a rule of thumb.

    python benchmarks/signals.py                     # three seeds; writes docs/signals-measured.json and docs/signals.md
    python benchmarks/signals.py --json              # the same as one JSON object in the last line
    python benchmarks/signals.py --scenario calm --seeds 11 --customers 300 --no-write

`alone`: precision, recall, median lead and alarms a week per 1,000 lines of each signal, beside the precision of random alarms.
`together`: average precision of the prior of the signals that are on (noisy-or, nothing learnt) against the static rule (a bill
30 % below the one before, or any porting or termination order); `start` is the score of a line before a model, which adds
circumstances (docs/learning.md).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_quality.contenders import static_rule  # noqa: E402  # needs the path
from benchmarks.operator_quality.recording import Recording, record  # noqa: E402  # needs the path
from benchmarks.quality import with_scores  # noqa: E402  # needs the path
from benchmarks.signal_quality.alone import Tally, tally, tally_by_kind, tally_untold  # noqa: E402  # needs the path
from models.evaluation.daily_lists import Lists  # noqa: E402  # needs the path
from models.evaluation.list_figures import mean  # noqa: E402  # needs the path
from models.evaluation.report_figures import judge  # noqa: E402  # needs the path
from pipeline import signals_document  # noqa: E402  # needs the path
from pipeline.sources.operator.config import load_scenario, scenario_names  # noqa: E402  # needs the path
from pipeline.sources.operator.writing import write_directory  # noqa: E402  # needs the path

#: Scenarios on which each signal is judged alone.
TABLED = ("calm", "key-accounts", "prepaid")
PROCESSES = 2
BAR = 1.5
#: No model ever scores: what is measured is the signals. In one partition a small operator has as much of a crowd as a large
#: one in eight; four ticks a day instead of 24 take a third of the time.
WITHOUT_A_MODEL = (
    "learning.minimum_positives=1000000000",
    "kafka.partitions=1",
    "engine.tick_s=21600",
    "learning.snapshot_every_days=365",
)
Figures = dict[str, Any]


Tallies = dict[str, Tally]


def measure(scenario: str, seed: int, customers: int, days: int) -> tuple[dict[str, Tallies], Figures]:
    """Tallies on one simulated operator: `alone` of each signal that is told, `kinds` of the gradual ones by kind of customer,
    `out` of what is evidence only by kind of customer; and average precision of the prior and the rule.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = load_scenario(scenario, customers=customers, days=days, seed=seed)
        write_directory(config, Path(folder), "none", lambda _: None)
        recording = record(Path(folder), (f"law.country={config.country.lower()}", *WITHOUT_A_MODEL))
    return (
        {"alone": tally(recording), "kinds": tally_by_kind(recording), "out": tally_untold(recording)},
        {
            "signals": _average_precision(
                recording, _scored(recording, [np.concatenate(day.signals) for day in recording.days])
            ),
            "start": _average_precision(recording, recording.lists),
            "rule": _average_precision(recording, _scored(recording, static_rule(recording))),
        },
    )


def _scored(recording: Recording, scores: Sequence[NDArray[np.float64]]) -> Lists:
    """The lists with other scores, one array a day."""
    by_day = zip(recording.days, scores, strict=True)
    return with_scores(
        recording.lists,
        {day.day_ms: dict(zip(day.line_ids, own.tolist(), strict=True)) for day, own in by_day},
    )


def _average_precision(recording: Recording, lists: Lists) -> float:
    return mean(judge(lists, recording.truths, [], {}).figures.average_precision) or 0.0


def run(options: argparse.Namespace, after_each: Callable[[Figures], None]) -> Figures:
    """All scenarios and seeds, two at a time; what is known so far is told after each."""
    tallies: dict[str, Tallies] = {}
    together: dict[str, list[Figures]] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = {
            pool.submit(measure, scenario, seed, options.customers, options.days): (scenario, seed)
            for scenario in sorted(options.scenario, key=lambda name: name not in TABLED)
            for seed in (options.seeds if scenario in TABLED else options.other_seeds)
        }
        for done in as_completed(jobs):
            scenario, seed = jobs[done]
            found, precision = done.result()
            together.setdefault(scenario, []).append({**precision, "seed": seed})
            _add(tallies.setdefault(scenario, {}), found["alone"])
            for group in ("kinds", "out") if scenario in TABLED else ():
                _add(tallies.setdefault(group, {}), found[group])
            told = "  ".join(f"{name} {value:.3f}" for name, value in precision.items())
            print(f"{scenario} seed {seed}: average precision {told}", file=sys.stderr, flush=True)
            after_each(_summary(options, tallies, together))
    return _summary(options, tallies, together)


def _add(tallies: Tallies, more: Tallies) -> None:
    for name, one in more.items():
        tallies.setdefault(name, Tally()).add(one)


def _summary(options: argparse.Namespace, tallies: dict[str, Tallies], together: dict[str, list[Figures]]) -> Figures:
    figures = {
        group: {name: one.figures() for name, one in sorted(tallies[group].items())}
        for group in (*TABLED, "kinds", "out")
        if group in tallies
    }
    return {
        "customers": options.customers,
        "days": options.days,
        "alone": {scenario: figures[scenario] for scenario in TABLED if scenario in figures},
        "kinds": figures.get("kinds", {}),
        "out": figures.get("out", {}),
        "together": {scenario: _against_the_rule(together[scenario]) for scenario in sorted(together)},
    }


def _against_the_rule(runs: Sequence[Figures]) -> Figures:
    means = {name: round(float(np.mean([one[name] for one in runs])), 4) for name in ("signals", "start", "rule")}
    ratio = round(means["signals"] / means["rule"], 2) if means["rule"] else None
    return {**means, "ratio": ratio, "seeds": sorted(one["seed"] for one in runs)}


def as_text(told: Figures) -> str:
    """The tables, for the eye."""
    lines = []
    others = {"by kind, all scenarios": told["kinds"], "evidence only, all scenarios": told["out"]}
    for scenario, signals in {**told["alone"], **others}.items():
        lines += [
            "",
            scenario,
            f"{'signal':32}{'alarms':>7}{'prec.':>8}{'chance':>8}{'recall':>8}{'lead d':>8}{'/wk/1000':>9}",
        ]
        for name, one in signals.items():
            cells = [_cell(one[key]) for key in ("precision", "chance", "recall", "lead_days", "alarms_week_1000")]
            lines.append(
                f"{name:32}{one['alarms']:7}" + "".join(f"{cell:>8}" for cell in cells) + f"  {one['verdict']}"
            )
    lines += ["", f"{'scenario':16}{'signals':>9}{'start':>9}{'rule':>9}{'ratio':>7}   at least {BAR}"]
    for scenario, one in told["together"].items():
        lines.append(f"{scenario:16}{one['signals']:9.3f}{one['start']:9.3f}{one['rule']:9.3f}{_cell(one['ratio']):>7}")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def keep(told: Figures) -> None:
    """Write the figures and the document."""
    signals_document.MEASURED.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    signals_document.write()


def main() -> int:
    parser = argparse.ArgumentParser(description="Each signal alone, and all together against a rule of thumb.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--scenario", nargs="*", default=scenario_names(), choices=scenario_names())
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--other-seeds", nargs="*", type=int, default=[1], help="of scenarios without a table")
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--days", type=int, default=80)
    parser.add_argument("--no-write", action="store_true", help="leave the documents as they are")
    options = parser.parse_args()
    told = run(options, (lambda _: None) if options.no_write else keep)
    print(as_text(told))
    if options.json:
        print(json.dumps(told, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
