"""The newest numbers of a stream, at hand as one array."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class Newest:
    """At most so many numbers, in order. They are moved once for each time that all of them are others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room: Numbers = np.empty(2 * most)
        self._end = 0

    def add(self, numbers: NDArray[np.float64] | NDArray[np.bool_]) -> None:
        """Take these in, shape (n,); the oldest make room for them."""
        new = numbers[-self._most :]
        if self._end + len(new) > len(self._room):
            kept = self._room[self._end - (self._most - len(new)) : self._end].copy()
            self._room[: len(kept)] = kept
            self._end = len(kept)
        self._room[self._end : self._end + len(new)] = new
        self._end += len(new)

    def numbers(self) -> Numbers:
        """All of them, oldest first; a view that the next `add` may change.

        >>> newest = Newest(3)
        >>> for number in range(8):
        ...     newest.add(np.array([float(number)]))
        >>> newest.numbers().tolist()
        [5.0, 6.0, 7.0]
        """
        return self._room[max(0, self._end - self._most) : self._end]

    def __len__(self) -> int:
        return min(self._end, self._most)
