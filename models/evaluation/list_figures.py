"""Ranking figures of daily lists: of each list, then the mean over lists."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from models.evaluation.daily_lists import JudgedList
from models.evaluation.profit import ProfitRules, expected_maximum_profit
from models.evaluation.ranking import average_precision, found_in_top, roc_auc, top_count

SHARES = (0.01, 0.02, 0.05)


@dataclass(slots=True)
class ListFigures:
    """Figures of each list so far, by name; a list that cannot tell one (nobody leaves) leaves it out.

    `precision` and `recall` are by the share of the list (`SHARES`).
    """

    shares: tuple[float, ...] = SHARES
    precision: dict[float, list[float]] = field(default_factory=dict)
    recall: dict[float, list[float]] = field(default_factory=dict)
    average_precision: list[float] = field(default_factory=list)
    auc: list[float] = field(default_factory=list)
    rows: int = 0
    churners: int = 0

    def add(self, day: JudgedList) -> None:
        """Take in one list."""
        if not len(day.lines):
            return
        positives = int(day.churned.sum())
        self.rows += len(day.lines)
        self.churners += positives
        for share in self.shares:
            count = top_count(len(day.lines), share)
            found = found_in_top(day.churned, day.scores, count)
            self.precision.setdefault(share, []).append(found / count)
            if positives:
                self.recall.setdefault(share, []).append(found / positives)
        _append(self.average_precision, average_precision(day.churned, day.scores))
        _append(self.auc, roc_auc(day.churned, day.scores))

    def as_dict(self) -> dict[str, object]:
        """The four ranking figures of the contract; None where no list could tell."""
        return {
            "precision_at": {f"{share:.2f}": mean(self.precision.get(share, [])) for share in self.shares},
            "recall_at": {f"{share:.2f}": mean(self.recall.get(share, [])) for share in self.shares},
            "average_precision": mean(self.average_precision),
            "auc": mean(self.auc),
        }


def figures_of(lists: Iterable[JudgedList], shares: tuple[float, ...] = SHARES) -> ListFigures:
    """Figures over these lists."""
    figures = ListFigures(shares)
    for day in lists:
        figures.add(day)
    return figures


def mean_profit(lists: Iterable[JudgedList], rules: ProfitRules | None = None) -> float | None:
    """Expected maximum profit per line of a list, in currency, mean over lists."""
    found: list[float] = []
    for day in lists:
        _append(found, expected_maximum_profit(day.churned, day.scores, rules))
    return mean(found)


def mean(values: list[float]) -> float | None:
    """The mean, None of nothing."""
    return float(np.mean(values)) if values else None


def _append(values: list[float], value: float) -> None:
    if not isnan(value):
        values.append(value)
