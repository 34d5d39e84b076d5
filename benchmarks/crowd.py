"""An outage, a festival and a dead feed against the same operators without them: alarms, deciders found, incidents told.

    python benchmarks/crowd.py --json
    python benchmarks/crowd.py --scenario outage --seeds 5 6 7 8 --customers 1000

Each scenario is lived once with its shocks and once without, per seed, through the engine with signals alone. The figures are
over all seeds together: on the days of one shock a thousand customers have a handful of deciders.
"""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, its project is not

from benchmarks.crowd_quality.lived import Found, live, pooled  # noqa: E402  # needs the path

MOST_ALARMS = 1.3
LEAST_RECALL = 0.8
PROCESSES = 2
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shock:
    """A scenario's bad days, the ordinary ones it is compared with, and the incidents that were put in."""

    days: int
    partitions: int
    bad: tuple[int, ...]
    normal: tuple[int, ...]
    put_in: tuple[tuple[str, str, int], ...]


#: The crowd knows its hours from the third week on; the day or two after a shock are neither bad nor ordinary.
SHOCKS = {
    "outage": Shock(
        33, 1, (28, 29), tuple(day for day in range(21, 33) if day not in range(28, 32)),
        (("crowd:east", "crowd_outage", 28),),
    ),
    "festival": Shock(
        50, 2, tuple(range(30, 40)), tuple(day for day in range(21, 50) if day not in range(30, 40)),
        (("crowd:everywhere", "crowd_holiday", 30),),
    ),
    "feed-silent": Shock(
        36, 2, (24, 25, 26), tuple(day for day in range(21, 36) if day not in range(24, 28)),
        (("crowd:north", "crowd_feed_silent", 24),),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One seed: alarms a day of soft signals, deciders found with the shock and without, incidents as put in, and which were told
    with it and without.
    """

    bad_alarms: float
    normal_alarms: float
    found: Found
    found_without: Found
    incidents_right: bool
    told: tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]


def compare(scenario: str, customers: int, seed: int) -> Compared:
    """Both lives of one seed."""
    shock = SHOCKS[scenario]
    with tempfile.TemporaryDirectory() as folder:
        lived, twin = (
            live(
                Path(folder) / str(calm), scenario, customers, shock.days,
                partitions=shock.partitions, seed=seed, calm=calm,
            )
            for calm in (False, True)
        )  # fmt: skip
    return Compared(
        lived.alarms_a_day(shock.bad), lived.alarms_a_day(shock.normal),
        lived.found(shock.bad), twin.found(shock.bad),
        lived.told() == list(shock.put_in) and not twin.incidents, (lived.told(), twin.told()),
    )  # fmt: skip


def figures(seeds: list[Compared]) -> Figures:
    """All seeds of one scenario as one."""
    found, without = pooled(one.found for one in seeds), pooled(one.found_without for one in seeds)
    alarms = sum(one.bad_alarms for one in seeds) / sum(one.normal_alarms for one in seeds)
    return {
        "alarms_ratio": round(alarms, 3),
        "recall_ratio": round(found.recall / without.recall, 3),
        "deciders": found.deciders,
        "recall": round(found.recall, 3),
        "recall_without": round(without.recall, 3),
        "seeds_with_the_incidents_put_in": sum(one.incidents_right for one in seeds),
        "seeds": len(seeds),
        "told_otherwise": [one.told for one in seeds if not one.incidents_right],
    }


def run(scenarios: list[str], customers: int, seeds: list[int]) -> dict[str, Figures]:
    """Scenario -> figures, two operators at a time."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = {scenario: [pool.submit(compare, scenario, customers, seed) for seed in seeds] for scenario in scenarios}
        return {scenario: figures([job.result() for job in ran]) for scenario, ran in jobs.items()}


def main() -> None:
    """Run, print a table, and with --json one object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", choices=sorted(SHOCKS), default=sorted(SHOCKS))
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6, 7, 8, 9])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = run(options.scenario, options.customers, options.seeds)
    for scenario, one in told.items():
        print(f"{scenario}: alarms {one['alarms_ratio']} of a normal day's (at most {MOST_ALARMS}), recall "
              f"{one['recall_ratio']} of that without the shock (at least {LEAST_RECALL}, {one['deciders']} deciders), "
              f"incidents right in {one['seeds_with_the_incidents_put_in']} of {one['seeds']}")  # fmt: skip
    if options.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
