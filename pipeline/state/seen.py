"""Record ids seen in the last days, so that a record that comes twice counts once.

Open addressing in numpy, one table a day of reception. A table holds 32-bit fingerprints, and the place of a fingerprint
tells further bits of the hash. A false positive loses a record: with at most `PROBE_LIMIT` compared places in each of four
tables its probability is below 4 x 8 x 2^-32 = 7e-9 a record, against the 1e-6 allowed.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
KEEP_DAYS = 3
START_SLOTS = 1 << 10
MAX_LOAD = 0.6
PROBE_LIMIT = 64

Hashes = NDArray[np.uint64]


class DayTable:
    """Fingerprints of one day. Grows by re-insertion, for which the hashes of the day are kept."""

    def __init__(self) -> None:
        self.slots = np.zeros(START_SLOTS, np.uint32)
        self.parts: list[Hashes] = []
        self.count = 0

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of the hashes are here."""
        mask = np.uint64(len(self.slots) - 1)
        found = np.zeros(len(hashes), bool)
        open_rows = np.arange(len(hashes))
        prints = _fingerprints(hashes)
        for probe in range(PROBE_LIMIT):
            at = ((hashes[open_rows] + np.uint64(probe)) & mask).astype(np.int64)
            there = self.slots[at]
            found[open_rows[there == prints[open_rows]]] = True
            open_rows = open_rows[(there != 0) & (there != prints[open_rows])]
            if not len(open_rows):
                break
        return found

    def add(self, hashes: Hashes) -> None:
        """Take in hashes that are distinct and not here yet."""
        self.parts.append(hashes)
        self.count += len(hashes)
        if self.count > MAX_LOAD * len(self.slots) or not self._insert(hashes):
            self._rebuild()

    def hashes(self) -> Hashes:
        """All hashes of the day in the order of their coming."""
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.uint64)

    def _rebuild(self) -> None:
        size = len(self.slots)
        self.parts = [self.hashes()]
        while True:
            size *= 2
            self.slots = np.zeros(size, np.uint32)
            if self.count <= MAX_LOAD * size and self._insert(self.parts[0]):
                return

    def _insert(self, hashes: Hashes) -> bool:
        mask = np.uint64(len(self.slots) - 1)
        prints = _fingerprints(hashes)
        rows = np.arange(len(hashes))
        for probe in range(PROBE_LIMIT):
            at = ((hashes[rows] + np.uint64(probe)) & mask).astype(np.int64)
            free = self.slots[at] == 0
            self.slots[at[free]] = prints[rows[free]]
            settled = free & (self.slots[at] == prints[rows])
            rows = rows[~settled]
            if not len(rows):
                return True
        return False


class SeenIds:
    """Duplicates over `KEEP_DAYS` days of reception, in memory bounded by the records of these days."""

    def __init__(self) -> None:
        self.days: dict[int, DayTable] = {}
        self._unsaved: dict[int, list[Hashes]] = {}
        self._segments: dict[int, int] = {}
        self._expired: list[str] = []

    def first_time(self, hashes: Hashes, day: int) -> NDArray[np.bool_]:
        """Which records, received on this day (days since 1970), are seen for the first time; remembers them."""
        fresh = np.zeros(len(hashes), bool)
        _, first_rows = np.unique(hashes, return_index=True)
        fresh[first_rows] = True
        for table in self.days.values():
            if table.count:
                candidates = np.flatnonzero(fresh)
                fresh[candidates[table.contains(hashes[candidates])]] = False
        new = hashes[fresh]
        if len(new):
            self.days.setdefault(day, DayTable()).add(new)
            self._unsaved.setdefault(day, []).append(new)
        return fresh

    def expire(self, today: int) -> None:
        """Forget the days before `today - KEEP_DAYS`."""
        for day in [day for day in self.days if day < today - KEEP_DAYS]:
            del self.days[day]
            self._unsaved.pop(day, None)
            self._expired += [f"{day}/{number}" for number in range(self._segments.pop(day, 0))]

    def changed_pages(self) -> dict[str, bytes | None]:
        """Segments of ids since the last call, and the names of expired ones with None."""
        pages: dict[str, bytes | None] = dict.fromkeys(self._expired)
        for day, parts in sorted(self._unsaved.items()):
            number = self._segments.get(day, 0)
            pages[f"{day}/{number}"] = np.concatenate(parts).tobytes()
            self._segments[day] = number + 1
        self._unsaved = {}
        self._expired = []
        return pages

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back saved segments."""
        for name, data in sorted(pages.items(), key=lambda item: _segment_key(item[0])):
            day, number = _segment_key(name)
            self.days.setdefault(day, DayTable()).add(np.frombuffer(data, np.uint64))
            self._segments[day] = number + 1


def _fingerprints(hashes: Hashes) -> NDArray[np.uint32]:
    prints = (hashes >> np.uint64(32)).astype(np.uint32)
    prints[prints == 0] = 1
    return prints


def _segment_key(name: str) -> tuple[int, int]:
    day, _, number = name.partition("/")
    return int(day), int(number)
