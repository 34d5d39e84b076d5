"""A calendar month of a time zone, as epoch milliseconds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

SHAPE = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """From `start_ms` up to, not including, `end_ms`."""

    name: str
    start_ms: int
    end_ms: int

    def holds(self, ts_ms: int) -> bool:
        return self.start_ms <= ts_ms < self.end_ms


def month_of(name: str, zone: tzinfo = UTC) -> Month:
    """The month of that name.

    >>> month_of("2026-02").end_ms - month_of("2026-02").start_ms == 28 * 86_400_000
    True

    Raises:
        ValueError: a name that is not like 2026-10.
    """
    found = SHAPE.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no month; write it as 2026-10")
    year, month = int(found[1]), int(found[2])
    first = datetime(year, month, 1, tzinfo=zone)
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return Month(name, int(first.timestamp() * 1000), int(following.timestamp() * 1000))


def month_at(ts_ms: int, zone: tzinfo = UTC) -> Month:
    """The month in which this moment lies.

    >>> month_at(0).name
    '1970-01'
    """
    moment = datetime.fromtimestamp(ts_ms / 1000, zone)
    if moment.year >= 2000:
        return month_of(f"{moment.year}-{moment.month:02}", zone)
    first = datetime(moment.year, moment.month, 1, tzinfo=zone)
    following = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=zone)
    return Month(f"{first:%Y-%m}", int(first.timestamp() * 1000), int(following.timestamp() * 1000))
