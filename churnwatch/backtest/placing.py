"""Records of a file to the partitions that their accounts belong to in Kafka."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import CdrColumns, RawBlock, concat
from pipeline.partitioning import POSITIVE, partition_of

Partitions = NDArray[np.int16]


class Placing:
    """Remembers each account's partition; `own` are the partitions of this replay, records of others are passed over."""

    def __init__(self, partitions: int, own: Collection[int]) -> None:
        self._partitions = partitions
        #: Of each partition, whether it is one of ours.
        self.own_flags: NDArray[np.bool_] = np.isin(np.arange(partitions), list(own))
        self._known: dict[str, int] = {}

    def of(self, keys: Sequence[str]) -> Partitions:
        """Partition of each account, shape (n_keys,)."""
        try:
            return np.fromiter(map(self._known.__getitem__, keys), np.int16, len(keys))
        except KeyError:
            for key in set(keys).difference(self._known):
                self._known[key] = partition_of(key, self._partitions)
        return np.fromiter(map(self._known.__getitem__, keys), np.int16, len(keys))

    def of_hashes(self, hashes: NDArray[np.uint32]) -> Partitions:
        """Partition of each account whose murmur2 this is, shape (n_hashes,)."""
        return ((hashes & np.uint32(POSITIVE)) % np.uint32(self._partitions)).astype(np.int16)

    def is_own(self, partitions: Partitions) -> NDArray[np.bool_]:
        """Which of these belong to this replay."""
        result: NDArray[np.bool_] = self.own_flags[partitions]
        return result


def blocks(keys: Sequence[str], block: RawBlock, partitions: Partitions) -> Iterator[tuple[int, RawBlock]]:
    """Raw records by partition, a block each, in their order."""
    for partition, places in _by_partition(partitions):
        rows = places.tolist()
        yield (
            partition,
            RawBlock(
                [block.offsets[row] for row in rows],
                [keys[row].encode() for row in rows],
                [block.values[row] for row in rows],
            ),
        )


def columns(taken: Sequence[CdrColumns], partitions: Sequence[Partitions]) -> Iterator[tuple[int, CdrColumns]]:
    """Call records by partition, in their order."""
    if taken:
        together = concat(taken)
        for partition, places in _by_partition(np.concatenate(partitions)):
            yield partition, together.rows(places)


def _by_partition(partitions: Partitions) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for partition in np.unique(partitions).tolist():
        yield partition, np.flatnonzero(partitions == partition)
