"""Real labelled sets: our learner, prequentially, beside River's own and beside batch boosting that sees everything.

    python benchmarks/real.py                # all sets and scorers, with the bars; writes docs/real-data.md
    python benchmarks/real.py --json         # one object as the last line: {set: {scorer: {auc, ap, ...}}, "bars": ...}
    python benchmarks/real.py --quick        # without River's forests, which take most of the time
    python benchmarks/real.py --sets mlc_churn iranian_churn --no-write
    python benchmarks/real.py --keep var/real.jsonl   # each case as it ends; called again, only what is missing is run

Every row is scored before it is learnt. Figures are exact, over all rows and over the second half of the stream. Sets
come in file order and in one fixed shuffle. `oulad_2013` runs by its true label clock: River learns a label when it is
known; ours as the product does, a leaver when it leaves, a stayer after a drawn part of the 28 days.
`oulad_2013_after_28_days` waits for the horizon with both classes, `oulad_2013_at_once` is the leak of plain prequential
loops: the ceiling.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
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
INSTALL = "LightGBM is left out: pip install lightgbm (and the system's libgomp1)"
FORESTS = ("river_arf", "river_amf")
OURS = ("churnwatch", "churnwatch_logistic")
DOCUMENT = ROOT / "docs" / "real-data.md"
GAP_SETS = ("mlc_churn", "iranian_churn")
PROCESSES = 2
Figures = dict[str, float]
Table = dict[str, dict[str, Figures]]


@cache
def all_sets() -> dict[str, LabelledSet]:
    """Every set by name; those without dates in two orders."""
    plain = [rows for file_order in snapshot_sets() for rows in (file_order, file_order.shuffled())]
    return {rows.name: rows for rows in [*plain, oulad()]}


def cases(sets: Sequence[str], *, quick: bool) -> list[tuple[str, str, str]]:
    """(name in the table, set, scorer), the slow ones first. The regression alone takes part where labels have a clock."""
    scorers = [name for name in (*CONTESTANTS, LIGHTGBM) if not (quick and name in FORESTS)]
    dated = [name for name in sets if all_sets()[name].scored_day is not None]
    found = [(name, name, scorer) for name in sets for scorer in scorers if name in dated or scorer != OURS[1]]
    for clock in (LabelClock.AFTER_HORIZON, LabelClock.AT_ONCE):
        found += [(f"{name}_{clock}", name, scorer) for name in dated for scorer in (*OURS, "river_logistic")]
    return sorted(found, key=lambda case: (case[2] not in FORESTS, case[1] not in dated))


def measure(name: str, set_name: str, scorer: str) -> tuple[str, str, Figures]:
    """Run one case."""
    warnings.simplefilter("ignore")  # numpy's remarks on River's overflows belong to River
    rows, started = all_sets()[set_name], time.process_time()
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
    return name, scorer, {**told, "seconds": round(time.process_time() - started, 1)}


def _clock(name: str, scorer: str) -> LabelClock:
    for clock in (LabelClock.AFTER_HORIZON, LabelClock.AT_ONCE):
        if name.endswith(clock):
            return clock
    return LabelClock.DRAWN if scorer in OURS else LabelClock.AS_KNOWN


def run(sets: Sequence[str], *, quick: bool, keep: Path | None = None) -> Table:
    """All cases, two at a time, told on stderr as they end. `keep`: where those that ended are, and are added."""
    table: Table = {}
    for name, scorer, figures in kept(keep):
        table.setdefault(name, {})[scorer] = figures
    missing = [case for case in cases(sets, quick=quick) if case[2] not in table.get(case[0], {})]
    with ProcessPoolExecutor(PROCESSES) as pool:
        for done in as_completed([pool.submit(measure, *case) for case in missing]):
            try:
                name, scorer, figures = done.result()
            except (ImportError, OSError) as error:
                print(f"{INSTALL} ({error})", file=sys.stderr)
                continue
            table.setdefault(name, {})[scorer] = figures
            if keep is not None:
                with keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([name, scorer, figures]) + "\n")
            print(f"{name:28} {scorer:16} AUC {figures['auc']:.4f}  {figures['seconds']:6.1f} s", file=sys.stderr)
    return {name: dict(sorted(table[name].items())) for name in sorted(table)}


def kept(file: Path | None) -> list[tuple[str, str, Figures]]:
    """Cases of earlier runs."""
    if file is None or not file.exists():
        return []
    return [tuple(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def bars(table: Table) -> dict[str, dict[str, float | bool]]:
    """What must hold: at least River's best everywhere; half of the gap to LightGBM, a third of that to the leak closed."""
    found: dict[str, dict[str, float | bool]] = {}
    for name, told in table.items():
        if "churnwatch" not in told:
            continue
        rivals = [figures["auc_second_half"] for scorer, figures in told.items() if scorer.startswith("river_")]
        if rivals and name in all_sets():
            ours = told["churnwatch"]["auc_second_half"]
            found[f"{name}: AUC of the second half, ours - River's best"] = _bar(ours - max(rivals), 0.0)
        if name in GAP_SETS and rivals and LIGHTGBM in told:
            gap = told[LIGHTGBM]["auc_second_half"] - max(rivals)
            closed = (told["churnwatch"]["auc_second_half"] - max(rivals)) / gap
            found[f"{name}: share of the gap to LightGBM closed"] = _bar(closed, 0.5)
    dated = "oulad_2013"
    for scorer in OURS if f"{dated}_{LabelClock.AT_ONCE}" in table else ():
        waits, leak = (
            table[f"{dated}_{clock}"][scorer]["auc"] for clock in (LabelClock.AFTER_HORIZON, LabelClock.AT_ONCE)
        )
        closed = (table[dated][scorer]["auc"] - waits) / (leak - waits)
        found[f"{dated}, {scorer}: share of the gap from waiting to the leak closed, all rows"] = _bar(
            closed, 1.0 / 3.0
        )
    return found


