"""What one round over the partitions saved, for the log."""

import time
from dataclasses import dataclass, field

import structlog

from pipeline.memory import give_back
from pipeline.snapshot import Snapshot

log = structlog.get_logger()


@dataclass(slots=True)
class SaveRound:
    """Counts the partitions, pages and bytes that were saved since it was made.

    `is_ours`: whether the broker took every commit.
    """

    partitions: int = 0
    pages: int = 0
    bytes: int = 0
    is_ours: bool = True
    _started_s: float = field(default_factory=time.monotonic)

    def note(self, snapshot: Snapshot, *, is_ours: bool) -> None:
        """A partition's snapshot is in the changelog; `is_ours`: and its offsets are committed."""
        self.partitions += 1
        self.is_ours = self.is_ours and is_ours
        self.pages += len(snapshot.pages)
        self.bytes += snapshot.size

    def tell(self) -> None:
        """Log the round; give back to the system what saving took."""
        give_back()
        log.info(
            "state.saved",
            pages=self.pages,
            megabytes=round(self.bytes / 1e6, 1),
            seconds=round(time.monotonic() - self._started_s, 3),
            cpu_s=round(time.process_time(), 2),
        )
