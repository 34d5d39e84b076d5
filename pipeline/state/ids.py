"""Ids of rows, compact: forty bytes a line instead of the two hundred that a list of strings and a dict take.

An id is found by its xxh3_64. Two ids of one hash would be taken for one: among two million lines the probability that
there is such a pair at all is n^2 / 2^65 = 1e-7.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.state.id_text import Lengths, packed, packed_together, unpacked, unpacked_together

START_SLOTS = 1 << 10
#: A slot costs four bytes, so there can be enough of them: 1.5 compared places for an id that is there.
MAX_LOAD = 0.5
EMPTY = -1
#: Ids unpacked at once.
ROWS_AT_ONCE = 4096

_hashed = xxhash.xxh3_64_intdigest
Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]


def hashes_of(row_ids: Sequence[str]) -> Hashes:
    """xxh3_64 of each id, shape (n_ids,)."""
    return np.fromiter(map(_hashed, map(str.encode, row_ids)), np.uint64, len(row_ids))


class IdList(Sequence[str]):
    """Strings by row, as one run of bytes (pipeline/state/id_text.py says which)."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("I", [0])

    @property
    def nbytes(self) -> int:
        """Bytes of text and places."""
        return len(self._text) + self._ends.itemsize * len(self._ends)

    def append(self, row_id: str) -> None:
        """Give the next row its id."""
        self._text += packed(row_id)
        self._ends.append(len(self._text))

    def extend(self, row_ids: Sequence[str]) -> None:
        """Give the next rows their ids."""
        self.extend_packed(*packed_together(row_ids))

    def extend_packed(self, text: bytes, sizes: Lengths) -> None:
        """Give the next rows the ids that `text` holds one after the other, each of so many bytes."""
        ends = len(self._text) + np.cumsum(sizes, dtype=np.uint32)
        self._text += text
        self._ends.frombytes(ends.astype(np.uintc).tobytes())

    def packed(self, start: int, stop: int) -> tuple[bytes, Lengths]:
        """What `extend_packed` takes of the rows from `start` to `stop`."""
        ends = np.array(self._ends[start : stop + 1], np.uint32)
        return bytes(self._text[int(ends[0]) : int(ends[-1])]), np.diff(ends)

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """All text, and where each row's ends: views of row r from ends[r] to ends[r + 1], which no row may outlive."""
        return np.frombuffer(self._text, np.uint8), np.frombuffer(self._ends, np.uintc)

    def of_rows(self, rows: NDArray[np.int64] | NDArray[np.int32]) -> list[str]:
        """The ids of these rows: a fifth of the time of one by one where ids are of one length."""
        if not len(rows):
            return []
        text, ends = self.arrays()
        ids: list[str] = []
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            starts = ends[part].astype(np.int64)
            sizes = ends[part + 1] - starts
            if (sizes == sizes[0]).all():
                ids += unpacked_together(text[starts[:, None] + np.arange(sizes[0])])
            else:
                ids += [
                    unpacked(self._text[at : at + size])
                    for at, size in zip(starts.tolist(), sizes.tolist(), strict=True)
                ]
        return ids

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return self.of_rows(np.arange(*row.indices(len(self))))
        if row < 0:
            raise IndexError(f"row {row} is before the first one")
        return unpacked(self._text[self._ends[row] : self._ends[row + 1]])

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes


class RowIndex(Mapping[str, int]):
    """Row of each id: open addressing in numpy, so that a block's ids are found in a few passes."""

    def __init__(self, ids: IdList) -> None:
        self._ids = ids
        self._hashes = np.zeros(START_SLOTS, np.uint64)
        self._count = 0
        self._slots = np.full(START_SLOTS, EMPTY, np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes of hashes and slots."""
        return self._hashes.nbytes + self._slots.nbytes

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, row_id: str) -> int:
        row, _ = self._find(_hashed(row_id.encode()))
        if row == EMPTY:
            raise KeyError(row_id)
        return row

    def rows(self, row_ids: Sequence[str]) -> Rows:
        """Row of each id, -1 where it is not known; shape (n_ids,)."""
        return self.rows_of(hashes_of(row_ids))

    def find_or_add(self, row_id: str) -> tuple[int, bool]:
        """Row of an id, and whether it is a new one."""
        hashed = _hashed(row_id.encode())
        row, at = self._find(hashed)
        if row != EMPTY:
            return row, False
        row, self._count = self._count, self._count + 1
        grown = self._make_room()
        self._hashes.data[row] = hashed
        if grown:
            self._place(0)
        else:
            self._slots.data[at] = row
        return row, True

    def extend(self, hashes: Hashes) -> None:
        """The next rows have ids with these hashes, none of which is known."""
        start, self._count = self._count, self._count + len(hashes)
        grown = self._make_room()
        self._hashes[start : self._count] = hashes
        self._place(0 if grown else start)

    def _make_room(self) -> bool:
        """Room for the hashes and slots of `_count` rows; whether there are new slots, which are empty."""
        if self._count > len(self._hashes):
            hashes = np.empty(max(self._count, len(self._hashes) * 5 // 4), np.uint64)
            hashes[: len(self._hashes)] = self._hashes
            self._hashes = hashes
        size = len(self._slots)
        while self._count > MAX_LOAD * size:
            size *= 2
        if size == len(self._slots):
            return False
        self._slots = np.full(size, EMPTY, np.int32)
        return True

    def _find(self, hashed: int) -> tuple[int, int]:
        """Row of one hash (`EMPTY` when it is not here) and the slot that tells so; numpy would take ten times as long."""
        slots, hashes, mask = self._slots.data, self._hashes.data, len(self._slots) - 1
        at = hashed & mask
        while (row := slots[at]) != EMPTY:
            if hashes[row] == hashed:
                break
            at = (at + 1) & mask
        return row, at

    def hashes(self, start: int, stop: int) -> Hashes:
        """What `extend` takes of the rows from `start` to `stop`; a view."""
        return self._hashes[start:stop]

    def rows_of(self, hashes: Hashes) -> Rows:
        """Row of each hash, -1 where it is not known; shape (n_hashes,)."""
        return find_rows(self._slots, self._hashes, hashes)

    def _place(self, start: int) -> None:
        """Put the rows from `start` on into slots."""
        rows = np.arange(start, self._count)
        mask = len(self._slots) - 1
        at = (self._hashes[start : self._count] & np.uint64(mask)).astype(np.int64)
        while len(rows):
            free = self._slots[at] == EMPTY
            self._slots[at[free]] = rows[free]
            # Where several wanted one place, the last one has it.
            homeless = self._slots[at] != rows
            at, rows = (at[homeless] + 1) & mask, rows[homeless]


@compiled
def find_rows(slots: NDArray[np.int32], known: Hashes, hashes: Hashes) -> Rows:
    """Row of each hash by open addressing, -1 (`EMPTY`) where it is not known; `known` are the hashes of the rows."""
    found, mask = np.empty(len(hashes), np.int64), np.uint64(len(slots) - 1)
    for place in range(len(hashes)):
        at = hashes[place] & mask
        while slots[at] != EMPTY and known[slots[at]] != hashes[place]:
            at = (at + np.uint64(1)) & mask
        found[place] = slots[at]
    return found
