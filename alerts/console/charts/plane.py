"""Where a value stands on the drawing: one linear scale a direction, and round numbers for the axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640
HEIGHT = 220
LEFT = 44
RIGHT = 22
TOP = 26
BOTTOM = 30


@dataclass(frozen=True, slots=True)
class Plane:
    """A plot area with `count` places along x and values from 0 to `top` along y, in viewBox units."""

    count: int
    top: float

    def x(self, place: float) -> float:
        """Centre of a place, 0 is the leftmost.

        >>> Plane(count=1, top=1.0).x(0)
        331.0
        """
        step = (WIDTH - LEFT - RIGHT) / max(self.count, 1)
        return round(LEFT + step * (place + 0.5), 1)

    def y(self, value: float) -> float:
        """Height of a value; what is above `top` or below 0 is drawn on the edge."""
        share = min(max(value / self.top, 0.0), 1.0)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    def step(self) -> float:
        return (WIDTH - LEFT - RIGHT) / max(self.count, 1)


def round_top(values: Sequence[float]) -> float:
    """The smallest 1, 2, 2.5 or 5 times a power of ten that no finite value exceeds; 1 when there is none above 0.

    >>> round_top([3.0, 17.0])
    20.0
    >>> round_top([])
    1.0
    """
    highest = max((value for value in values if math.isfinite(value)), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return float(next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= highest * 0.999_999))


def short_number(value: float) -> str:
    """An axis label: no decimals that say nothing.

    >>> short_number(2.50), short_number(20.0), short_number(12000.0)
    ('2.5', '20', '12k')
    """
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"
