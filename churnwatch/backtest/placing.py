"""Records of a file to the partitions that their accounts belong to in Kafka."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.stream_files import Records
from pipeline.columns import CdrColumns, RawBlock, concat
from pipeline.partitioning import partition_of


class Placing:
    """Remembers each account's partition."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._known: dict[str, int] = {}

    def blocks(self, taken: Sequence[Records]) -> Iterator[tuple[int, RawBlock]]:
        """Records by partition, a block each, in their order."""
        keys = list(chain.from_iterable(records.keys for records in taken))
        numbers = list(chain.from_iterable(records.numbers for records in taken))
        values = list(chain.from_iterable(records.values for records in taken))
        for partition, places in self._by_partition(keys):
            rows = places.tolist()
            yield (
                partition,
                RawBlock(
                    [numbers[row] for row in rows], [keys[row].encode() for row in rows], [values[row] for row in rows]
                ),
            )

    def columns(self, taken: Sequence[CdrColumns]) -> Iterator[tuple[int, CdrColumns]]:
        """Call records by partition, in their order."""
        if taken:
            columns = concat(taken)
            for partition, places in self._by_partition(columns.account_ids):
                yield partition, columns.rows(places)

    def _by_partition(self, keys: Sequence[str]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        if not keys:
            return
        known = self._known
        for key in set(keys).difference(known):
            known[key] = partition_of(key, self._partitions)
        partition_at = np.array([known[key] for key in keys], np.int32)
        for partition in np.unique(partition_at).tolist():
            yield partition, np.flatnonzero(partition_at == partition)
