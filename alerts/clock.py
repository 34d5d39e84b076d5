"""What time it is, as the alerts see it: wall time in production, stream time in demo and backtest."""

import time
from typing import Protocol


class Clock(Protocol):
    """Epoch milliseconds, and a way to tell it what time the stream has reached."""

    def now_ms(self) -> int: ...

    def at(self, stream_ms: int) -> int:
        """What time it is when something of this stream time is being handled."""
        ...

    def advance(self, stream_ms: int) -> None:
        """The stream has reached this time. A wall clock does not care."""
        ...


class WallClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def at(self, stream_ms: int) -> int:
        return self.now_ms()

    def advance(self, stream_ms: int) -> None:
        """Wall time goes on by itself."""


class ManualClock:
    """Stands still until told: stream time held in memory, for tests and for a backtest in one process."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def at(self, stream_ms: int) -> int:
        return max(self._now_ms, stream_ms)

    def advance(self, stream_ms: int) -> None:
        self._now_ms = max(self._now_ms, stream_ms)
