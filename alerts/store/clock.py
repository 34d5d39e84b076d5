"""Stream time, shared through Redis: what the tasks process has reached is now for the console and the dialer too."""

import redis

from alerts.store.keys import Keys


class StreamClock:
    """Time is the newest stream time that `churnwatch tasks` has seen. 0 before the first."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._key = Keys(prefix).clock
        self._reached_ms = 0

    def now_ms(self) -> int:
        stored = self._redis.get(self._key)
        self._reached_ms = max(self._reached_ms, int(stored or 0))
        return self._reached_ms

    def at(self, stream_ms: int) -> int:
        return max(self._reached_ms, stream_ms)

    def advance(self, stream_ms: int) -> None:
        """Only the tasks process, the one owner of its topic, moves time on."""
        if stream_ms > self._reached_ms:
            self._reached_ms = stream_ms
            self._redis.set(self._key, stream_ms)
