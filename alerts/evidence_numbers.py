"""An evidence number in words: "12 days", "38 %", "3.4 a day". Pure; the words come from `config/reasons/<language>.toml`."""

import math
from collections.abc import Mapping

KINDS = frozenset({"money", "share", "days", "hours", "gap", "ago", "per_day", "count", "number"})
NEVER_NEGATIVE = frozenset({"days", "hours", "gap", "ago", "per_day", "count"})
UnitWords = Mapping[str, Mapping[str, str]]


def in_words(value: object, kind: str, units: UnitWords) -> str | None:
    """`value` as a person says it; None when it cannot be said (no number, not finite, an impossible sign).

    >>> in_words(0.384, "share", {"share": {"many": "{n} %"}})
    '38 %'
    >>> in_words(1, "days", {"days": {"one": "{n} day", "many": "{n} days"}})
    '1 day'
    >>> in_words(-2, "hours", {}) is None
    True
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    if value < 0 and kind in NEVER_NEGATIVE:
        return None
    if kind == "gap":  # a time between two uses, in days: "10 hours" says more than "0.4 days"
        return in_words(value * 24, "hours", units) if value < 1 else in_words(value, "days", units)
    number = _digits(float(value), kind)
    words = units.get(kind)
    return number if words is None else _plural(number, words).replace("{n}", number)


def is_one(value: float) -> bool:
    """Does this number take the singular?"""
    return round(value) == 1


def _digits(value: float, kind: str) -> str:
    if kind == "money":
        return f"{value:,.2f}"
    if kind == "share":
        return _share(value)
    if kind in {"count", "ago"}:
        return f"{math.floor(value) if kind == 'ago' else round(value):,}"
    return _short(value)


def _share(value: float) -> str:
    percent = value * 100
    return f"{percent:.1f}" if 0 < abs(percent) < 1 else f"{percent:.0f}"


def _short(value: float) -> str:
    """One decimal below ten, none above: a person reads 3.4 and 34, never 3.4127."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}".removesuffix(".0")


def _plural(number: str, words: Mapping[str, str]) -> str:
    form = {"0": "zero", "1": "one"}.get(number, "many")
    return words.get(form, words["many"])
