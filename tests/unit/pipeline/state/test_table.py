"""Columns in pages: a page taken back is the page that was saved."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import Level
from pipeline.state.cases import Case, Episode, HardEvent
from pipeline.state.catalogue import LINE_COLUMNS, NO_TIME, schema_version
from pipeline.state.table import ColumnTable

PAGE_ROWS = 4

IDS = st.sampled_from([f"line-{number}" for number in range(14)] + ["", "号码", "a\x00b"])
CASES = st.builds(
    Case,
    st.dictionaries(st.sampled_from(["termination", "complaint"]), st.builds(HardEvent, *[st.integers(0, 2**50)] * 2)),
    st.dictionaries(
        st.sampled_from(["silence", "model_score"]),
        st.builds(
            Episode, st.integers(0, 2**50), st.integers(0, 2**50), st.sampled_from(Level), st.floats(0, 1),
            st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False)), st.text(max_size=5),
        ),
    ),
)  # fmt: skip
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), IDS, st.integers(0, 2**16 - 1)),
        st.tuples(st.just("case"), IDS, CASES),
        st.tuples(st.just("drop"), IDS, st.none()),
        st.tuples(st.just("save"), IDS, st.none()),
    ),
    max_size=40,
)


def filled(operations: list[tuple[str, str, Any]], store: dict[int, bytes]) -> ColumnTable:
    """A table after these operations; pages are saved to `store` as the snapshotter does."""
    table = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for name, row_id, value in operations:
        if name == "save":
            save(table, store)
            continue
        row = table.add(row_id)
        if name == "write":
            table["activity"][row, value % 32] = value
            table["sums"][row] = value / 3.0
            table["bills"][row, 2] = value
            table.touch(row)
        elif name == "case":
            case = table.case(row)
            case.hard, case.episodes = value.hard, value.episodes
        else:
            table.drop_case(row)
    save(table, store)
    return table


def save(table: ColumnTable, store: dict[int, bytes]) -> None:
    dirty = table.dirty_pages()
    store.update({page: table.dump_page(page) for page in dirty})
    table.saved(dirty)


@settings(deadline=None)
@given(OPERATIONS)
def test_loading_what_was_saved_a_page_at_a_time_gives_the_same_table(operations: list[tuple[str, str, Any]]) -> None:
    store: dict[int, bytes] = {}
    table = filled(operations, store)
    again = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for page in sorted(store):
        again.load_page(store[page])
    assert again.ids == table.ids
    assert again.row_of == table.row_of
    assert again.cases == table.cases
    for column in LINE_COLUMNS:
        assert again[column.name].tobytes() == table[column.name].tobytes()
        assert again[column.name].shape == table[column.name].shape
    assert [again.dump_page(page) for page in range(again.page_count)] == list(map(store.__getitem__, sorted(store)))
    rows = np.arange(len(again))
    assert again.has_case(rows).tolist() == [row in table.cases for row in rows.tolist()]
    assert again.dirty_pages() == []


def test_a_new_row_has_every_column_at_its_fill_also_after_growing() -> None:
    table = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for number in range(1000):
        table.add(f"line-{number}")
    for column in LINE_COLUMNS:
        expected = np.full_like(table[column.name], column.fill)
        assert table[column.name].tobytes() == expected.tobytes()
    assert table["first_ms"][999] == NO_TIME


def test_growing_keeps_what_was_written() -> None:
    table = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for number in range(500):
        row = table.add(f"line-{number}")
        table["score"][row] = number
    assert table["score"].tolist() == list(range(500))


def test_only_pages_that_changed_are_dirty() -> None:
    table = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for number in range(20):
        table.add(f"line-{number}")
    table.saved(table.dirty_pages())
    table.touch(np.array([5, 6, 17]))
    table.case(19)
    assert table.dirty_pages() == [1, 4]
    table.saved([1, 4])
    table.drop_case(3)
    assert table.dirty_pages() == []
    table.drop_case(19)
    assert table.dirty_pages() == [4]


def test_a_page_after_one_that_is_not_full_is_refused() -> None:
    store: dict[int, bytes] = {}
    filled([("write", f"line-{number}", 1) for number in range(3)], store)
    table = ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    table.load_page(store[0])
    with pytest.raises(ValueError, match="not the start of a page"):
        table.load_page(store[0])


def test_the_schema_version_covers_columns_and_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.state import catalogue

    before = schema_version()
    monkeypatch.setattr(catalogue, "LINE_COLUMNS", LINE_COLUMNS[:-1])
    without_column = schema_version()
    monkeypatch.undo()
    monkeypatch.setattr(catalogue, "Episode", HardEvent)
    assert len({before, without_column, schema_version()}) == 3


@settings(deadline=None)
@given(st.lists(st.lists(IDS, max_size=12), max_size=8))
def test_adding_many_gives_what_adding_one_after_the_other_gives(groups: list[list[str]]) -> None:
    together, singly = ColumnTable(LINE_COLUMNS, PAGE_ROWS), ColumnTable(LINE_COLUMNS, PAGE_ROWS)
    for group in groups:
        assert together.add_all(group).tolist() == [singly.add(row_id) for row_id in group]
        assert together.dirty_pages() == singly.dirty_pages()
        for column in LINE_COLUMNS:
            assert together[column.name].tobytes() == singly[column.name].tobytes()
    assert together.row_of == singly.row_of
