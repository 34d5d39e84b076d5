"""When everybody falls silent nobody is blamed: an outage, a festival and a dead feed, through the very engine, no broker.

Judged against the same operator without the shock: the same seed, customers and country.
"""

from pathlib import Path

import msgspec
import pytest

from benchmarks.crowd_quality.lived import Lived, day_of, live, pooled

FIRST_NORMAL_DAY = 21
MOST_ALARMS = 1.3
LEAST_RECALL = 0.8

OUTAGE_DAYS = [28, 29]
#: A thousand customers have two to five deciders on the days of an outage: one operator alone says nothing about recall.
SEEDS = (5, 6, 7)
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def outages(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Lived, Lived]]:
    """The outage as it was lived, and the same customers without it, of some operators."""
    folder = tmp_path_factory.mktemp("outages")
    return [
        (
            live(folder / f"outage{seed}", "outage", 1000, 33, partitions=1, seed=seed),
            live(folder / f"calm{seed}", "outage", 1000, 33, partitions=1, seed=seed, calm=True),
        )
        for seed in SEEDS
    ]


def test_an_outage_is_one_incident_and_no_alarms(outages: list[tuple[Lived, Lived]]) -> None:
    normal = [day for day in range(FIRST_NORMAL_DAY, 33) if day not in {*OUTAGE_DAYS, 30, 31}]
    for lived, twin in outages:
        assert lived.told() == [("crowd:east", "crowd_outage", 28)]
        assert not twin.incidents
        assert lived.alarms_a_day(OUTAGE_DAYS) <= MOST_ALARMS * lived.alarms_a_day(normal)


def test_those_who_decide_during_an_outage_are_found_as_without_it(outages: list[tuple[Lived, Lived]]) -> None:
    with_it = pooled(lived.found(OUTAGE_DAYS) for lived, _ in outages)
    without = pooled(twin.found(OUTAGE_DAYS) for _, twin in outages)
    assert with_it.recall >= LEAST_RECALL * without.recall


def test_a_festival_is_one_incident_and_no_alarms(tmp_path: Path) -> None:
    lived = live(tmp_path / "festival", "festival", 400, 50, partitions=2)
    twin = live(tmp_path / "calm", "festival", 400, 50, partitions=2, calm=True)

    assert lived.told() == [("crowd:everywhere", "crowd_holiday", 30)]
    assert not twin.incidents
    bad = list(range(30, 40))
    normal = [day for day in range(FIRST_NORMAL_DAY, 50) if day not in bad]
    assert lived.alarms_a_day(bad) <= MOST_ALARMS * lived.alarms_a_day(normal)
    assert lived.found(bad).recall >= LEAST_RECALL * twin.found(bad).recall


def test_a_dead_feed_is_one_incident_without_silence_and_nothing_is_learnt_from_it(tmp_path: Path) -> None:
    lived = live(tmp_path / "feed", "feed-silent", 800, 36, partitions=2)

    assert lived.told() == [("crowd:north", "crowd_feed_silent", 24)]
    north = lines_of(tmp_path / "feed", "north")
    days = {24, 25, 26, 27}
    dead = {25, 26}  # afterwards the late records have told who was silent indeed
    silent = [w for w in lived.warnings if w.signals[0].name == "silence" and day_of(w.ts_ms) in dead]
    assert not [w for w in silent if w.line_id in north]
    assert lived.backtest.replayed.counts["snapshots_frozen"] > 0
    usual = lived.alarms_a_day([day for day in range(FIRST_NORMAL_DAY, 36) if day not in days])
    assert lived.alarms_a_day(sorted(days)) <= MOST_ALARMS * usual


def lines_of(folder: Path, region: str) -> set[str]:
    """Lines of the customers of a region."""
    records = map(msgspec.json.decode, (folder / "customers.jsonl").read_bytes().splitlines())
    return {line for record in records if record["region"] == region for line in record["lines"]}
