"""Record ids seen in the last days, so that a record that comes twice counts once.

A day's ids are 32-bit fingerprints in buckets of `BUCKET` slots; the bucket is told by other bits of the hash. A look-up
compares one bucket in each segment of each day. A false positive loses a record: with four days and at most eight segments
a day its probability is below 4 x 8 x 32 x 2^-32 = 2.4e-7 a record, against the 1e-6 allowed. Nothing but the fingerprints
stays in memory: no segment ever grows, so that no hash is needed again; a full one is followed by another.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
KEEP_DAYS = 3
#: Slots of a bucket: 128 bytes, two lines of the cache.
BUCKET = 32
#: Odd, so that its powers permute the 32 bits that tell a bucket (D. Knuth's multiplicative hash).
SPREAD = 0x9E3779B1
#: Buckets of a segment, at least; and of a day's first one when the day before tells nothing: what is not used of it takes no
#: memory, and each further segment is one more place to look.
START_BUCKETS, UNTOLD_BUCKETS = 1 << 8, 1 << 11
#: Ids a slot in a day's first segment, made for a known number of them: seven in a hundred find their bucket full.
FILL = 1.0
#: Slots an id, at least, of the look for repetitions within a block.
CLAIMS = 3
#: Further segments as shares of the first: for those, for those that find no room there either, and for a day that is busier.
FURTHER = (1 / 12, 1 / 64, 1 / 16, 1 / 8, 1 / 4)
#: Ids a slot in a segment for an unknown number.
LOOSE_FILL = 0.9
#: Ids a saved page holds (128 kB), far below what a broker takes as one message.
PAGE_IDS = 1 << 14

Hashes = NDArray[np.uint64]


class Segment:
    """Fingerprints in a fixed number of buckets."""

    def __init__(self, buckets: int, number: int = 0) -> None:
        """`number`: of the segment in its day. What crowds in one segment is spread in the next."""
        self._spread = np.uint64(pow(SPREAD, number, 1 << 32))
        self.slots = np.zeros((buckets, BUCKET), np.uint32)
        self._filled = np.zeros(buckets, np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.slots.nbytes + self._filled.nbytes

    def look_up(self, hashes: Hashes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of the hashes are here, and which can only be in the segments that follow: their bucket is full."""
        buckets = self._buckets(hashes)
        found = np.zeros(len(hashes), bool)
        found[self._places(buckets, hashes)] = True
        further = self._filled[buckets] == BUCKET
        return found, further & ~found

    def add(self, hashes: Hashes) -> Hashes:
        """Take in distinct hashes; returns those whose bucket is full."""
        if not len(hashes):
            return hashes
        buckets = self._buckets(hashes)
        # Sixteen bits are sorted by counting, three times as fast.
        order = np.argsort(buckets.astype(np.uint16) if len(self.slots) <= 1 << 16 else buckets, kind="stable")
        ordered = buckets[order]
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(first, append=len(ordered))
        places = self._filled[ordered] + np.arange(len(ordered)) - np.repeat(first, counts)
        fits = places < BUCKET
        self.slots[ordered[fits], places[fits]] = _fingerprints(hashes[order[fits]])
        self._filled[ordered[first]] = np.minimum(self._filled[ordered[first]] + counts, BUCKET)
        return hashes[np.sort(order[~fits])]

    def _places(self, buckets: NDArray[np.int64], hashes: Hashes) -> NDArray[np.int64]:
        """Of these hashes, with their buckets, the places of those that are here. A hit is rare: looking for ones among all
        slots takes a third of the time of asking each bucket.
        """
        same = self.slots.take(buckets, axis=0) == _fingerprints(hashes)[:, None]
        return np.flatnonzero(same) // BUCKET

    def _buckets(self, hashes: Hashes) -> NDArray[np.int64]:
        """The low 32 bits as a fraction of the buckets (D. Lemire, "Fast Random Integer Generation in an Interval", 2019)."""
        low = hashes * self._spread & np.uint64(0xFFFFFFFF)
        return ((low * np.uint64(len(self.slots))) >> np.uint64(32)).astype(np.int64)


