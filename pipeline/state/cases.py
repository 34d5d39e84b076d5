"""What only few lines have: hard events (ladder, termination, complaints) and signals that are on.

Sparse on purpose: a line without any of it costs nothing.
"""

import msgspec

from pipeline.events import Level


class HardEvent(msgspec.Struct):
    """The standing of one kind of order or care record on a line or account.

    `recent_ms`: times of the records of the last 90 days, at most 16, ascending; `count` is how many. `first_ms`: the oldest that
    is still open. `expires_ms`: end of a clock that the record brought (a code's, a wished last day's); 0 none. `points`: how far
    a satisfaction score fell short. `promised_ms`: by product, the day promised for a request that is not fulfilled yet.
    """

    first_ms: int
    last_ms: int
    count: int = 1
    severity: int = 0
    expires_ms: int = 0
    recent_ms: list[int] = []
    points: float = 0.0
    promised_ms: dict[str, int] = {}


class Position(msgspec.Struct):
    """Where a line stands on the ladder to another operator (pipeline/signals/ladder.py).

    `expires_ms`: when the code it holds lapses; 0 where it holds none.
    """

    rung: str
    since_ms: int
    expires_ms: int = 0


class Episode(msgspec.Struct):
    """A signal that is on.

    `began_ms` is when it came on. A level that rises starts the episode anew in `level_ms`, since the warning it makes has a
    cause of its own (docs/adr/0020-episodes.md). `started_by` is the id of the record that did so, empty for a tick: several
    records can be received in one millisecond. `until_ms`: when the time to act is over, counted from the record; 0 unknown.
    Not `told`: evidence beside others for this kind of customer, no warning and no part of the prior.
    """

    began_ms: int
    level_ms: int
    level: Level
    strength: float
    evidence: dict[str, float]
    started_by: str = ""
    until_ms: int = 0
    told: bool = True


class Case(msgspec.Struct):
    """Everything sparse that is known of one line or account, by kind of record and by name of signal."""

    hard: dict[str, HardEvent] = {}
    episodes: dict[str, Episode] = {}
    ladder: Position | None = None

    def is_empty(self) -> bool:
        """Whether nothing stands here, so that the case can be dropped."""
        return not self.hard and not self.episodes and self.ladder is None
