"""Ids of some rows that are unpacked only where somebody asks for them: of most lines a hash is all that a sweep needs."""

from collections.abc import Sequence
from typing import overload
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.state.id_text import DIGIT_BYTES, MARK
from pipeline.state.ids import IdList

Codes = NDArray[np.uint64]
FULL = 0xFFFFFFFF
#: What each byte makes of a CRC-32, told by zlib: the code of one byte b is table[b ^ 0xFF] ^ 0xFF000000.
_TABLE = np.array([crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], np.uint64)
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


class IdRows(Sequence[str]):
    """The ids of these rows, as long as no row is added."""

    def __init__(self, ids: IdList, rows: NDArray[np.int64] | NDArray[np.int32]) -> None:
        self._ids = ids
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return self._ids.of_rows(self._rows[place])
        return self._ids[int(self._rows[place])]

    def picked(self, places: Sequence[int]) -> list[str]:
        """The ids at these places."""
        return self._ids.of_rows(self._rows[list(places)])

    def crc32(self) -> Codes:
        """CRC-32 of each id's text, shape (n,), without making the texts: a twentieth of the time."""
        text, ends = self._ids.arrays()
        return text_codes(text, ends, self._rows.astype(np.int64), _TABLE, _DIGITS)


def picked(ids: Sequence[str], places: Sequence[int]) -> list[str]:
    """The ids at these places of any sequence."""
    return ids.picked(places) if isinstance(ids, IdRows) else [ids[place] for place in places]


@compiled
def text_codes(
    text: NDArray[np.uint8], ends: NDArray[np.uint32], rows: NDArray[np.int64], table: Codes, digits: NDArray[np.uint8]
) -> Codes:
    """CRC-32 of the text of these rows' ids, which `pipeline.state.id_text` tells how to read."""
    found = np.empty(len(rows), np.uint64)
    for place in range(len(rows)):
        first, stop, code = ends[rows[place]], ends[rows[place] + 1], np.uint64(FULL)
        is_packed = first < stop and text[first] == MARK
        plain = stop
        if is_packed:
            first, plain = first + 1, stop - DIGIT_BYTES
        for at in range(first, plain):
            code = table[(code ^ np.uint64(text[at])) & np.uint64(255)] ^ (code >> np.uint64(8))
        for at in range(plain, stop):
            for digit in (digits[text[at] >> 4], digits[text[at] & 15]):
                code = table[(code ^ np.uint64(digit)) & np.uint64(255)] ^ (code >> np.uint64(8))
        found[place] = code ^ np.uint64(FULL)
    return found
