"""Real labelled sets: our learner, prequentially, beside River's own and beside batch boosting that sees everything.

    python benchmarks/real.py            # the table
    python benchmarks/real.py --json     # one object as the last line: {set: {scorer: {auc, ap, ...}}}
    python benchmarks/real.py --quick    # without River's forests, which take most of the time

Every row is scored before it is learnt. Figures are exact, over all rows and over the second half of the stream. Sets
come in file order and in one fixed shuffle. `oulad_2013` runs by its true label clock (River learns a label when it is
known, ours waits for the horizon as the product does), `oulad_2013_after_28_days` with both classes after the horizon,
`oulad_2013_at_once` with the leak of plain prequential loops: its ceiling.
"""

import argparse
import json
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.labelled.datasets import SHARED_DATA, LabelledSet, oulad, snapshot_sets  # noqa: E402  # needs the path
from benchmarks.labelled.prequential import LabelClock, scores_by_clock, scores_in_order  # noqa: E402  # needs the path
from benchmarks.labelled.scorers import CONTESTANTS, lightgbm_scores  # noqa: E402  # needs the path
from models.evaluation import average_precision, roc_auc  # noqa: E402  # needs the path

LIGHTGBM = "lightgbm_5fold"
FORESTS = ("river_arf", "river_amf")
PROCESSES = 2
Figures = dict[str, float]
Table = dict[str, dict[str, Figures]]


@cache
def all_sets() -> dict[str, LabelledSet]:
    """Every set by name; those without dates in two orders."""
    plain = [rows for file_order in snapshot_sets() for rows in (file_order, file_order.shuffled())]
    return {rows.name: rows for rows in [*plain, oulad()]}


def cases(*, quick: bool) -> list[tuple[str, str, str]]:
    """(name in the table, set, scorer). The forests run on the dated set by its true clock only."""
    scorers = [name for name in (*CONTESTANTS, LIGHTGBM) if not (quick and name in FORESTS)]
    found = [(name, name, scorer) for name in all_sets() for scorer in scorers]
    for clock in (LabelClock.AFTER_HORIZON, LabelClock.AT_ONCE):
        found += [(f"oulad_2013_{clock}", "oulad_2013", scorer) for scorer in ("churnwatch", "river_logistic")]
    return sorted(found, key=lambda case: (case[2] not in FORESTS, case[1] != "oulad_2013"))


def measure(name: str, set_name: str, scorer: str) -> tuple[str, str, Figures]:
    """Run one case."""
    warnings.simplefilter("ignore")  # numpy's remarks on River's overflows belong to River
    rows, started = all_sets()[set_name], time.perf_counter()
    if scorer == LIGHTGBM:
        scores = lightgbm_scores(rows)
    elif rows.scored_day is None:
        scores = scores_in_order(rows, CONTESTANTS[scorer](rows.features.shape[1]))
    else:
        scores = scores_by_clock(rows, CONTESTANTS[scorer](rows.features.shape[1]), _clock(name, scorer))
    half = len(scores) // 2
    figures = {
        "auc": roc_auc(rows.churned, scores),
        "ap": average_precision(rows.churned, scores),
        "auc_second_half": roc_auc(rows.churned[half:], scores[half:]),
        "ap_second_half": average_precision(rows.churned[half:], scores[half:]),
    }
    told = {key: round(value, 4) for key, value in figures.items()}
    return name, scorer, {**told, "seconds": round(time.perf_counter() - started, 1)}


def _clock(name: str, scorer: str) -> LabelClock:
    for clock in (LabelClock.AFTER_HORIZON, LabelClock.AT_ONCE):
        if name.endswith(clock):
            return clock
    return LabelClock.AFTER_HORIZON if scorer == "churnwatch" else LabelClock.AS_KNOWN


def run(*, quick: bool) -> Table:
    """All cases, two at a time, told on stderr as they end."""
    table: Table = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        for done in as_completed([pool.submit(measure, *case) for case in cases(quick=quick)]):
            name, scorer, figures = done.result()
            table.setdefault(name, {})[scorer] = figures
            print(f"{name:28} {scorer:16} AUC {figures['auc']:.4f}  {figures['seconds']:6.1f} s", file=sys.stderr)
    return {name: dict(sorted(table[name].items())) for name in sorted(table)}


def as_markdown(table: Table) -> str:
    """The table as documents show it: AUC / average precision, all rows and second half."""
    lines = ["| set | scorer | AUC | AP | AUC, 2nd half | AP, 2nd half |", "|---|---|---|---|---|---|"]
    for name, scorers in table.items():
        for scorer, figures in scorers.items():
            cells = " | ".join(f"{figures[key]:.3f}" for key in ("auc", "ap", "auc_second_half", "ap_second_half"))
            lines.append(f"| {name} | {scorer} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Our learner on real labelled sets, beside its peers.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--quick", action="store_true", help="leave out River's forests")
    options = parser.parse_args()
    if not SHARED_DATA.is_dir():
        print(f"the data sets are not there: {SHARED_DATA} is no folder", file=sys.stderr)
        return 1
    table = run(quick=options.quick)
    print(as_markdown(table))
    print(f"river {version('river')}, lightgbm {version('lightgbm')}")
    if options.json:
        print(json.dumps(table, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
