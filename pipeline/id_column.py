"""Ids of records as one run of bytes: strings are made only of those that somebody asks for.

Of a call record's ids only the hash is needed, unless its line is a new one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import overload

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class IdColumn(Sequence[str]):
    """Ids, UTF-8: each stands in `text` from `start` up to `stop`, both (n_ids,)."""

    text: NDArray[np.uint8]
    start: Places
    stop: Places

    @classmethod
    def of(cls, ids: Sequence[str]) -> "IdColumn":
        """These ids.

        >>> list(IdColumn.of(["a-1", "é"]))
        ['a-1', 'é']
        """
        encoded = [row_id.encode() for row_id in ids]
        stop = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        return cls(
            np.frombuffer(b"".join(encoded), np.uint8), np.concatenate([stop[:0], [0], stop[:-1]])[: len(stop)], stop
        )

    def rows(self, places: Places) -> "IdColumn":
        """The ids at these places."""
        return IdColumn(self.text, self.start[places], self.stop[places])

    def __len__(self) -> int:
        return len(self.start)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "IdColumn": ...
    def __getitem__(self, place: int | slice) -> "str | IdColumn":
        if isinstance(place, slice):
            return IdColumn(self.text, self.start[place], self.stop[place])
        return self.text[self.start[place] : self.stop[place]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        text = self.text.tobytes()
        for start, stop in zip(self.start.tolist(), self.stop.tolist(), strict=True):
            yield text[start:stop].decode()


Ids = list[str] | IdColumn


def joined(parts: Sequence[Ids]) -> Ids:
    """Ids of several records one after the other: a column where all are columns."""
    columns = [part for part in parts if isinstance(part, IdColumn)]
    if len(columns) < len(parts):
        return list(chain.from_iterable(parts))
    shifts = np.cumsum([0, *(len(column.text) for column in columns)])
    return IdColumn(
        np.concatenate([column.text for column in columns]),
        np.concatenate([column.start + shift for column, shift in zip(columns, shifts, strict=False)]),
        np.concatenate([column.stop + shift for column, shift in zip(columns, shifts, strict=False)]),
    )


def picked(ids: Ids, places: Places) -> Ids:
    """The ids at these places."""
    return ids.rows(places) if isinstance(ids, IdColumn) else [ids[place] for place in places.tolist()]
