"""From indicators to the four dimensions, the overall score, and the level 1A-5A that is the number of stars. Pure."""

import math
from dataclasses import dataclass

from alerts.value.facts import Facts, Known
from alerts.value.policy import Dimension, Indicator, IndicatorRule, ValuePolicy


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a weighted mean: `share` of all the weight that is known, and what it brings (`share` x `score`)."""

    name: str
    score: float
    weight: float
    share: float
    points: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A weighted mean of scores (0-100) with its parts; `score` None when nothing is known.

    `known_share`: how much of the configured weight was known, 0-1.
    """

    score: float | None
    known_share: float
    terms: list[Term]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an account is worth. `stars` 1-5 are the level 1A-5A; None: too little is known, the record has the last word."""

    facts: Facts
    scores: dict[Indicator, float]
    dimensions: dict[Dimension, Mean]
    overall: Mean
    known_share: float
    stars: int | None

    @property
    def level(self) -> str | None:
        return None if self.stars is None else f"{self.stars}A"


def assess(facts: Facts, policy: ValuePolicy) -> Assessment:
    """The assessment of one account by the policy."""
    scores = {name: score(known, policy.indicators[name]) for name, known in facts.indicators.items()}
    dimensions = {dimension: _dimension(dimension, scores, policy) for dimension in Dimension}
    parts: dict[str, float] = {name: mean.score for name, mean in dimensions.items() if mean.score is not None}
    overall = weighted({str(name): weight for name, weight in policy.dimension_weights.items()}, parts)
    known_share = _known_share(scores, policy)
    stars = None
    if overall.score is not None and known_share >= policy.known_share_min:
        stars = stars_of(overall.score, policy)
    return Assessment(facts, scores, dimensions, overall, known_share, stars)


def score(known: Known, rule: IndicatorRule) -> float:
    """0-100: 0 at `worst`, 100 at `best`, on a line between them (of the logarithm of 1 + value with scale log).

    >>> from alerts.value.policy import read_value_policy
    >>> score(Known(5.5, "record"), read_value_policy().indicators[Indicator.DEMAND_FORECAST])
    50.0
    """
    value, worst, best = known.value, rule.worst, rule.best
    if rule.scale == "log":
        value, worst, best = math.log1p(max(0.0, value)), math.log1p(worst), math.log1p(best)
    return round(100 * min(1.0, max(0.0, (value - worst) / (best - worst))), 6)


def weighted(weights: dict[str, float], scores: dict[str, float]) -> Mean:
    """The mean of what is known, by weight; what is not known leaves its weight to the rest.

    >>> weighted({"a": 3, "b": 1}, {"a": 60.0, "b": 20.0}).score
    50.0
    >>> weighted({"a": 3, "b": 1}, {"a": 60.0}).known_share
    0.75
    """
    known = sum(weight for name, weight in weights.items() if name in scores)
    if not known:
        return Mean(None, 0.0, [])
    terms = [
        Term(name, scores[name], weight, weight / known, weight / known * scores[name])
        for name, weight in weights.items()
        if name in scores
    ]
    mean = min(100.0, max(0.0, math.fsum(term.points for term in terms)))
    return Mean(round(mean, 6), known / sum(weights.values()), terms)


def stars_of(overall: float, policy: ValuePolicy) -> int:
    """The stars of an overall score.

    >>> from alerts.value.policy import read_value_policy
    >>> [stars_of(score, read_value_policy()) for score in (0, 34.9, 35, 64.9, 65, 80, 100)]
    [1, 1, 2, 3, 4, 5, 5]
    """
    return sum(overall >= floor for floor in policy.level_from)


def _dimension(dimension: Dimension, scores: dict[Indicator, float], policy: ValuePolicy) -> Mean:
    weights = {
        str(name): rule.weights[dimension] for name, rule in policy.indicators.items() if dimension in rule.weights
    }
    return weighted(weights, {str(name): value for name, value in scores.items() if name in weights})


def _known_share(scores: dict[Indicator, float], policy: ValuePolicy) -> float:
    """Share of the weight of all indicators that is known, each dimension counted as it counts overall."""
    total = known = 0.0
    for name, rule in policy.indicators.items():
        for dimension, weight in rule.weights.items():
            total += weight * policy.dimension_weights[dimension]
            known += weight * policy.dimension_weights[dimension] if name in scores else 0.0
    return known / total