class DayTable:
    """The ids of one day: segments, and those hashes that are not in a whole saved page yet."""

    def __init__(self, expected: int = 0) -> None:
        """`expected`: ids of a day like this one; 0 unknown."""
        self.segments = [Segment(max(START_BUCKETS, int(expected / FILL / BUCKET)) if expected else UNTOLD_BUCKETS)]
        self.count = 0
        self._expected = expected
        #: Hashes from the start of the first page that is not saved as a whole.
        self._tail: list[Hashes] = []
        self._saved = 0

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(part.nbytes for part in self._tail) + sum(segment.nbytes for segment in self.segments)

    @property
    def saved_pages(self) -> int:
        """Pages that `changed_pages` has given so far."""
        return _pages(self._saved)

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of the hashes are here."""
        found = np.zeros(len(hashes), bool)
        rows = np.arange(len(hashes))
        for segment in self.segments:
            here, further = segment.look_up(hashes[rows])
            found[rows[here]] = True
            rows = rows[further]
            if not len(rows):
                break
        return found

    def add(self, hashes: Hashes) -> None:
        """Take in hashes that are distinct and not here yet."""
        self._tail.append(hashes)
        self.count += len(hashes)
        for segment in self.segments:
            hashes = segment.add(hashes)
        while len(hashes):
            self.segments.append(Segment(self._buckets_to_add(), len(self.segments)))
            hashes = self.segments[-1].add(hashes)

    def fingerprints(self) -> NDArray[np.uint32]:
        """What it holds, ascending, whatever way its segments grew."""
        held = np.concatenate([segment.slots.ravel() for segment in self.segments])
        return np.sort(held[held != 0])

    def changed_pages(self) -> dict[int, bytes]:
        """Pages with ids since the last call; the last page grows until it is full."""
        if self.count == self._saved:
            return {}
        first = self._saved // PAGE_IDS
        tail = np.concatenate(self._tail)
        pages = {first + n: tail[n * PAGE_IDS : (n + 1) * PAGE_IDS].tobytes() for n in range(_pages(len(tail)))}
        self._saved = self.count
        self._tail = [tail[len(tail) - self.count % PAGE_IDS :].copy()]
        return pages

    def _buckets_to_add(self) -> int:
        """Room for what overflows near what was expected, half as much beyond it, three times as many when nothing was."""
        if not self._expected:
            ids = 2.0 * self.count
        elif len(self.segments) <= len(FURTHER):
            ids = self._expected * FURTHER[len(self.segments) - 1]
        else:
            ids = 0.5 * self.count
        return max(START_BUCKETS, int(ids / LOOSE_FILL / BUCKET))


class SeenIds:
    """Duplicates over `KEEP_DAYS` days of reception, in memory bounded by the records of these days."""

    def __init__(self) -> None:
        self.days: dict[int, DayTable] = {}
        self._expired: list[str] = []

    def first_time(self, hashes: Hashes, day: int) -> NDArray[np.bool_]:
        """Which records, received on this day (days since 1970), are seen for the first time; remembers them."""
        fresh = _first_of_each(hashes)
        for table in self.days.values():
            if table.count:
                fresh &= ~table.contains(hashes)
        new = hashes[fresh]
        if len(new):
            self._day(day).add(new)
        return fresh

    def expire(self, today: int) -> None:
        """Forget the days before `today - KEEP_DAYS`."""
        for day in [day for day in self.days if day < today - KEEP_DAYS]:
            self._expired += [f"{day}/{number}" for number in range(self.days.pop(day).saved_pages)]

    def changed_pages(self) -> dict[str, bytes | None]:
        """Pages with ids since the last call (the last page of a day grows), and the names of expired ones with None."""
        pages: dict[str, bytes | None] = dict.fromkeys(self._expired)
        for day, table in sorted(self.days.items()):
            pages.update({f"{day}/{number}": data for number, data in table.changed_pages().items()})
        self._expired = []
        return pages

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back saved pages."""
        sizes: dict[int, int] = {}
        for name, data in pages.items():
            sizes[_page_key(name)[0]] = sizes.get(_page_key(name)[0], 0) + len(data) // 8
        for name, data in sorted(pages.items(), key=lambda item: _page_key(item[0])):
            self._day(_page_key(name)[0], sizes[_page_key(name)[0]]).add(np.frombuffer(data, np.uint64))
        for table in self.days.values():
            table.changed_pages()

    def _day(self, day: int, at_least: int = 0) -> DayTable:
        table = self.days.get(day)
        if table is None:
            before = [table.count for past, table in self.days.items() if past < day]
            table = self.days[day] = DayTable(max([at_least, *before]))
        return table


def _first_of_each(hashes: Hashes) -> NDArray[np.bool_]:
    """Which are no repetition of an earlier one among them."""
    if _are_distinct(hashes):
        return np.ones(len(hashes), bool)
    first = np.zeros(len(hashes), bool)
    first[np.unique(hashes, return_index=True)[1]] = True
    return first


def _are_distinct(hashes: Hashes) -> bool:
    """Whether none comes twice, without sorting: each claims a slot, and the few that lose theirs are compared."""
    room = 1 << (CLAIMS * len(hashes)).bit_length()
    slots = (hashes & np.uint64(room - 1)).astype(np.int64)
    numbers = np.arange(len(hashes))
    claims = np.empty(room, np.int32)
    claims[slots] = numbers
    owners = claims[slots]
    losers = np.flatnonzero(owners != numbers)
    if (hashes[owners[losers]] == hashes[losers]).any():
        return False
    others = np.sort(hashes[losers])
    return not (others[1:] == others[:-1]).any()


def _fingerprints(hashes: Hashes) -> NDArray[np.uint32]:
    prints = (hashes >> np.uint64(32)).astype(np.uint32)
    prints[prints == 0] = 1
    return prints


def _pages(ids: int) -> int:
    return -(-ids // PAGE_IDS)


def _page_key(name: str) -> tuple[int, int]:
    day, _, number = name.partition("/")
    return int(day), int(number)
