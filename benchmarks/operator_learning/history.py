"""A replay kept as what the learner gets and what it has to score, so that other ways to learn can be tried on it.

Nothing that the learner says changes what it will be told (nobody is called in a replay): the examples of each midnight and the
features of every line are recorded once, and learnt afterwards as often as one likes, by the classes of production.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.directory import all_lines, find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.replay import in_order
from churnwatch.backtest.run import lists_of
from churnwatch.backtest.shard import Shard
from churnwatch.engine_parts import EngineParts
from models.evaluation.daily_lists import Lists
from models.evaluation.truth import INVOLUNTARY, read_truth
from pipeline.events import Example, Truth
from pipeline.partition_task import PartitionTask
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.writing import write_directory

#: One partition, four ticks a day: scores of a midnight do not need more, and it takes a third of the time.
ASSIGNMENTS = ("kafka.partitions=1", "engine.tick_s=21600")


@dataclass(slots=True)
class Midnight:
    """What became known by a midnight, in the order in which it is learnt; live lines and their features, (n, n_features)."""

    day_ms: int
    examples: list[Example] = field(default_factory=list)
    line_ids: list[str] = field(default_factory=list)
    features: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass(frozen=True, slots=True)
class History:
    """`lists` are scored by the prior; `segments` of the lists' line ids."""

    parts: EngineParts
    midnights: Sequence[Midnight]
    lists: Lists
    segments: Sequence[str]
    truths: dict[str, Truth]
    hazards: Mapping[int, Mapping[str, float]]

    def rescored(self, scores: Mapping[int, NDArray[np.float64]]) -> Lists:
        """The lists with these scores by day, of the lines of each midnight; a line that had none keeps its own."""
        number = {line_id: place for place, line_id in enumerate(self.lists.line_ids)}
        days = []
        for day, midnight in zip(self.lists.days, self.midnights, strict=True):
            by_line = np.zeros(len(number))
            by_line[day.lines] = day.scores
            by_line[[number[line_id] for line_id in midnight.line_ids]] = scores[day.day_ms]
            days.append(replace(day, scores=by_line[day.lines]))
        return replace(self.lists, days=days)

    def by_hazard(self) -> Lists:
        """The lists by the true probability to leave within thirty days; 0 for a line that the simulator does not know then."""
        return self.rescored(
            {
                midnight.day_ms: np.array(
                    [self.hazards.get(midnight.day_ms, {}).get(line_id, 0.0) for line_id in midnight.line_ids]
                )
                for midnight in self.midnights
            }
        )

    def by_decision(self) -> Lists:
        """The lists by who has decided to leave and will: nobody can know more before it is decided. Equal ones share a place."""
        return self.rescored(
            {
                midnight.day_ms: np.array(
                    [float(self._has_decided(line_id, midnight.day_ms)) for line_id in midnight.line_ids]
                )
                for midnight in self.midnights
            }
        )

    def _has_decided(self, line_id: str, at_ms: int) -> bool:
        truth = self.truths.get(line_id)
        if truth is None or truth.cause == INVOLUNTARY or truth.decided_ms is None:
            return False
        return truth.decided_ms <= at_ms


@contextmanager
def simulated(scenario: str, customers: int, days: int, seed: int) -> Iterator[Path]:
    """A directory of a simulated operator with its hazard, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_scenario(scenario, customers=customers, days=days, seed=seed, with_hazard=True)
        write_directory(config, Path(folder), "none", lambda _: None)
        yield Path(folder)


def history_of(folder: Path, assignments: Sequence[str] = ASSIGNMENTS) -> History:
    """Replay a directory in one partition, learning nothing."""
    parts = parts_with(assignments)
    directory = find_directory(folder)
    assert directory.truth is not None
    shard, kept = Shard(directory, parts, [0]), dict[int, Midnight]()
    _listen(shard.tasks[0], kept)
    while shard.approach_midnight():
        examples = shard.cross_midnight()
        kept[shard.midnight_ms].examples = sorted(examples, key=lambda example: example.example_id)
    replayed, populations = shard.finish()
    shard.close()
    replayed.warnings = in_order(replayed.warnings)
    midnights = [kept[day_ms] for day_ms in sorted(replayed.scores.swept)]
    lists = lists_of(replayed, list(shard.tasks.values()), parts.settings)
    truths = read_truth(all_lines(directory.truth))
    return History(parts, midnights, lists, populations[0].segments, truths, _hazards(folder / "hazard.jsonl"))


def _hazards(path: Path) -> dict[int, dict[str, float]]:
    """The true probability to leave within thirty days, by day and line; empty where nobody knows it."""
    found: dict[int, dict[str, float]] = {}
    for row in map(json.loads, path.read_bytes().splitlines() if path.exists() else ()):
        found.setdefault(row["day_ms"], {})[row["line_id"]] = row["hazard"]
    return found


def _listen(task: PartitionTask, kept: dict[int, Midnight]) -> None:
    """Stand between the engine and its keeper of labels, who is offered every line at every sweep."""
    keep = task.labels.snapshot

    def snapshot(
        tick_ms: int,
        line_ids: Sequence[str],
        account_ids: Sequence[str],
        features: NDArray[np.float64],
        last_activity_ms: NDArray[np.int64] | None = None,
    ) -> None:
        kept[tick_ms] = Midnight(tick_ms, line_ids=list(line_ids), features=features.astype(np.float32))
        keep(tick_ms, line_ids, account_ids, features, last_activity_ms)

    task.labels.snapshot = snapshot  # type: ignore[method-assign]  # the benchmark listens, the engine is as it is
