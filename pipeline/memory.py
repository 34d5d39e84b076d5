"""Giving memory back to the system after a moment that needed much of it."""

import ctypes
import sys


def give_back() -> None:
    """Return freed memory to the system; on systems other than Linux with glibc that is left to the allocator.

    glibc keeps what was freed for later use: after a save that is a copy of every page that changed.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
