"""What the customer is worth and what holds it, for the customer page: stars with their arithmetic, meters, alarms. Pure."""

from dataclasses import dataclass

from alerts.console.page_texts import PageTexts
from alerts.value.assess import Assessment
from alerts.value.explain import equivalents_of
from alerts.value.firewall import Expiry, Meter, firewall
from alerts.value.policy import ValuePolicy
from alerts.value.segments import grid_cell, monthly_margin, value_segment


@dataclass(frozen=True, slots=True)
class Part:
    """One term of the overall score: a dimension, its score of 100, its share of the weight, what it brings."""

    name: str
    score: str
    share: str
    points: str


@dataclass(frozen=True, slots=True)
class MeterView:
    """A firewall: `height` 0-1, None where nothing of it is known; `stones`: (name, how full in %, share in %)."""

    name: str
    height: float | None
    stones: list[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class ValuePanel:
    """`why`: one sentence on the stars. `replaced_by`: what the loss of a key account takes to replace, by segment."""

    why: str
    segment: str
    grid: str
    margin: str
    parts: list[Part]
    meters: list[MeterView]
    alarms: list[Expiry]
    replaced_by: dict[str, int]


def value_panel(assessment: Assessment, policy: ValuePolicy, texts: PageTexts) -> ValuePanel:
    """The panel of one account."""
    built = firewall(assessment.facts, policy.firewall)
    margin = monthly_margin(assessment.facts, policy)
    return ValuePanel(
        why=_why(assessment, policy, texts),
        segment=texts.word("value", f"segment_{value_segment(assessment, policy)}"),
        grid=grid_cell(assessment, policy),
        margin="–" if margin is None else f"{margin:,.2f}",
        parts=[
            Part(texts.word("value", term.name), f"{term.score:.0f}", f"{term.share:.0%}", f"{term.points:.1f}")
            for term in assessment.overall.terms
        ],
        meters=[_meter("soft", built.soft, texts), _meter("hard", built.hard, texts)],
        alarms=built.expiries,
        replaced_by=equivalents_of(assessment.facts.customer, policy.replacement),
    )


def _why(assessment: Assessment, policy: ValuePolicy, texts: PageTexts) -> str:
    overall, stars = assessment.overall.score, assessment.stars
    known = f"{assessment.known_share:.0%}"
    if stars is None or overall is None:
        return texts("value.too_little", known=known, needed=f"{policy.known_share_min:.0%}")
    reached = policy.level_from[stars - 1] if stars else 0.0
    words = texts("value.why_stars", n=stars, score=f"{overall:.1f}", floor=f"{reached:g}", known=known)
    if stars < len(policy.level_from):
        words += " " + texts("value.missing", n=stars + 1, points=f"{policy.level_from[stars] - overall:.1f}")
    if assessment.facts.customer.star != stars:
        words += " " + texts("value.record_says", n=assessment.facts.customer.star)
    return words


def _meter(name: str, meter: Meter, texts: PageTexts) -> MeterView:
    stones = [
        (texts.word("value", f"stone_{stone.name}"), round(100 * min(1.0, stone.filled)), round(100 * stone.share))
        for stone in meter.stones
    ]
    return MeterView(texts.word("value", f"{name}_firewall"), meter.height, stones)
