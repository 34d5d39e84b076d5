"""A replay in several processes: each has some of the partitions, this one learns while they go on.

A pipe a process. At each midnight a process sends the examples that became known and goes on with the next day; before
that day's last tick it waits for the model of the midnight before. So results do not depend on how many processes there are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from churnwatch.backtest.directory import ReplayDirectory
from churnwatch.backtest.learning import Teacher
from churnwatch.backtest.population import Population
from churnwatch.backtest.replay import in_order
from churnwatch.backtest.shard import Replayed
from churnwatch.backtest.shard_process import TOLD, Failed, Midnight, serve
from churnwatch.engine_parts import EngineParts
from churnwatch.errors import UserError

STOP_TIMEOUT_S = 5.0


class ShardDiedError(UserError):
    """A process of the replay ended without a word: it was killed, or ran out of memory."""

    def __init__(self) -> None:
        super().__init__(
            "a process of the replay was killed; perhaps the memory is too small for so many: try --processes 1"
        )


def replay_in_processes(
    directory: ReplayDirectory, parts: EngineParts, processes: int, after_day: Callable[[int], None]
) -> tuple[Replayed, list[Population]]:
    """Replay everything in so many processes, at most one a partition; populations by partition.

    Raises:
        UserError: a file cannot be read or is out of order.
        ShardDiedError: a process was killed.
    """
    partitions = range(parts.settings.kafka.partitions)
    own = [partitions[first::processes] for first in range(min(processes, len(partitions)))]
    teacher = Teacher(parts.settings, parts.schema, parts.features, frozen=bool(parts.models))
    with _started(directory, parts, own) as shards:
        try:
            results = _results(shards, teacher, after_day)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise ShardDiedError from None
    replayed = Replayed()
    for part, _ in results:
        replayed.add(part)
    teacher.tell(replayed)
    replayed.warnings = in_order(replayed.warnings)
    populations = [population for _, part in results for population in part]
    return replayed, sorted(populations, key=lambda population: population.partition)


def _results(
    shards: Sequence[Connection], teacher: Teacher, after_day: Callable[[int], None]
) -> list[tuple[Replayed, list[Population]]]:
    """Lead the shards from midnight to midnight; what each gave."""
    while told := [midnight for shard in shards if (midnight := _midnight(shard)) is not None]:
        examples = [example for midnight in told for example in midnight.examples]
        after_day(told[0].bytes_read)
        model = teacher.learn(examples, told[0].midnight_ms)
        for shard in shards:
            shard.send_bytes(model)
    return [shard.recv() for shard in shards]


def _midnight(shard: Connection) -> Midnight | None:
    told = TOLD.decode(shard.recv_bytes())
    if isinstance(told, Failed):
        raise UserError(told.message)
    return told if isinstance(told, Midnight) else None


@contextmanager
def _started(
    directory: ReplayDirectory, parts: EngineParts, own: Sequence[Sequence[int]]
) -> Iterator[list[Connection]]:
    """Pipes to the processes, which end with the block."""
    context = get_context("spawn")
    pipes: list[Connection] = []
    running: list[SpawnProcess] = []
    try:
        for partitions in own:
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there, directory, parts, partitions), daemon=True)
            process.start()
            there.close()
            pipes.append(here)
            running.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in running:
            process.join(STOP_TIMEOUT_S)
            if process.is_alive():
                process.terminate()
                process.join(STOP_TIMEOUT_S)
