"""A synthetic operator's days with a shock, and the same days without it, through the very engine and with signals alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.run import Backtest, run_backtest
from pipeline.calm.incidents import is_incident
from pipeline.events import ChurnWarning, Truth
from pipeline.signals.registry import ACCOUNT_SIGNALS, SWEPT_SIGNALS
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory

DAY_MS = 86_400_000
#: Monday 2026-03-02, 00:00 UTC.
START_DAY = 20_514
#: Signals alone, no model.
NO_MODEL = "learning.minimum_positives=100000"
#: What speaks of usage and spend: the rest happened, and passes.
SOFT = {*(signal.name for signal in SWEPT_SIGNALS), *(signal.name for signal in ACCOUNT_SIGNALS), "spend_drop"}


@dataclass(frozen=True, slots=True)
class Found:
    """Of `deciders` under way, `warned` had a warning in the 30 days before they left."""

    deciders: int
    warned: int

    @property
    def recall(self) -> float:
        """Share that was warned of; NaN without any decider."""
        return self.warned / self.deciders if self.deciders else float("nan")


@dataclass(frozen=True, slots=True)
class Lived:
    """One scenario replayed: its warnings of customers, its incidents by id, and who decided to leave."""

    backtest: Backtest
    warnings: list[ChurnWarning]
    incidents: dict[str, ChurnWarning]

    def alarms_a_day(self, days: Sequence[int]) -> float:
        """Warnings of soft signals, a day."""
        by_day = Counter(day_of(w.ts_ms) for w in self.warnings if w.signals[0].name in SOFT)
        return sum(by_day[day] for day in days) / len(days)

    def found(self, days: Sequence[int]) -> Found:
        """Who of the lines under way on these days, by their own will, was warned of before they left."""
        warned = {(w.line_id or w.account_id, w.ts_ms) for w in self.warnings}
        under_way = [truth for truth in self.backtest.truths.values() if _under_way(truth, days)]
        return Found(len(under_way), sum(_was_warned(truth, warned) for truth in under_way))

    def told(self) -> list[tuple[str, str, int]]:
        """Where, why and since which day: the last word on each incident."""
        last = self.incidents.values()
        return sorted((w.account_id, w.reasons[0], round((w.signals[0].since_ms / DAY_MS) - START_DAY)) for w in last)


def pooled(found: Iterable[Found]) -> Found:
    """Several operators as one: a handful of deciders each says little."""
    several = list(found)
    return Found(sum(one.deciders for one in several), sum(one.warned for one in several))


def day_of(ms: int) -> int:
    """Days since the operator's first, of a time in epoch milliseconds."""
    return ms // DAY_MS - START_DAY


def live(
    folder: Path, scenario: str, customers: int, days: int, *, partitions: int, seed: int = 5, calm: bool = False
) -> Lived:
    """Simulate and replay; `calm` takes the shocks out. Each partition sees its share of the customers only."""
    config = load_scenario(scenario, customers=customers, days=days, seed=seed)
    if calm:
        config = msgspec.structs.replace(config, shocks=[])
    write_directory(config, folder)
    result = run_backtest(
        find_directory(folder), parts_with([f"kafka.partitions={partitions}", NO_MODEL]), lambda _: None
    )
    incidents = {w.warning_id: w for w in result.replayed.warnings if is_incident(w)}
    return Lived(result, [w for w in result.replayed.warnings if not is_incident(w)], incidents)


def _under_way(truth: Truth, days: Sequence[int]) -> bool:
    if truth.cause == "involuntary" or not truth.decided_ms:
        return False
    return day_of(truth.decided_ms) <= days[-1] and day_of(truth.churn_ms) >= days[0]


def _was_warned(truth: Truth, warned: set[tuple[str, int]]) -> bool:
    return any(
        who in {truth.line_id, truth.account_id} and 0 < truth.churn_ms - at <= 30 * DAY_MS for who, at in warned
    )