def _bar(value: float, least: float) -> dict[str, float | bool]:
    return {"value": round(value, 4), "at_least": round(least, 4), "met": value >= least}


def as_markdown(table: Table) -> str:
    """The document: the bars, then AUC / average precision of all rows and of the second half."""
    lines = [
        "# Quality on real data",
        "",
        f"Written by `python benchmarks/real.py` (River {version('river')}). Each row is scored, then learnt; LightGBM in 5",
        "folds sees later rows when it scores earlier ones, which no live system can. Sets and clocks: see the script.",
        "",
        "| bar | value | at least | met |",
        "|---|---|---|---|",
        *(
            f"| {name} | {bar['value']} | {bar['at_least']} | {'yes' if bar['met'] else 'no'} |"
            for name, bar in bars(table).items()
        ),
        "",
        "| set | scorer | AUC | AP | AUC, 2nd half | AP, 2nd half |",
        "|---|---|---|---|---|---|",
    ]
    for name, scorers in table.items():
        for scorer, figures in scorers.items():
            cells = " | ".join(f"{figures[key]:.3f}" for key in ("auc", "ap", "auc_second_half", "ap_second_half"))
            lines.append(f"| {name} | {scorer} | {cells} |")
    missing = [
        f"{scorer} on {name}"
        for name, _, scorer in cases(list(all_sets()), quick=False)
        if scorer not in table.get(name, {})
    ]
    lines += ["", f"Not run: {', '.join(missing)} (River's forests take minutes to hours there)."] if missing else []
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Our learner on real labelled sets, beside its peers.")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--quick", action="store_true", help="leave out River's forests")
    parser.add_argument("--sets", nargs="*", help="only these sets")
    parser.add_argument("--keep", type=Path, help="a file of finished cases; what is in it is not run again")
    parser.add_argument("--no-write", action="store_true", help="leave docs/real-data.md as it is")
    options = parser.parse_args()
    if not SHARED_DATA.is_dir():
        print(f"the data sets are not there: {SHARED_DATA} is no folder", file=sys.stderr)
        return 1
    sets = options.sets or list(all_sets())
    if unknown := [name for name in sets if name not in all_sets()]:
        parser.error(f"no set {', '.join(unknown)}; there are {', '.join(all_sets())}")
    table = run(sets, quick=options.quick, keep=options.keep)
    document = as_markdown(table)
    print(document)
    if not options.no_write:
        DOCUMENT.write_text(document, encoding="utf-8")
    if options.json:
        print(json.dumps({**table, "bars": bars(table)}, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
