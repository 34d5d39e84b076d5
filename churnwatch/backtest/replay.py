"""The replay: files into the worker's partition tasks, day by day of stream time, learning in between.

All partitions stand at the same midnight before anything is learnt, so that the learner sees labels in the order in which
they became known, and a model scores from the tick that it names.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.directory import ReplayDirectory
from churnwatch.backtest.learning import Teacher
from churnwatch.backtest.placing import Placing
from churnwatch.backtest.score_book import ScoreBook
from churnwatch.backtest.stream_files import CdrFile, Records, ThinFile
from churnwatch.engine_parts import EngineParts
from models.evaluation.declared import OpenCases
from pipeline.events import ChurnWarning, Example, OrderRecord, Stream
from pipeline.partition_task import PartitionTask, Progress
from pipeline.state.decay import DAY_MS

#: Wall time plays no part: it passes only at the very end, to let the inputs count as idle.
NOW_S = 0.0


@dataclass(slots=True)
class Replayed:
    """What a replay gave."""

    warnings: list[ChurnWarning] = field(default_factory=list)
    scores: ScoreBook = field(default_factory=ScoreBook)
    counts: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    events: int = 0
    end_ms: int = 0
    models_published: int = 0
    labels_learned: int = 0
    half_lines: list[str] = field(default_factory=list)


class Replay:
    """One run over a directory."""

    def __init__(self, directory: ReplayDirectory, parts: EngineParts) -> None:
        self._parts = parts
        self._partitions = parts.settings.kafka.partitions
        self.result = Replayed()
        accept = parts.accept()
        self._cdr = CdrFile(directory.streams[Stream.CDR], parts.kinds, accept)
        self._thin = [
            ThinFile(stream, path, accept.max_bytes)
            for stream, path in directory.streams.items()
            if stream is not Stream.CDR
        ]
        self._files: list[CdrFile | ThinFile] = [self._cdr, *self._thin]
        self._placing = Placing(self._partitions)
        self.tasks = [parts.make_task(partition, {}, {}) for partition in range(self._partitions)]
        for partition, task in enumerate(self.tasks):
            task.engine.observe_sweeps(self.result.scores.observer(partition))
        self._teacher = Teacher(parts.settings, parts.schema, len(parts.features))
        self._cases = OpenCases()
        self._examples: list[Example] = []

    def run(self, after_day: Callable[[int], None]) -> Replayed:
        """Replay everything. `after_day` is told the bytes read so far after each day.

        Raises:
            UserError: a file cannot be read or is out of order.
        """
        try:
            self._run_days(after_day)
            self._finish()
        finally:
            for file in self._files:
                file.close()
        return self.result

    def _run_days(self, after_day: Callable[[int], None]) -> None:
        day_end_ms = self._first_midnight()
        while not self._is_through():
            self._feed(day_end_ms)
            if not self._is_through():
                self._close_day(day_end_ms)
            day_end_ms += DAY_MS
            after_day(sum(file.bytes_read() for file in self._files))

    def _is_through(self) -> bool:
        return all(file.is_through() for file in self._files)

    def _first_midnight(self) -> int:
        firsts = [first for file in self._files if (first := file.first_ms()) is not None]
        return (min(firsts, default=0) // DAY_MS + 1) * DAY_MS

    def _feed(self, before_ms: int) -> None:
        for file in self._thin:
            parts = file.take(before_ms)
            self._count([part.times for part in parts])
            records = [part.records for part in parts]
            for partition, block in self._placing.blocks(records):
                self._take(self.tasks[partition].on_block(file.stream, block, NOW_S))
            if file.stream is Stream.ORDERS:
                self._note_cases(records)
        calls = self._cdr.take(before_ms)
        self._count([part.times for part in calls])
        for partition, columns in self._placing.columns([part.records for part in calls]):
            self._take(self.tasks[partition].on_cdr(columns, int(columns.offset[-1]) + 1, NOW_S))

    def _count(self, times: list[NDArray[np.int64]]) -> None:
        for part in times:
            self.result.events += len(part)
            self.result.end_ms = max(self.result.end_ms, int(part[-1]))

    def _close_day(self, day_end_ms: int) -> None:
        self.result.scores.note_declared(day_end_ms, self._cases.open_at(day_end_ms))
        for task in self.tasks:
            self._take(task.close(day_end_ms, NOW_S))
        self._learn(day_end_ms)

    def _learn(self, now_ms: int) -> None:
        self._examples.sort(key=lambda example: (example.known_ms, example.snapshot_ms, example.line_id))
        received = self._teacher.learn(self._examples, now_ms)
        self._examples = []
        if received is not None:
            for task in self.tasks:
                task.engine.use_model(received.scorer, received.message.counts_from_ms)

    def _finish(self) -> None:
        """Every input is at its end: decide what is known, as a worker does when nothing more comes."""
        later_s = NOW_S + self._parts.settings.engine.idle_ms / 1000.0 + 1.0
        for task in self.tasks:
            ends: dict[Stream, int | None] = {stream: source.position for stream, source in task.merger.inputs.items()}
            self._take(task.poll(ends, NOW_S))
            self._take(task.poll(ends, later_s))
        for file in self._files:
            if file.half_line:
                self.result.half_lines.append(file.path.name)
            self.result.events += len(file.refused)
            self.result.dead_letters.update(reason.value for reason in file.refused)
        self.result.models_published = self._teacher.models_published
        self.result.labels_learned = self._teacher.labels_learned

    def _take(self, progress: Progress) -> None:
        self.result.warnings += progress.effects.warnings
        self.result.counts.update(progress.effects.counts)
        self.result.dead_letters.update(refused.refusal.reason.value for refused in progress.refused)
        self._examples += progress.effects.examples

    def _note_cases(self, taken: list[Records]) -> None:
        decoder = msgspec.json.Decoder(OrderRecord)
        for value in chain.from_iterable(records.values for records in taken):
            try:
                self._cases.note(decoder.decode(value))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # refused, and counted, by the task


def lines_of_accounts(tasks: list[PartitionTask]) -> dict[str, list[str]]:
    """Line ids of each account, as the engines know them at the end."""
    found: dict[str, list[str]] = {}
    for task in tasks:
        state = task.engine.state
        for account, rows in state.lines_of.items():
            found[state.accounts.ids[account]] = [state.lines.ids[row] for row in rows]
    return found
