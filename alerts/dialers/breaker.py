"""Stops asking a telephone system that fails again and again; every failed call would cost a customer an attempt."""

import time
from collections.abc import Callable

FAILURES_MAX = 5
PAUSE_S = 60.0


class Breaker:
    """Opens after `failures_max` failures in a row, for `pause_s`; then one more call may try.

    >>> now = [0.0]
    >>> breaker = Breaker(2, 60.0, lambda: now[0])
    >>> breaker.failed(), breaker.failed(), breaker.closed()
    (None, None, False)
    >>> now[0] = 60.0
    >>> breaker.closed()
    True
    """

    def __init__(
        self, failures_max: int = FAILURES_MAX, pause_s: float = PAUSE_S, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures_max = failures_max
        self._pause_s = pause_s
        self._clock_s = clock_s
        self._failures = 0
        self._opened_s = float("-inf")

    def closed(self) -> bool:
        """Whether the next call may be made."""
        return self._failures < self._failures_max or self._clock_s() - self._opened_s >= self._pause_s

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._failures_max:
            self._opened_s = self._clock_s()

    def worked(self) -> None:
        self._failures = 0
