"""Every figure on request: the arithmetic behind it as data. Pure."""

from dataclasses import dataclass, field

from alerts.tasks import Customer
from alerts.value.assess import Assessment, Mean
from alerts.value.facts import Known
from alerts.value.firewall import Meter, firewall
from alerts.value.policy import Dimension, Indicator, IndicatorRule, Replacement, ValuePolicy
from alerts.value.segments import grid_cell, monthly_margin, rfm, value_segment

Result = float | int | str | None


class UnknownFigure(ValueError):  # noqa: N818 - it is what was asked for; "UnknownFigureError" says it no better
    """There is no such figure; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Step:
    """One input of a figure: its value, its weight where it has one, and what it brings to the result."""

    name: str
    value: Result
    weight: float | None = None
    points: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`result` follows from `steps` by `rule`; each step that is a figure itself can be asked for in turn."""

    figure: str
    result: Result
    rule: str
    steps: list[Step] = field(default_factory=list)


def figures() -> list[str]:
    """Everything that can be explained."""
    return [
        "stars", "overall", *Dimension, *Indicator, "segment", "margin", "rfm", "grid", "soft_firewall", "hard_firewall",
    ]  # fmt: skip


def explain(assessment: Assessment, policy: ValuePolicy, figure: str = "stars") -> Explanation:
    """How this figure of the assessment came about.

    Raises:
        UnknownFigure: there is no such figure.
    """
    if figure == "stars":
        return _stars(assessment, policy)
    if figure == "overall":
        return _mean("overall", assessment.overall)
    if figure in list(Dimension):
        return _mean(figure, assessment.dimensions[Dimension(figure)])
    if figure in list(Indicator):
        return _indicator(Indicator(figure), assessment, policy)
    if figure in {"soft_firewall", "hard_firewall"}:
        built = firewall(assessment.facts, policy.firewall)
        return _meter(figure, built.soft if figure == "soft_firewall" else built.hard)
    others = {"segment": _segment, "margin": _margin, "rfm": _rfm, "grid": _grid}
    if figure not in others:
        raise UnknownFigure(f"there is no figure {figure!r}; there are {', '.join(figures())}")
    return others[figure](assessment, policy)


def equivalents(key_accounts_lost: int, rules: Replacement) -> dict[str, int]:
    """The business, or the public, customers that it takes to replace so many lost key accounts.

    >>> equivalents(2, Replacement(business=79, public=338))
    {'business': 158, 'public': 676}
    """
    return {"business": key_accounts_lost * rules.business, "public": key_accounts_lost * rules.public}


def equivalents_of(customer: Customer, rules: Replacement) -> dict[str, int]:
    """What the loss of this customer means, if it is a key account; else nothing."""
    return equivalents(1, rules) if customer.segment == "key_account" else {}


def _stars(assessment: Assessment, policy: ValuePolicy) -> Explanation:
    overall, stars = assessment.overall.score, assessment.stars
    enough = f"at least {policy.known_share_min:.0%} of all weight must be known"
    steps = [Step("known_share", round(assessment.known_share, 4), note=enough), Step("overall", overall)]
    steps += [
        Step(f"{number}A", floor, note="reached" if overall is not None and overall >= floor else "not reached")
        for number, floor in enumerate(policy.level_from, start=1)
    ]
    if stars is not None and overall is not None and stars < len(policy.level_from):
        steps.append(Step(f"missing_to_{stars + 1}A", round(policy.level_from[stars] - overall, 4)))
    return Explanation("stars", stars, "the number of levels whose figure the overall score reaches", steps)


def _mean(name: str, mean: Mean) -> Explanation:
    steps = [
        Step(term.name, term.score, term.weight, round(term.points, 4), f"{term.share:.1%} of the known weight")
        for term in mean.terms
    ]
    return Explanation(name, mean.score, "sum of score x weight / sum of the known weights", steps)


def _indicator(name: Indicator, assessment: Assessment, policy: ValuePolicy) -> Explanation:
    rule, known = policy.indicators[name], assessment.facts.indicators.get(name)
    steps = [
        Step("value", known.value if known else None, note=_origin(known, rule) if known else "not known"),
        Step("worst", rule.worst, note="scores 0"),
        Step("best", rule.best, note="scores 100"),
    ]
    line = "log(1 + x)" if rule.scale == "log" else "x"
    text = f"100 x (value - worst) / (best - worst) with x as {line}, kept within 0 and 100; group {rule.group}"
    return Explanation(name, assessment.scores.get(name), text, steps)


def _origin(known: Known, rule: IndicatorRule) -> str:
    return ", ".join(part for part in (known.source, known.note, rule.unit) if part)


def _meter(name: str, meter: Meter) -> Explanation:
    steps = [
        Step(stone.name, stone.value, round(stone.share, 4), round(stone.share * stone.filled, 4), stone.source)
        for stone in meter.stones
    ]
    return Explanation(name, meter.height, "sum of share x min(1, value / full_at)", steps)


def _segment(assessment: Assessment, policy: ValuePolicy) -> Explanation:
    rules = policy.segments
    steps = [
        Step("margin", monthly_margin(assessment.facts, policy), note="below 0: bzc"),
        Step("current", assessment.dimensions[Dimension.CURRENT].score, note=f"from {rules.mvc_from:g}: mvc"),
        Step(
            "potential",
            assessment.dimensions[Dimension.POTENTIAL].score,
            note=f"from {rules.mgc_from:g}, and {rules.mgc_gap:g} above current: mgc",
        ),
    ]
    return Explanation("segment", value_segment(assessment, policy), "the first that fits of bzc, mvc, mgc", steps)


def _margin(assessment: Assessment, policy: ValuePolicy) -> Explanation:
    facts, rules = assessment.facts, policy.segments
    steps = [
        Step("monthly_revenue", facts.value(Indicator.MONTHLY_REVENUE), rules.margin_share),
        Step("cost_to_serve", rules.cost_to_serve.get(facts.customer.segment, 0.0)),
    ]
    return Explanation("margin", monthly_margin(facts, policy), "monthly_revenue x weight - cost_to_serve", steps)


def _rfm(assessment: Assessment, policy: ValuePolicy) -> Explanation:
    facts, rules = assessment.facts, policy.rfm
    found = rfm(facts, policy)
    steps = [
        Step("recency_days", facts.recency_days, points=found.recency, note=f"5 up to {rules.recency_days[0]:g} days"),
        Step("per_day", facts.per_day, points=found.frequency, note=f"5 from {rules.per_day[-1]:g} a day"),
        Step("monthly_revenue", facts.value(Indicator.MONTHLY_REVENUE), points=found.money,
             note=f"5 from {rules.per_month[-1]:g} a month"),
    ]  # fmt: skip
    return Explanation("rfm", found.code, "classes 1 to 5 by the figures of the policy, 0 = not known", steps)


def _grid(assessment: Assessment, policy: ValuePolicy) -> Explanation:
    customer = assessment.facts.customer
    steps = [
        Step("record", customer.grid, note="taken as it is, where the record names a cell"),
        Step("brand", customer.brand), Step("level", assessment.level), Step("category", customer.category),
        Step("per_day", assessment.facts.per_day, note=f"low below {policy.grid.usage_per_day[0]:g}, "
             f"high from {policy.grid.usage_per_day[1]:g}"),
    ]  # fmt: skip
    return Explanation("grid", grid_cell(assessment, policy), "brand|level|category|usage", steps)
