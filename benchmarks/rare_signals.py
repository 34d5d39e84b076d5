"""Signals that speak rarely, by kind of customer, on operators with enough such customers for a verdict.

    python benchmarks/rare_signals.py --scenario prepaid --customers 2000 --seeds 60 61 62 --only firewall_gap
    python benchmarks/rare_signals.py --scenario calm --key-share 0.3 --customers 600 --seeds 60 61 --only spend_drop

With `--key-share` so many of the accounts are key accounts, each as it would be in the scenario at `LARGE` customers: as
likely to leave a line, and as large an account may leave. What is missing are most of the others beside them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.operator_quality.recording import record  # noqa: E402  # needs the path
from benchmarks.signal_quality.alone import Tally, tally_by_kind, tally_untold  # noqa: E402  # needs the path
from benchmarks.signals import WITHOUT_A_MODEL  # noqa: E402  # needs the path
from pipeline.sources.operator.causes import CAUSE_NAMES, KEY_CAUSE  # noqa: E402  # needs the path
from pipeline.sources.operator.config import OperatorConfig, load_scenario, scenario_names  # noqa: E402  # needs the path
from pipeline.sources.operator.population import KEY, build_population  # noqa: E402  # needs the path
from pipeline.sources.operator.writing import write_directory  # noqa: E402  # needs the path

LARGE = 20_000


def rich_in_key_accounts(large: OperatorConfig, customers: int, share: float) -> OperatorConfig:
    """An operator with this share of key accounts, each as in the large one; the same for everybody else."""
    business = large.population.business_share / (1 - large.population.key_account_share) * (1 - share)
    population = msgspec.structs.replace(large.population, key_account_share=share, business_share=business)
    small = msgspec.structs.replace(large, customers=customers, population=population)
    (lines, key_lines), (lines_there, key_lines_there) = _lines(small), _lines(large)
    key = lines_there / key_lines_there * key_lines / lines
    rest = lines_there / (lines_there - key_lines_there) * (lines - key_lines) / lines
    total = sum(large.churn.causes.values())
    causes = {
        name: weight / total * (key if name == CAUSE_NAMES[KEY_CAUSE] else rest)
        for name, weight in large.churn.causes.items()
    }
    churn = msgspec.structs.replace(
        large.churn, causes=causes, monthly=large.churn.monthly * sum(causes.values()), monthly_low=0.0, monthly_high=1.0,
        largest_leaver_share=min(1.0, large.churn.largest_leaver_share * lines_there / lines),
    )  # fmt: skip
    return msgspec.structs.replace(small, churn=churn)


def _lines(config: OperatorConfig) -> tuple[int, int]:
    """How many lines there are, and how many of key accounts."""
    population = build_population(config)
    return population.n_lines, int((population.line_segment == KEY).sum())


def measure(config: OperatorConfig) -> dict[str, Tally]:
    """Tallies of all gradual signals by kind of customer, told or not, and of orders and care that are out."""
    with tempfile.TemporaryDirectory() as folder:
        write_directory(config, Path(folder), "none", lambda _: None)
        recording = record(Path(folder), (f"law.country={config.country.lower()}", *WITHOUT_A_MODEL))
    return tally_by_kind(recording) | tally_untold(recording)


def shown(found: Mapping[str, Tally], only: Sequence[str]) -> str:
    """A row a signal and kind."""
    rows = [f"{'signal, kind':34}{'judged':>7}{'hits':>6}{'by chance':>11}  verdict"]
    rows += [
        f"{name:34}{one.judged:7}{one.hits:6}{one.by_chance:11.1f}  {one.figures()['verdict']}"
        for name, one in sorted(found.items())
        if not only or name.partition(",")[0] in only
    ]
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", default=["calm"], choices=scenario_names())
    parser.add_argument("--seeds", nargs="+", type=int, default=[60])
    parser.add_argument("--customers", type=int, default=600)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--key-share", type=float, help="share of key accounts; as the scenario has it where left out")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--only", nargs="*", default=[], help="names of signals")
    options = parser.parse_args()
    told = {}
    for scenario in options.scenario:
        found: dict[str, Tally] = {}
        for seed in options.seeds:
            enriched = options.key_share is not None
            config = load_scenario(
                scenario, customers=LARGE if enriched else options.customers, days=options.days, seed=seed
            )
            if enriched:
                config = rich_in_key_accounts(config, options.customers, options.key_share)
            for name, one in measure(config).items():
                found.setdefault(name, Tally()).add(one)
        print(f"{scenario}, seeds {', '.join(map(str, options.seeds))}\n{shown(found, options.only)}", flush=True)
        told[scenario] = {name: one.figures() for name, one in sorted(found.items())}
    if options.json:
        print(json.dumps(told, sort_keys=True))


if __name__ == "__main__":
    main()
