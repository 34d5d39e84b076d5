"""Time and chance: days counted from a fixed Monday, a random stream of its own for each purpose and day."""

import zlib
from datetime import UTC, date, datetime, timedelta

import numpy as np

START_MS = 1_772_409_600_000  # Monday 2026-03-02 00:00 UTC, as in the Copenhagen replay directory
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
BURN_IN_DAYS = 60  # days lived before day 0, so that deciders of all ages exist on it; nothing of them is written


def generator(seed: int, purpose: str, day: int = 0) -> np.random.Generator:
    """A random stream of its own: drawing more for one purpose moves nothing else.

    >>> generator(7, "usage", 3).integers(1000) == generator(7, "usage", 3).integers(1000)
    np.True_
    """
    entropy = [seed, zlib.crc32(purpose.encode()), day + BURN_IN_DAYS]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))


def day_start_ms(day: int) -> int:
    """Epoch milliseconds of 00:00 UTC of a day; day 0 is 2026-03-02.

    >>> day_start_ms(1) - day_start_ms(0)
    86400000
    """
    return START_MS + day * DAY_MS


def day_of(ts_ms: int) -> int:
    """The day a moment falls in."""
    return (ts_ms - START_MS) // DAY_MS


def date_of(day: int) -> date:
    """Calendar date (UTC) of a day.

    >>> date_of(30).isoformat()
    '2026-04-01'
    """
    return datetime.fromtimestamp(START_MS / 1000, UTC).date() + timedelta(days=day)
