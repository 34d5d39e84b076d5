"""What only few lines have: hard events (ladder, termination, complaints) and signals that are on.

Sparse on purpose: a line without any of it costs nothing.
"""

import msgspec

from pipeline.events import Level


class HardEvent(msgspec.Struct):
    """The standing of one kind of order or care record on a line or account."""

    first_ms: int
    last_ms: int
    count: int = 1
    severity: int = 0
    expires_ms: int = 0


class Episode(msgspec.Struct):
    """A signal that is on.

    `began_ms` is when it came on. A level that rises starts the episode anew in `level_ms`, since the warning it makes has a
    cause of its own (docs/adr/0020-episodes.md). `started_by` is the id of the record that did so, empty for a tick: several
    records can be received in one millisecond.
    """

    began_ms: int
    level_ms: int
    level: Level
    strength: float
    evidence: dict[str, float]
    started_by: str = ""


class Case(msgspec.Struct):
    """Everything sparse that is known of one line or account, by kind of record and by name of signal."""

    hard: dict[str, HardEvent] = {}
    episodes: dict[str, Episode] = {}

    def is_empty(self) -> bool:
        """Whether nothing stands here, so that the case can be dropped."""
        return not self.hard and not self.episodes
