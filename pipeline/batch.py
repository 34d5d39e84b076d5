"""Records of one partition in merge order: what the engine takes in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from pipeline.columns import CdrColumns, ThinRecord, empty_cdr
from pipeline.events import STREAM_RANK, Stream


@dataclass(frozen=True, slots=True)
class MergedBatch:
    """Call records and thin records, each sorted by (`received_ms`, stream rank, offset)."""

    cdr: CdrColumns = field(default_factory=empty_cdr)
    thin: Sequence[ThinRecord] = ()

    def __len__(self) -> int:
        return len(self.cdr) + len(self.thin)

    def before(self, cdr_start: int, thin_start: int, until_ms: int) -> tuple[int, int]:
        """Ends of the parts, from these starts, that were received before `until_ms`."""
        cdr_stop = int(np.searchsorted(self.cdr.received_ms, until_ms, side="left"))
        thin_stop = thin_start
        while thin_stop < len(self.thin) and self.thin[thin_stop].received_ms < until_ms:
            thin_stop += 1
        return max(cdr_start, cdr_stop), thin_stop

    def not_before(self, ms: int) -> "MergedBatch":
        """The same records, received at `ms` at the earliest: stream time does not go back."""
        cdr, thin = self.cdr, self.thin
        if len(cdr) and int(cdr.received_ms[0]) < ms:
            cdr = replace(cdr, received_ms=np.maximum(cdr.received_ms, ms))
        if thin and thin[0].received_ms < ms:
            thin = [replace(item, received_ms=max(item.received_ms, ms)) for item in thin]
        return MergedBatch(cdr, thin)

    def part(self, cdr: tuple[int, int], thin: tuple[int, int]) -> "MergedBatch":
        """A stretch of both."""
        return MergedBatch(self.cdr.part(*cdr), self.thin[thin[0] : thin[1]])


def in_turn(batch: MergedBatch, resets: Callable[[ThinRecord, int, int], bool]) -> Iterator[MergedBatch]:
    """The batch in parts within which thin records may be applied before call records, in order.

    Args:
        batch: in merge order.
        resets: whether a thin record sets back, or moves, what the call records from one place to another add to, which come
            before it in the merge order. Such a record begins a part, behind all of them; else what is remembered would depend
            on where batches end.
    """
    cdr_at = thin_at = 0
    for place, item in enumerate(batch.thin):
        side: Literal["left", "right"] = "left" if STREAM_RANK[item.stream] < STREAM_RANK[Stream.CDR] else "right"
        stop = int(np.searchsorted(batch.cdr.received_ms, item.received_ms, side=side))
        if stop > cdr_at and resets(item, cdr_at, stop):
            yield batch.part((cdr_at, stop), (thin_at, place))
            cdr_at, thin_at = stop, place
    yield batch.part((cdr_at, len(batch.cdr)), (thin_at, len(batch.thin)))


def merge_key(record: ThinRecord) -> tuple[int, int, int]:
    """What orders thin records."""
    return record.received_ms, STREAM_RANK[record.stream], record.offset
