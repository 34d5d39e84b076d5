"""The days of snapshots that wait, and the pages that hold them: each written once, then deleted."""

from collections import defaultdict
from collections.abc import Mapping

from models.snapshots import Segment, decode_segment, encode_segment


class Segments:
    """Segments by day, oldest first. A page is `<name>/<snapshot_ms>/<part>`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._segments: dict[int, Segment] = {}
        self._stored_parts: dict[int, int] = {}
        self._changed: set[int] = set()

    def add(self, segment: Segment) -> None:
        self._segments[segment.snapshot_ms] = segment
        self._changed.add(segment.snapshot_ms)

    def replace(self, old: Segment, new: Segment | None) -> None:
        """Put the rows that go on waiting in the place of a segment; None = none are left."""
        if new is None:
            del self._segments[old.snapshot_ms]
        elif new.line_ids == old.line_ids:
            return
        else:
            self._segments[old.snapshot_ms] = new
        self._changed.add(old.snapshot_ms)

    def due(self, snapshot_ms_max: int) -> list[Segment]:
        """Segments taken at this time or before, oldest first."""
        return [self._segments[key] for key in sorted(self._segments) if key <= snapshot_ms_max]

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
        self._changed.clear()
        return pages

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back the segments among these pages.

        Raises:
            msgspec.DecodeError: a page is not ours.
        """
        parts: defaultdict[int, list[bytes]] = defaultdict(list)
        for name in sorted(pages):
            if name.startswith(self._name + "/"):
                parts[int(name.split("/")[-2])].append(pages[name])
        for key, content in parts.items():
            self._segments[key] = decode_segment(content)
            self._stored_parts[key] = len(content)

    def _page_name(self, key: int, part: int) -> str:
        return f"{self._name}/{key}/{part:03d}"
