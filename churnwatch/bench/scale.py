"""`churnwatch bench scale`: what an event costs with many lines against what it costs with few."""

from dataclasses import dataclass

from churnwatch.bench.engine import EngineFeed
from churnwatch.bench.load import CallLoad
from churnwatch.settings import Settings

PER_LINE_DAY = 25.0
#: Lines introduced at once, to bound the memory that their records take.
LINES_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class ScaleFigures:
    """CPU microseconds an event, ticks included, and their ratio."""

    few_lines: int
    many_lines: int
    us_per_event_few: float
    us_per_event_many: float
    cpu_ratio: float


def bench_scale(settings: Settings, few: int, many: int) -> ScaleFigures:
    """Both in the same state of affairs: all lines known, 25 records a line and day, a tick every hour of the stream."""
    cost_few = us_per_event(settings, few, hours=max(1, min(20, many // few // 4)))
    cost_many = us_per_event(settings, many, hours=1)
    return ScaleFigures(few, many, round(cost_few, 3), round(cost_many, 3), round(cost_many / cost_few, 3))


def us_per_event(settings: Settings, lines: int, hours: int) -> float:
    """CPU microseconds of a record with so many known lines."""
    feed = EngineFeed(settings)
    feed.take(feed.blocks(CallLoad(lines, lines, midnight_at=0.0, in_turn=True)))
    records = int(lines * PER_LINE_DAY / 24 * hours)
    seconds, first = 0.0, lines
    while records > 0:
        count = min(records, LINES_AT_ONCE * 2)
        load = CallLoad(lines, count, PER_LINE_DAY, midnight_at=-first / count, first_record=first)
        seconds += feed.take(feed.blocks(load))
        first, records = first + count, records - count
    return seconds / (first - lines) * 1e6
