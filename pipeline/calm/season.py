"""Is it the time of the year? A business that goes quiet when its trade does, or when it did last year, is expected to.

Two witnesses. The trade: what lines of the same category use now against usual, beside what their region and segment do, robust
and shrunk, so that a trade of a few lines excuses nobody. The customer's own year: mean daily events of each fortnight of the
last year, as a byte on a logarithmic scale; this fortnight a year ago (or the one before it, since no season begins on the day)
over the two months before that. Either can only excuse: nobody is expected to use more than usual.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.state.decay import DAY_MS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORTNIGHT_DAYS = 14
#: A year, nearly: the slot of a fortnight is the one that is written over in two weeks.
FORTNIGHTS = 26
#: Fortnights that were usual before the season of last year; and events a day added to both sides of a ratio.
USUAL_FORTNIGHTS, FLOOR_PER_DAY = 4, 0.2
#: Codes: 0 nothing is known, else 1 + 20 ln(1 + 10 rate): steps of 5 %, up to 30,000 a day.
CODES_PER_E, RATE_SCALE = 20.0, 10.0
#: The least that a season excuses down to.
LEAST_SEASON = 0.05
#: So many lines of a trade must speak; so many events of the segment stand beside theirs.
TRADE_LINES_MIN, TRADE_EVENTS = 8, 40.0


def fortnight_of(now_ms: int) -> int:
    """Number of the fortnight since 1970; the slot of a fortnight is this modulo `FORTNIGHTS`."""
    return now_ms // DAY_MS // FORTNIGHT_DAYS


def begins_fortnight(now_ms: int) -> bool:
    """Whether a midnight begins a fortnight: the one before it is complete."""
    return now_ms // DAY_MS % FORTNIGHT_DAYS == 0


def code_of(rate: Floats) -> NDArray[np.uint8]:
    """Codes of mean daily events.

    >>> code_of(np.array([0.0, 1.0, 100.0])).tolist()
    [1, 49, 139]
    """
    codes = 1.0 + CODES_PER_E * np.log1p(RATE_SCALE * rate)
    return np.clip(np.rint(codes), 1, 255).astype(np.uint8)


def rate_of(codes: NDArray[np.uint8]) -> Floats:
    """Mean daily events of codes; NaN where nothing is known.

    >>> rate_of(np.array([1, 49, 0], np.uint8)).round(2).tolist()
    [0.0, 1.0, nan]
    """
    rate = np.expm1((codes.astype(np.float64) - 1.0) / CODES_PER_E) / RATE_SCALE
    return np.where(codes > 0, rate, np.nan)


def own_season(codes: NDArray[np.uint8], now_ms: int) -> Floats:
    """What a year ago this time was of the usual then, shape (n,): 1 where there was no season, or no year is known.

    `codes`: fortnights of each account, shape (n, FORTNIGHTS).
    """
    here = fortnight_of(now_ms) % FORTNIGHTS
    rates = rate_of(codes)
    then = np.minimum(rates[:, here], rates[:, (here - 1) % FORTNIGHTS])
    before = rates[:, [(here - 1 - back) % FORTNIGHTS for back in range(1, 1 + USUAL_FORTNIGHTS)]].mean(axis=1)
    ratio = (then + FLOOR_PER_DAY) / (before + FLOOR_PER_DAY)
    return np.where(np.isnan(ratio), 1.0, np.clip(ratio, LEAST_SEASON, 1.0))


def trade_seasons(now: Floats, usual: Floats, trades: Ints, n_trades: int) -> Floats:
    """What each trade does now beside all of them, shape (n_trades,), at most 1; 1 for the unknown trade 0.

    `now`, `usual`: events a day of each business line, `usual` with what its region and segment do in it. Every line counts as
    much as five ordinary ones at most.
    """
    most = 5.0 * float(usual.mean()) if len(usual) else 0.0
    share = np.minimum(1.0, np.divide(most, usual, out=np.ones_like(usual), where=usual > 0))
    seen, expected = (
        np.bincount(trades, part * share, n_trades) for part in (np.minimum(now, 3.0 * usual + most), usual)
    )
    ratio = (seen + TRADE_EVENTS) / (expected + TRADE_EVENTS)
    many = np.bincount(trades, minlength=n_trades) >= TRADE_LINES_MIN
    known = many & (np.arange(n_trades) > 0)
    return np.where(known, np.clip(ratio, LEAST_SEASON, 1.0), 1.0)
