"""The table holds recovered pages until somebody takes them, and nothing afterwards."""

from typing import Any

import faust
from faust.types import TP

from pipeline.page_store import PageStore, page_table
from pipeline.snapshot import table_key


async def _nothing() -> None:
    return None


def store() -> PageStore:
    app = faust.App("page-store-test", broker="kafka://127.0.0.1:1", web_enabled=False)
    table: Any = page_table(app, "pages", 4, _nothing)
    made = table.data
    assert isinstance(made, PageStore)
    return made


def test_pages_are_handed_over_by_partition_and_then_gone() -> None:
    pages = store()
    for partition in (0, 1, 3):
        pages.data[table_key(partition, "lines/0", "w.0")] = b"%d" % partition
    found = pages.hand_over([0, 1, 2])
    assert {partition: list(group.values()) for partition, group in found.items()} == {0: [b"0"], 1: [b"1"], 2: []}
    assert not pages.data
    assert pages.hand_over([0, 3]) == {0: {}, 3: {}}


def test_every_recovery_reads_the_changelog_from_its_beginning() -> None:
    pages = store()
    pages.set_persisted_offset(TP("changelog", 0), 500)
    assert pages.persisted_offset(TP("changelog", 0)) == -1
