"""The replay: files into the worker's partition tasks, day by day of stream time, learning in between.

All partitions stand at the same midnight before anything is learnt, so that the learner sees labels in the order in which
they became known. What is learnt at one midnight scores from the next one on: a day to fit it, while the replay goes on.
"""

from collections.abc import Callable, Sequence

import msgspec

from churnwatch.backtest.directory import ReplayDirectory
from churnwatch.backtest.learning import Teacher
from churnwatch.backtest.population import Population, lines_of_accounts
from churnwatch.backtest.shard import Replayed, Shard
from churnwatch.engine_parts import EngineParts
from pipeline.events import ChurnWarning
from pipeline.partition_task import PartitionTask

__all__ = ["Population", "Replay", "Replayed", "in_order", "lines_of_accounts"]


class Replay:
    """One run over a directory in this process, all partitions one after the other."""

    def __init__(self, directory: ReplayDirectory, parts: EngineParts) -> None:
        self._shard = Shard(directory, parts, range(parts.settings.kafka.partitions))
        self._teacher = Teacher(parts.settings, parts.schema, parts.features, frozen=bool(parts.models))

    @property
    def tasks(self) -> Sequence[PartitionTask]:
        """By partition."""
        return list(self._shard.tasks.values())

    @property
    def result(self) -> Replayed:
        """What came of it so far."""
        return self._shard.result

    def populations(self) -> list[Population]:
        """Lines by partition."""
        return [Population.of(task) for task in self.tasks]

    def run(self, after_day: Callable[[int], None]) -> Replayed:
        """Replay everything. `after_day` is told the bytes read so far after each day.

        Raises:
            UserError: a file cannot be read or is out of order.
        """
        shard, model = self._shard, b""
        try:
            while shard.approach_midnight():
                if model:
                    shard.use_model(model)
                model = self._teacher.learn(shard.cross_midnight(), shard.midnight_ms)
                after_day(shard.bytes_read())
            replayed, _ = shard.finish()
        finally:
            shard.close()
        self._teacher.tell(replayed)
        replayed.warnings = in_order(replayed.warnings)
        return replayed


def in_order(warnings: Sequence[ChurnWarning]) -> list[ChurnWarning]:
    """By time, whatever the number of processes; what several partitions say in the same words (an incident) once."""
    once = {msgspec.json.encode(warning): warning for warning in warnings}
    return [once[words] for words in sorted(once, key=lambda words: (once[words].ts_ms, once[words].warning_id, words))]
