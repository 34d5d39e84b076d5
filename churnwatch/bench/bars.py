"""What each figure must reach, and the table that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit for one figure."""

    value: float
    at_least: bool

    def is_met(self, figure: float) -> bool:
        """Whether a figure is on the right side.

        >>> Bar(60, at_least=True).is_met(61), Bar(1000, at_least=False).is_met(1001)
        (True, False)
        """
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.value:,g}"


#: Bench, figure -> bar, on a machine with two cores.
BARS: dict[tuple[str, str], Bar] = {
    ("pipeline", "speedup_over_plain_faust"): Bar(60, at_least=True),
    ("pipeline", "ratio_to_limit"): Bar(0.5, at_least=True),
    ("pipeline", "events_per_s"): Bar(80_000, at_least=True),
    ("latency", "p99_ms"): Bar(1_000, at_least=False),
    ("inbox", "p99_ms"): Bar(1_000, at_least=False),
    ("memory", "bytes_per_line"): Bar(1_000, at_least=False),
    ("scale", "cpu_ratio"): Bar(1.5, at_least=False),
    ("recovery", "seconds"): Bar(30, at_least=False),
    ("scoring", "linear_s"): Bar(2, at_least=False),
    ("scoring", "forest_speedup"): Bar(20, at_least=True),
    ("scoring", "forest_difference_max"): Bar(1e-6, at_least=False),
}


def table(bench: str, figures: Mapping[str, float]) -> str:
    """Figures in lines, those with a bar beside it.

    >>> print(table("recovery", {"lines": 1000, "seconds": 31.5}))
    lines           1,000
    seconds          31.5  bar <= 30  missed
    """
    widest = max(map(len, figures))
    lines = []
    for name, value in figures.items():
        bar = BARS.get((bench, name))
        verdict = "" if bar is None else f"  bar {bar}  {'met' if bar.is_met(value) else 'missed'}"
        lines.append(f"{name:<{widest}}  {_number(value):>12}{verdict}")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.10g}"
