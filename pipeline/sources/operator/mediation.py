"""What mediation does to call records on their way: parts of a session, late ones, duplicates, broken ones."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.events import RefusalReason
from pipeline.sources.operator.calls import DATA, Calls
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, MINUTE_MS
from pipeline.sources.operator.config import MediationConfig
from pipeline.sources.operator.usage import NUMBERS_PER_DAY

PART_NUMBERS = NUMBERS_PER_DAY // 2  # parts of sessions are numbered from here, broken copies from three quarters
BROKEN_NUMBERS = NUMBERS_PER_DAY // 4 * 3
MAX_LATE_MS = 3 * DAY_MS
PARTS = 3

Spoil = Callable[[bytes], bytes]

# Each way to break a line with the reason for which the contract refuses it.
SPOILED: tuple[tuple[RefusalReason, Spoil], ...] = (
    (RefusalReason.INVALID_JSON, lambda line: line[: len(line) * 2 // 3]),
    (RefusalReason.MISSING_FIELD, lambda line: line.replace(b'"ts_ms":', b'"time":', 1)),
    (RefusalReason.WRONG_TYPE, lambda line: line.replace(b'"duration_s":', b'"duration_s":"about 1","was":', 1)),
    (RefusalReason.UNKNOWN_VALUE, lambda line: line.replace(b'"service":"', b'"service":"tele', 1)),
    (RefusalReason.OUT_OF_RANGE, lambda line: line.replace(b'"charge":', b'"charge":-1', 1)),
    (RefusalReason.NOT_UTF8, lambda line: line.replace(b'"record_id":"c', b'"record_id":"\xff\xfe', 1)),
)


def split_sessions(rng: np.random.Generator, calls: Calls, day: int, config: MediationConfig) -> Calls:
    """Cut some data sessions into parts that add up to the whole, to the last byte and 1/10,000."""
    chosen = (calls.service == DATA) & (rng.random(len(calls)) < config.partial_share)
    whole = calls.take(chosen)
    if not len(whole):
        return calls
    parts = []
    for number in range(PARTS):
        part = whole.take(np.arange(len(whole)))
        part.session[:] = whole.number
        part.part[:] = number
        for name in ("duration_s", "bytes_up", "bytes_down", "charge"):
            getattr(part, name)[:] = _share(getattr(whole, name), number)
        part.ts_ms += whole.duration_s // PARTS * 1000 * number
        part.received_ms[:] = part.ts_ms + part.duration_s * 1000 + 5_000
        part.number[:] = (day + 1) * NUMBERS_PER_DAY + PART_NUMBERS + np.arange(len(whole)) * PARTS + number
        parts.append(part)
    return Calls.concat([calls.take(~chosen), *parts])


def _share(total: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    return total // PARTS + (total % PARTS if number == PARTS - 1 else 0)


def mediate(rng: np.random.Generator, calls: Calls, day: int, config: MediationConfig) -> Calls:
    """Delay some records, send some twice, and add broken copies of a few (the good one stays)."""
    late = rng.random(len(calls)) < config.late_share
    delay = HOUR_MS + np.exp(rng.normal(np.log(5 * HOUR_MS), 1.2, int(late.sum())))
    calls.received_ms[late] += np.minimum(delay, MAX_LATE_MS).astype(np.int64)
    calls.late[late] = True
    return Calls.concat([calls, _duplicates(rng, calls, config), _broken(rng, calls, day, config)])


def _duplicates(rng: np.random.Generator, calls: Calls, config: MediationConfig) -> Calls:
    again = calls.take(np.flatnonzero(rng.random(len(calls)) < config.duplicate_share))
    again.received_ms += np.minimum(MINUTE_MS + rng.exponential(6 * HOUR_MS, len(again)), 2 * DAY_MS).astype(np.int64)
    again.duplicate[:] = True
    again.late[:] = False
    return again


def _broken(rng: np.random.Generator, calls: Calls, day: int, config: MediationConfig) -> Calls:
    broken = calls.take(np.flatnonzero(rng.random(len(calls)) < config.malformed_share))
    broken.number[:] = (day + 1) * NUMBERS_PER_DAY + BROKEN_NUMBERS + np.arange(len(broken))
    broken.malformed[:] = 1 + rng.integers(len(SPOILED), size=len(broken))
    broken.late[:] = False
    return broken


def spoil(line: bytes, code: int) -> bytes:
    """Break a line in the way of this code (`Calls.malformed`)."""
    return SPOILED[code - 1][1](line)


def reason_of(code: int) -> RefusalReason:
    """Why the contract refuses a line broken in this way."""
    return SPOILED[code - 1][0]
