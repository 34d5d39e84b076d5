"""Businesses with a yearly rhythm: quiet at the same time each year, as all of their trade, and then back. Nobody leaves.

Months are those of the northern temperate zone: heating firms rest from spring to autumn, tourism between the holidays, schools
in their vacations. A look-alike that fades for weeks, told from a leaver only by its trade or by the year before.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.clock import date_of, generator
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.population import PUBLIC, Population, category_of

#: Quiet stretches of a trade, as (month, day) of their first and last day; one that begins late in a year ends in the next.
QUIET: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "tourism": (((3, 20), (4, 28)), ((11, 5), (12, 20))),
    "heating": (((3, 20), (10, 31)),),
    "education": (((7, 5), (8, 28)), ((1, 20), (2, 20))),
}
#: Days within which a business goes quiet and comes back, and by how much its own dates differ from its trade's.
RAMP_DAYS, OWN_DATES_DAYS = 8.0, 5
FLOOR_LOW, FLOOR_HIGH = 0.15, 0.45


class Seasons:
    """The yearly rhythm of the lines of one population; drawn once, the same every year."""

    def __init__(self, config: OperatorConfig, population: Population) -> None:
        rng = generator(config.seed, "seasons")
        n = population.n_accounts
        self._shift = rng.integers(-OWN_DATES_DAYS, OWN_DATES_DAYS + 1, n)
        self._floor = rng.uniform(FLOOR_LOW, FLOOR_HIGH, n)
        self._account_of = population.account_of
        trades = [category_of(account) if population.segment[account] != PUBLIC else "" for account in range(n)]
        self._of_trade = {name: np.flatnonzero([trade == name for trade in trades]) for name in QUIET}

    def factor(self, day: int) -> NDArray[np.float64]:
        """Factor on the usage of each line on a day, shape (n_lines,); 1 where it has no season."""
        by_account = np.ones(len(self._floor))
        for trade, accounts in self._of_trade.items():
            deep = np.array([depth(trade, date_of(day - int(shift))) for shift in self._shift[accounts]])
            by_account[accounts] = 1.0 - (1.0 - self._floor[accounts]) * deep
        return np.asarray(by_account[self._account_of], np.float64)


def depth(trade: str, on: date) -> float:
    """How far a trade is into its quiet time, 0 to 1.

    >>> depth("tourism", date(2026, 4, 1)), depth("tourism", date(2026, 5, 10)), depth("heating", date(2026, 3, 24))
    (1.0, 0.0, 0.5)
    """
    return max((_within(on, *stretch) for stretch in QUIET.get(trade, ())), default=0.0)


def _within(on: date, first: tuple[int, int], last: tuple[int, int]) -> float:
    begun = (on - date(on.year, *first)).days
    left = (date(on.year, *last) - on).days
    return min(1.0, max(0.0, min(begun, left) / RAMP_DAYS))
