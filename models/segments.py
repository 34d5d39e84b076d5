"""The days of snapshots that wait, and the pages that hold them: features written once, then deleted; which of their
lines were told as stayers in a small page of its own.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.snapshots import Segment, decode_segment, encode_segment

TOLD = "told"


class Segments:
    """Segments by day, oldest first. A page is `<name>/<snapshot_ms>/<part>`; part `told` is a bit for each row."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._segments: dict[int, Segment] = {}
        self._told: dict[int, NDArray[np.bool_]] = {}
        self._told_changed: set[int] = set()
        self._stored_parts: dict[int, int] = {}
        self._changed: set[int] = set()

    def add(self, segment: Segment) -> None:
        self._segments[segment.snapshot_ms] = segment
        self._told[segment.snapshot_ms] = np.zeros(len(segment.line_ids), dtype=np.bool_)
        self._changed.add(segment.snapshot_ms)

    def told(self, segment: Segment) -> NDArray[np.bool_]:
        """Which rows were told as stayers, shape (n_rows,); not to be written to."""
        return self._told[segment.snapshot_ms]

    def tell(self, segment: Segment, positions: list[int]) -> None:
        """These rows were told as stayers."""
        if positions:
            self._told[segment.snapshot_ms][positions] = True
            self._told_changed.add(segment.snapshot_ms)

    def keep(self, segment: Segment, positions: list[int]) -> None:
        """Only these rows go on waiting."""
        key = segment.snapshot_ms
        if len(positions) == len(segment.line_ids):
            return
        if positions:
            self._segments[key] = segment.rows(positions)
            self._told[key] = self._told[key][positions]
        else:
            del self._segments[key], self._told[key]
        self._told_changed.add(key)
        self._changed.add(key)

    def __iter__(self) -> Iterator[Segment]:
        """All segments, oldest first."""
        return iter([self._segments[key] for key in sorted(self._segments)])

    def rows_of(self, line_id: str) -> Iterator[tuple[Segment, int]]:
        """Where this line waits: segment and position, oldest first."""
        for segment in self:
            position = bisect_left(segment.line_ids, line_id)
            if position < len(segment.line_ids) and segment.line_ids[position] == line_id:
                yield segment, position

    def __len__(self) -> int:
        return sum(len(segment.line_ids) for segment in self._segments.values())

    def changed_pages(self) -> dict[str, bytes | None]:
        """Pages changed since the last call; None = delete it."""
        pages: dict[str, bytes | None] = {}
        for key in sorted(self._changed):
            segment = self._segments.get(key)
            parts = list(encode_segment(segment)) if segment is not None else []
            for part in range(max(len(parts), self._stored_parts.get(key, 0))):
                pages[self._page_name(key, part)] = parts[part] if part < len(parts) else None
            self._stored_parts[key] = len(parts)
            if not parts:
                del self._stored_parts[key]
        for key in sorted(self._told_changed):
            told = self._told.get(key)
            pages[f"{self._name}/{key}/{TOLD}"] = (
                None if told is None or not told.any() else np.packbits(told).tobytes()
            )
        self._changed.clear()
        self._told_changed.clear()
        return pages

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back the segments among these pages.

        Raises:
            msgspec.DecodeError: a page is not ours.
        """
        parts: defaultdict[int, list[bytes]] = defaultdict(list)
        told: dict[int, bytes] = {}
        for name in sorted(pages):
            if not name.startswith(self._name + "/"):
                continue
            key, part = name.split("/")[-2:]
            if part == TOLD:
                told[int(key)] = pages[name]
            else:
                parts[int(key)].append(pages[name])
        for day, content in parts.items():
            self._segments[day] = decode_segment(content)
            self._stored_parts[day] = len(content)
            bits = np.frombuffer(told[day], np.uint8) if day in told else np.zeros(0, np.uint8)
            self._told[day] = np.zeros(len(self._segments[day].line_ids), dtype=np.bool_)
            unpacked = np.unpackbits(bits)[: len(self._told[day])].astype(np.bool_)
            self._told[day][: len(unpacked)] = unpacked

    def _page_name(self, key: int, part: int) -> str:
        return f"{self._name}/{key}/{part:03d}"
