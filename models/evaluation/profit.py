"""Expected maximum profit of a retention campaign driven by a list.

Source: Verbraken, Verbeke, Baesens, "A novel profit maximizing metric for measuring classification performance of
customer churn prediction models", IEEE TKDE 25(5), 2013, equations 10 to 13. The share gamma of contacted churners who
accept the offer is Beta distributed; for each gamma the best length of the list is a vertex of the convex hull of the
ROC curve, so that the integral is a sum over its vertices.
"""

from dataclasses import dataclass
from math import comb

import numpy as np

from models.learners.protocol import BoolVector
from pipeline.ports import FloatVector


@dataclass(frozen=True, slots=True)
class ProfitRules:
    """Value of a kept customer, cost of the offer and of one contact, in currency; acceptance is Beta(alpha, beta)."""

    customer_value: float = 200.0
    offer: float = 10.0
    contact: float = 1.0
    alpha: int = 6
    beta: int = 14


def expected_maximum_profit(churned: BoolVector, score: FloatVector, rules: ProfitRules | None = None) -> float:
    """Profit per customer on the list, in currency, at the best length of list for each gamma; NaN without both classes."""
    rules = rules or ProfitRules()
    positives = int(churned.sum())
    if positives == 0 or positives == len(churned):
        return float("nan")
    share = positives / len(churned)
    found, wrong = _convex_hull(churned, score)
    offer, contact = rules.offer / rules.customer_value, rules.contact / rules.customer_value
    spent = share * contact * np.diff(found) + (1.0 - share) * (offer + contact) * np.diff(wrong)
    kept = share * (1.0 - offer) * np.diff(found)
    turning = np.divide(spent, kept, out=np.full(len(kept), np.inf), where=kept > 0)
    edges = np.concatenate([[0.0], np.minimum(turning, 1.0), [1.0]])
    probability = np.array([beta_below(edge, rules.alpha, rules.beta) for edge in edges])
    partial_mean = np.array([beta_below(edge, rules.alpha + 1, rules.beta) for edge in edges])
    mean = rules.alpha / (rules.alpha + rules.beta)
    gain = (1.0 - offer) * share * found * mean * np.diff(partial_mean)
    cost = (contact * share * found + (offer + contact) * (1.0 - share) * wrong) * np.diff(probability)
    return float(rules.customer_value * (gain - cost).sum())


def beta_below(x: float, alpha: int, beta: int) -> float:
    """Probability that a Beta(alpha, beta) number is below x, for whole alpha and beta: a binomial tail.

    >>> beta_below(0.5, 1, 1), beta_below(0.5, 2, 1)
    (0.5, 0.25)
    """
    n = alpha + beta - 1
    return sum(comb(n, j) * x**j * (1.0 - x) ** (n - j) for j in range(alpha, n + 1))


def _convex_hull(churned: BoolVector, score: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Vertices of the upper hull of the ROC curve: shares of churners and of stayers listed, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    found = np.append(0, np.cumsum(churned[order])[ends])
    wrong = np.append(0, ends + 1) - found
    # A vertex lies where churners were found up to it and a stayer comes after it: few of the points.
    turns = (np.diff(found, prepend=-1) > 0) & (np.diff(wrong, append=wrong[-1] + 1) > 0)
    turns[[0, -1]] = True
    hull: list[tuple[int, int]] = []
    for point in zip(found[turns].tolist(), wrong[turns].tolist(), strict=True):
        while len(hull) > 1 and _is_below(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    vertices = np.array(hull, np.float64)
    return vertices[:, 0] / found[-1], vertices[:, 1] / wrong[-1]


def _is_below(before: tuple[int, int], point: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether a point (churners, stayers) lies on or below the line from the one before to the one after it."""
    left = (point[0] - before[0]) * (after[1] - before[1])
    right = (after[0] - before[0]) * (point[1] - before[1])
    return left <= right
