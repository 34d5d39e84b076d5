"""Some partitions of a replay, day by day of stream time: files in, warnings, scores and examples out.

A shard reads every file, since only they tell the time, and decodes its own accounts' records. It stops twice a day: before
the last tick, until there is the model that counts from midnight, and at midnight, with the examples that became known.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from churnwatch.backtest import placing
from churnwatch.backtest.directory import ReplayDirectory
from churnwatch.backtest.population import Population
from churnwatch.backtest.score_book import ScoreBook
from churnwatch.backtest.stream_files import CdrFile, Records, ThinFile
from churnwatch.engine_parts import EngineParts
from models.evaluation.declared import OpenCases
from models.exchange import RefusedModel, read_model
from pipeline.columns import RawBlock
from pipeline.events import ChurnWarning, Example, OrderRecord, Stream
from pipeline.partition_task import PartitionTask, Progress
from pipeline.refusals import UNREADABLE
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

#: Wall time plays no part: it passes only at the very end, to let the inputs count as idle.
NOW_S = 0.0

#: New objects between two looks for garbage; a replay makes few cycles and keeps a million small facts.
COLLECT_AFTER = 1_000_000

log = structlog.get_logger()


@dataclass(slots=True)
class Replayed:
    """What a replay, or a shard of it, gave. `model`: message of the newest one, empty when none was learnt."""

    warnings: list[ChurnWarning] = field(default_factory=list)
    scores: ScoreBook = field(default_factory=ScoreBook)
    counts: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    events: int = 0
    end_ms: int = 0
    models_published: int = 0
    labels_learned: int = 0
    half_lines: list[str] = field(default_factory=list)
    model: bytes = b""

    def add(self, other: "Replayed") -> None:
        """Take in another shard's part."""
        self.warnings += other.warnings
        self.scores.add(other.scores)
        self.counts.update(other.counts)
        self.dead_letters.update(other.dead_letters)
        self.events += other.events
        self.end_ms = max(self.end_ms, other.end_ms)
        self.half_lines = other.half_lines


