"""Durations and volumes as people and systems write them, to seconds and bytes."""

import re

SECONDS = {
    "ms": 0.001, "msec": 0.001, "milliseconds": 0.001, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "min": 60, "mins": 60, "m": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86_400, "day": 86_400, "days": 86_400,
}  # fmt: skip
#: Operators bill in powers of two and of ten: `KB` is 1,000 here, `KiB` 1,024.
BYTES = {
    "b": 1, "byte": 1, "bytes": 1, "octet": 1, "octets": 1, "kb": 1000, "kbyte": 1000, "kib": 1024, "mb": 10**6,
    "mbyte": 10**6, "mib": 1024**2, "gb": 10**9, "gbyte": 10**9, "gib": 1024**3,
}  # fmt: skip

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2}(?:\.\d+)?)", re.ASCII)


class UnitError(ValueError):
    """A text that is no such quantity, or a unit that is none; never repeats the text."""


def seconds_in(text: str, unit: str = "s") -> float:
    """Seconds of a number in a unit, or of `hh:mm:ss` and `mm:ss`.

    Raises:
        UnitError: neither, or no such unit.

    >>> seconds_in("90"), seconds_in("1.5", "min"), seconds_in("01:01:30"), seconds_in("2:05", "min")
    (90.0, 90.0, 3690.0, 125.0)
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    return _scaled(text, unit, SECONDS)


def bytes_in(text: str, unit: str = "B") -> int:
    """Bytes of a number in a unit, rounded.

    Raises:
        UnitError: no number, or no such unit.

    >>> bytes_in("1.5", "MB"), bytes_in("2", "KiB")
    (1500000, 2048)
    """
    return round(_scaled(text, unit, BYTES))


def _scaled(text: str, unit: str, units: dict[str, float] | dict[str, int]) -> float:
    factor = units.get(unit.strip().lower())
    if factor is None:
        raise UnitError(f"has a unit that is none of {', '.join(units)}")
    try:
        value = float(text.strip()) * factor
    except ValueError:
        raise UnitError("is no number") from None
    if not 0 <= value <= 1e15:
        raise UnitError("is negative, or beyond every measure")
    return value
