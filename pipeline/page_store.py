"""The table in which Faust recovers saved pages: it holds them until the tasks are built, and no longer.

Faust's own memory store would keep a second copy of the whole state, and with two slots a page a third one. Here a
recovery always reads the changelog from its beginning, because after the tasks took their pages nothing is left of them;
what a task writes goes to the changelog alone.
"""

from collections.abc import Iterable
from typing import Any

import faust
from faust.stores.memory import Store
from faust.tables.table import Table
from faust.types import TP, CollectionT, StoreT

from pipeline.snapshot import partition_of_key

#: An offset before the first one: to Faust, that of a store which has seen nothing of the changelog.
NOTHING_SEEN = -1


class PageStore(Store[bytes, bytes]):
    """Pages between recovery and the building of tasks."""

    def persisted_offset(self, tp: TP) -> int:
        """Asked at every assignment: always the whole changelog is to be read."""
        return NOTHING_SEEN

    def hand_over(self, partitions: Iterable[int]) -> dict[int, dict[bytes, bytes]]:
        """The recovered pages by partition; nothing of them, or of other partitions, stays here."""
        found: dict[int, dict[bytes, bytes]] = {partition: {} for partition in partitions}
        while self.data:
            key, page = self.data.popitem()
            partition = partition_of_key(key)
            if partition in found:
                found[partition][key] = page
        self._key_partition.clear()
        return found


class PageTable(Table[bytes, bytes]):
    """A Faust table whose store is a `PageStore`."""

    def _new_store(self) -> StoreT[Any, Any]:
        return PageStore("memory://", self.app, self, table_name=self.name, key_type=bytes, value_type=bytes)


def page_table(app: faust.App, name: str, partitions: int, on_recover: Any) -> CollectionT:
    """Add the table to the app."""
    return app.tables.add(
        PageTable(app, name=name, partitions=partitions, key_type=bytes, value_type=bytes, on_recover=on_recover)
    )
