"""One partition as one task with six inputs: raw blocks in, effects and refusals out. No I/O; time is an argument."""

from dataclasses import dataclass, field, replace

from pipeline.columns import Accept, CdrColumns, RawBlock, Refused, decode_cdr, decode_thin
from pipeline.effects import Effects
from pipeline.engine import Engine
from pipeline.events import Stream
from pipeline.kinds import KindTable
from pipeline.merge import FOREVER_MS, Merger
from pipeline.ports import LabelKeeper
from pipeline.snapshot import Snapshot, Snapshotter


@dataclass(slots=True)
class Progress:
    """What one step of a task gave."""

    effects: Effects = field(default_factory=Effects)
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class PartitionTask:
    """Decoding, merging and deciding for one partition."""

    engine: Engine
    merger: Merger
    snapshotter: Snapshotter
    labels: LabelKeeper
    kinds: KindTable
    accept: Accept

    def on_block(self, stream: Stream, block: RawBlock, now_s: float, span_ms: int = FOREVER_MS) -> Progress:
        """Take in one fetch of one input; records the state has seen already (after a restart) are skipped.

        `span_ms`: decide at most so much of stream time, here and in `poll`; the next call goes on.
        """
        progress = Progress()
        fresh = _from_offset(block, self.merger.inputs[stream].position)
        if len(fresh):
            next_offset = fresh.offsets[-1] + 1
            if stream is Stream.CDR:
                columns, progress.refused = decode_cdr(fresh, self.kinds, self.accept)
                self.merger.add_cdr(columns, next_offset, now_s)
            else:
                records, progress.refused = decode_thin(stream, fresh, self.accept)
                self.merger.add_thin(stream, records, next_offset, now_s)
            partition = self.engine.state.partition
            progress.refused = [replace(refused, partition=partition) for refused in progress.refused]
        self._advance(progress, now_s, span_ms)
        return progress

    def on_cdr(self, columns: CdrColumns, next_offset: int, now_s: float) -> Progress:
        """Take in call records that were decoded already: a replay decodes a stretch of a file for all partitions at once."""
        self.merger.add_cdr(columns, next_offset, now_s)
        progress = Progress()
        self._advance(progress, now_s)
        return progress

    def close(self, until_ms: int, now_s: float) -> Progress:
        """Decide everything up to `until_ms`: all that was received before it has been handed over, as in a replay."""
        self.merger.nothing_before(until_ms)
        progress = Progress()
        self._advance(progress, now_s)
        return progress

    def poll(self, ends: dict[Stream, int | None], now_s: float, span_ms: int = FOREVER_MS) -> Progress:
        """Tell how far the topics reach now, and decide what idle inputs held back."""
        for stream, end in ends.items():
            self.merger.inputs[stream].note_end(end, now_s)
        progress = Progress()
        self._advance(progress, now_s, span_ms)
        return progress

    def snapshot(self) -> Snapshot:
        """The state's changes since the last snapshot, with the offsets that they make safe."""
        self.engine.state.applied = self.merger.applied()
        return self.snapshotter.take(self.engine.state, self.labels.changed_pages())

    def is_through(self) -> bool:
        """Whether every input is caught up and nothing waits."""
        return all(source.is_caught_up() and not source.buffered for source in self.merger.inputs.values())

    def _advance(self, progress: Progress, now_s: float, span_ms: int = FOREVER_MS) -> None:
        taken = self.merger.take(now_s, span_ms)
        if taken is not None:
            batch, until_ms = taken
            progress.effects.extend(self.engine.advance(batch, until_ms))


def _from_offset(block: RawBlock, position: int) -> RawBlock:
    if not len(block) or block.offsets[0] >= position:
        return block
    start = next((place for place, offset in enumerate(block.offsets) if offset >= position), len(block))
    return block.part(start, len(block))
