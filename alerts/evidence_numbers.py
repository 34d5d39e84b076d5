"""An evidence number in words: "12 days", "38 %", "3.4 a day". Pure; the words come from `config/reasons/<language>.toml`."""

import math
from collections.abc import Mapping

KINDS = frozenset({"money", "share", "days", "hours", "gap", "ago", "per_day", "count", "number"})
NEVER_NEGATIVE = frozenset({"days", "hours", "gap", "ago", "per_day", "count"})
#: A larger number (or none at all: NaN, infinity) is a fault of whoever computed it, not evidence.
LARGEST = 1e12
UnitWords = Mapping[str, Mapping[str, str]]


def in_words(value: object, kind: str, units: UnitWords) -> str | None:
    """`value` as a person says it; None when it cannot be said (no number, not finite, absurdly large, an impossible sign).

    >>> in_words(0.384, "share", {"share": {"many": "{n} %"}})
    '38 %'
    >>> in_words(1, "days", {"days": {"one": "{n} day", "many": "{n} days"}})
    '1 day'
    >>> in_words(-2, "hours", {}) is None
    True
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= LARGEST:
        return None
    if value < 0 and kind in NEVER_NEGATIVE:
        return None
    if kind == "gap":
        return _gap(float(value), units)
    number = _digits(float(value), kind)
    words = units.get(kind)
    return number if words is None else _plural(number, words).replace("{n}", number)


def _gap(days: float, units: UnitWords) -> str | None:
    """A length of time given in days: "10 hours" says more than "0.4 days"; below an hour it says nothing."""
    if days < 1 / 24:
        return None
    return in_words(days * 24, "hours", units) if days < 1 else in_words(days, "days", units)


def is_one(value: float) -> bool:
    """Does this number take the singular?"""
    return _whole(value) == 1


def _digits(value: float, kind: str) -> str:
    if kind == "money":
        return f"{value:,.2f}"
    if kind == "share":
        return _share(value)
    if kind == "ago":
        return f"{math.floor(value):,}"
    if kind == "count":
        return f"{_whole(value):,}"
    return _short(value)


def _whole(value: float) -> int:
    """A count; a decayed one of 0.4 still is one that happened."""
    return max(round(value), 1) if value > 0 else 0


def _share(value: float) -> str:
    percent = value * 100
    return f"{percent:.1f}" if 0 < abs(percent) < 1 else f"{percent:.0f}"


def _short(value: float) -> str:
    """One decimal below ten, none above: a person reads 3.4 and 34, never 3.4127."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}".removesuffix(".0")


def _plural(number: str, words: Mapping[str, str]) -> str:
    form = {"0": "zero", "1": "one"}.get(number, "many")
    return words.get(form, words["many"])
