"""Waiting for a thing, and for no longer than a test may take."""

import time
from collections.abc import Callable

PAUSE_S = 0.05


def wait_until(holds: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Return as soon as it holds; fail when it does not within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s"
        time.sleep(PAUSE_S)
