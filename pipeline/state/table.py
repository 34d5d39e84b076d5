"""Rows of columns, found by id, kept in pages of a fixed number of rows; a page is the unit that is saved."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.state.cases import Case
from pipeline.state.catalogue import Column
from pipeline.state.ids import IdList, RowIndex, hashes_of

#: Each growth copies the columns once; what is in reserve may take memory.
GROWTH = 1.25


class PageBody(msgspec.Struct, array_like=True):
    """One page as it is saved, by row within the page.

    `ids`: their text as `IdList` keeps it, of `sizes` bytes each (uint32), and their `hashes` (uint64), so that nothing has to
    be packed or hashed again. `columns`: bytes in catalogue order.
    """

    ids: bytes
    sizes: bytes
    hashes: bytes
    columns: list[bytes]
    cases: dict[int, Case]


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(PageBody).decode


class ColumnTable:
    """Columns of one kind of row (lines or accounts) of one partition.

    Rows are numbered in the order in which they appeared; row r stands in page r // page_rows. Attribute access to a
    column: `table["sums"]`, shape (n_rows,) or (n_rows, width).
    """

    def __init__(self, columns: Sequence[Column], page_rows: int) -> None:
        self.columns = tuple(columns)
        self.page_rows = page_rows
        self.ids = IdList()
        self.row_of = RowIndex(self.ids)
        self.cases: dict[int, Case] = {}
        self._capacity = 0
        self._arrays: dict[str, NDArray[Any]] = {}
        self._dirty = np.zeros(0, bool)
        self._has_case = np.zeros(0, bool)
        self._reserve(page_rows)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: len(self.ids)]

    def add(self, row_id: str) -> int:
        """Row of this id; a new one is appended with every column at its fill value."""
        row, is_new = self.row_of.find_or_add(row_id)
        if is_new:
            self.ids.append(row_id)
            if row % self.page_rows == 0:
                self._open_pages(row, row + 1)
            self._dirty[row // self.page_rows] = True
        return row

    def add_all(self, row_ids: Sequence[str]) -> NDArray[np.int64]:
        """Row of each id, as `add` one after the other would give them."""
        hashes = hashes_of(row_ids)
        rows = self.row_of.rows_of(hashes)
        unknown = np.flatnonzero(rows < 0)
        if not len(unknown):
            return rows
        start = len(self.ids)
        new, rank = _in_order_of_appearance(hashes[unknown])
        rows[unknown] = start + rank
        self.ids.extend([row_ids[place] for place in unknown[new].tolist()])
        self.row_of.extend(hashes[unknown[new]])
        stop = len(self.ids)
        first_page = -(-start // self.page_rows)
        if first_page * self.page_rows < stop:
            self._open_pages(first_page * self.page_rows, stop)
        self._dirty[start // self.page_rows : -(-stop // self.page_rows)] = True
        return rows

    def case(self, row: int) -> Case:
        """The case of a row, made when it has none; the row's page becomes dirty."""
        self._dirty[row // self.page_rows] = True
        found = self.cases.get(row)
        if found is None:
            found = self.cases[row] = Case()
            self._has_case[row] = True
        return found

    def has_case(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows have a case."""
        result: NDArray[np.bool_] = self._has_case[rows]
        return result

    def drop_case(self, row: int) -> None:
        """Forget the case of a row."""
        if self.cases.pop(row, None) is not None:
            self._has_case[row] = False
            self._dirty[row // self.page_rows] = True

    def begin_anew(self, row: int, keep: Sequence[str]) -> None:
        """Every column of a row but these gets its fill value; the row has no case any more."""
        for column in self.columns:
            if column.name not in keep:
                self._arrays[column.name][row] = column.fill
        self.drop_case(row)
        self.touch(row)

    def touch(self, rows: NDArray[np.int64] | int) -> None:
        """Mark the pages of these rows as changed since they were saved."""
        self._dirty[rows // self.page_rows] = True

    def touch_all(self) -> None:
        """Mark every page as changed."""
        self._dirty[: self.page_count] = True

    @property
    def page_count(self) -> int:
        """Pages in use."""
        return -(-len(self.ids) // self.page_rows)

    def dirty_pages(self) -> list[int]:
        """Numbers of the pages that changed since `saved`."""
        return np.flatnonzero(self._dirty[: self.page_count]).tolist()

    def saved(self, pages: Iterable[int]) -> None:
        """These pages are on their way to the store."""
        for page in pages:
            self._dirty[page] = False

    def dump_page(self, page: int) -> bytes:
        """Bytes of one page; `load_page` of a table with the same catalogue takes them back."""
        start, stop = page * self.page_rows, min((page + 1) * self.page_rows, len(self.ids))
        cases = {row - start: self.cases[row] for row in range(start, stop) if row in self.cases}
        columns = [np.ascontiguousarray(self._arrays[c.name][start:stop]).tobytes() for c in self.columns]
        text, sizes = self.ids.packed(start, stop)
        hashes = self.row_of.hashes(start, stop)
        return _ENCODE(PageBody(text, sizes.tobytes(), hashes.tobytes(), columns, cases))

    def reserve(self, rows: int) -> None:
        """Make room for exactly so many rows, before pages are loaded."""
        if rows > self._capacity:
            self._reserve(rows, used=len(self.ids))

    def load_page(self, data: bytes) -> None:
        """Append the rows of a saved page; pages must be loaded in the order of their numbers.

        Raises:
            ValueError: the page before this one is not full, so rows would get other numbers.
        """
        body = _DECODE(data)
        sizes, hashes = np.frombuffer(body.sizes, np.uint32), np.frombuffer(body.hashes, np.uint64)
        if len(sizes) != len(hashes) or int(sizes.sum()) != len(body.ids):
            raise ValueError(
                f"{len(sizes)} ids of {int(sizes.sum())} bytes, but {len(hashes)} hashes and {len(body.ids)} bytes"
            )
        start, stop = len(self.ids), len(self.ids) + len(sizes)
        if start % self.page_rows:
            raise ValueError(f"page loaded at row {start}, which is not the start of a page of {self.page_rows} rows")
        self._open_pages(start, stop)
        for column, raw in zip(self.columns, body.columns, strict=True):
            self._arrays[column.name][start:stop] = np.frombuffer(raw, column.dtype).reshape(_shape(column, len(sizes)))
        self.ids.extend_packed(body.ids, sizes)
        self.row_of.extend(hashes)
        for row, case in body.cases.items():
            self.cases[start + row] = case
            self._has_case[start + row] = True

    def _open_pages(self, start: int, stop: int) -> None:
        """Rows `start`, where a page starts, to the end of the page of `stop - 1` get every column's fill value."""
        end = -(-stop // self.page_rows) * self.page_rows
        if end > self._capacity:
            self._reserve(max(end, int(self._capacity * GROWTH)), used=start)
        for column in self.columns:
            self._arrays[column.name][start:end] = column.fill

    def _reserve(self, rows: int, used: int = 0) -> None:
        """Room for so many rows. It is not written to, so that what is not in use takes no memory."""
        pages = -(-rows // self.page_rows)
        capacity = pages * self.page_rows
        for column in self.columns:
            grown = np.empty(_shape(column, capacity), column.dtype)
            if used:
                grown[:used] = self._arrays[column.name][:used]
            self._arrays[column.name] = grown
        self._dirty = np.concatenate([self._dirty, np.zeros(pages - len(self._dirty), bool)])
        self._has_case = np.concatenate([self._has_case, np.zeros(capacity - len(self._has_case), bool)])
        self._capacity = capacity


def _in_order_of_appearance(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Place of the first of each distinct hash, ascending, and which of them each hash is."""
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[which]


def _shape(column: Column, rows: int) -> tuple[int, ...]:
    return (rows,) if column.width == 1 else (rows, column.width)