class Shard:
    """One run over a directory for the partitions `own`.

    Raises (from every method that reads):
        UserError: a file cannot be read or is out of order.
    """

    def __init__(self, directory: ReplayDirectory, parts: EngineParts, own: Sequence[int]) -> None:
        self._parts = parts
        self._tells_of_files = 0 in own
        self.result = Replayed()
        accept = parts.accept()
        place = placing.Placing(parts.settings.kafka.partitions, own)
        self._cdr = CdrFile(directory.streams[Stream.CDR], place, parts.kinds, accept)
        self._thin = [
            ThinFile(stream, path, place, accept.max_bytes)
            for stream, path in directory.streams.items()
            if stream is not Stream.CDR
        ]
        self._files: list[CdrFile | ThinFile] = [self._cdr, *self._thin]
        self._cases = OpenCases()
        self._declared: set[str] = set()
        self.tasks = {partition: parts.make_task(partition, {}, {}) for partition in own}
        for task in self.tasks.values():
            self._listen(task)
        self._examples: list[Example] = []
        self._midnight_ms = 0

    @property
    def midnight_ms(self) -> int:
        """The midnight that `approach_midnight` came to."""
        return self._midnight_ms

    def approach_midnight(self) -> bool:
        """Take in the records of the next day and decide its ticks but the last; False when the files are through."""
        self._midnight_ms = self._midnight_ms + DAY_MS if self._midnight_ms else self._first_midnight()
        if self._is_through():
            return False
        self._feed(self._midnight_ms)
        if self._is_through():
            return False
        self._close(self._midnight_ms - self._parts.settings.engine.tick_s * 1000)
        return True

    def use_model(self, raw: bytes) -> None:
        """Score with this message of churn.models from the tick that it names, through production's checks."""
        received = read_model(raw, self._parts.schema, len(self._parts.features))
        if isinstance(received, RefusedModel):
            log.error("model.refused", reason=received.reason.value, detail=received.detail)
            return
        for task in self.tasks.values():
            task.engine.use_model(received.scorer, received.message.counts_from_ms)

    def cross_midnight(self) -> list[Example]:
        """Decide the last tick of the day; examples whose labels became known on it."""
        self._declared = self._cases.open_at(self._midnight_ms)
        self._close(self._midnight_ms)
        examples, self._examples = self._examples, []
        return examples

    def finish(self) -> tuple[Replayed, list[Population]]:
        """Every input is at its end: decide what is known, as a worker does when nothing more comes."""
        later_s = NOW_S + self._parts.settings.engine.idle_ms / 1000.0 + 1.0
        for task in self.tasks.values():
            ends: dict[Stream, int | None] = {stream: source.position for stream, source in task.merger.inputs.items()}
            self._take(task.poll(ends, NOW_S))
            self._take(task.poll(ends, later_s))
        refused = list(self._cdr.refused_own)
        if self._tells_of_files:
            refused += chain.from_iterable(file.refused for file in self._files)
        self.result.events += len(refused)
        self.result.dead_letters.update(reason.value for reason in refused)
        self.result.half_lines = [file.path.name for file in self._files if file.half_line]
        return self.result, [Population.of(task) for task in self.tasks.values()]

    def bytes_read(self) -> int:
        """Of all files as they lie on the disk."""
        return sum(file.bytes_read() for file in self._files)

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            file.close()

    def _listen(self, task: PartitionTask) -> None:
        state = task.engine.state

        def note(day_ms: int, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
            declared = rows_of(self._declared, state)
            self.result.scores.note(state.partition, day_ms, rows, scores, np.isin(rows, declared))

        task.engine.observe_sweeps(note)
        task.engine.leave_out_views()

    def _is_through(self) -> bool:
        return all(file.is_through() for file in self._files)

    def _first_midnight(self) -> int:
        firsts = [first for file in self._files if (first := file.first_ms()) is not None]
        return (min(firsts, default=0) // DAY_MS + 1) * DAY_MS

    def _feed(self, before_ms: int) -> None:
        for file in self._thin:
            parts = file.take(before_ms)
            self._count([part.times for part in parts])
            for part in parts:
                self._feed_thin(file.stream, part.records)
        calls = self._cdr.take(before_ms)
        self._count([part.times for part in calls])
        partitions = [part.records.partitions for part in calls]
        for partition, columns in placing.columns([part.records.columns for part in calls], partitions):
            self._take(self.tasks[partition].on_cdr(columns, int(columns.offset[-1]) + 1, NOW_S))

    def _feed_thin(self, stream: Stream, records: Records) -> None:
        raw = RawBlock(records.numbers, None, records.values)
        for partition, block in placing.blocks(records.keys, raw, records.partitions):
            self._take(self.tasks[partition].on_block(stream, block, NOW_S))
        if stream is Stream.ORDERS:
            self._note_cases(records.values)

    def _count(self, times: Sequence[NDArray[np.int64]]) -> None:
        for part in times:
            self.result.events += len(part)
            self.result.end_ms = max(self.result.end_ms, int(part[-1]))

    def _close(self, until_ms: int) -> None:
        for task in self.tasks.values():
            self._take(task.close(until_ms, NOW_S))

    def _take(self, progress: Progress) -> None:
        self.result.warnings += progress.effects.warnings
        self.result.counts.update(progress.effects.counts)
        self.result.dead_letters.update(refused.refusal.reason.value for refused in progress.refused)
        self._examples += progress.effects.examples

    def _note_cases(self, values: Sequence[bytes]) -> None:
        decoder = msgspec.json.Decoder(OrderRecord)
        for value in values:
            try:
                self._cases.note(decoder.decode(value))
            except UNREADABLE:
                continue  # refused, and counted, by the task


def rows_of(subjects: Iterable[str], state: PartitionState) -> list[int]:
    """Rows of the lines that these ids of lines and accounts speak of, those of other partitions left out."""
    rows: list[int] = []
    for subject in subjects:
        row = state.lines.row_of.get(subject)
        rows += state.rows_of_account(subject) if row is None else [row]
    return rows


def collect_seldom() -> None:
    """Look for cyclic garbage a thousand times less often than usual: a tenth of a replay's time went to it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
