"""Figures in tables, and beside their bars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A measured value with the limits that it must keep, both included; None: no limit on that side."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        """The value is within its limits.

        >>> Bar("x", 0.5, least=0.5).is_met, Bar("x", 0.5, most=0.4).is_met
        (True, False)
        """
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def wanted(self) -> str:
        """The limits in words."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


def as_table(bars: Sequence[Bar]) -> list[str]:
    """Lines of a table in Markdown."""
    rows = (f"| {bar.name} | {bar.value:.3f} | {bar.wanted} | {'yes' if bar.is_met else 'no'} |" for bar in bars)
    return ["| bar | value | wanted | met |", "|---|---|---|---|", *rows]


def figures_table(what: str, figures: Mapping[str, Mapping[str, float]], cell: Callable[[float], str]) -> list[str]:
    """Lines of a table in Markdown: a row for each `what`, a column a figure.

    >>> figures_table("run", {"mean": {"hours_frozen": 2.0}}, "{:.1f}".format)
    ['| run | hours frozen |', '|---|---|', '| mean | 2.0 |']
    """
    columns = list(next(iter(figures.values())))
    return [
        f"| {what} | {' | '.join(name.replace('_', ' ') for name in columns)} |",
        "|---|" + "---|" * len(columns),
        *(f"| {name} | {' | '.join(cell(row[key]) for key in columns)} |" for name, row in figures.items()),
    ]


def as_json(bars: Sequence[Bar]) -> dict[str, dict[str, object]]:
    """By name: value, wanted, met."""
    return {bar.name: {"value": round(bar.value, 4), "wanted": bar.wanted, "met": bar.is_met} for bar in bars}
