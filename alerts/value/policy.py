"""The rules of value as configured in `config/policies/value.toml`, checked when read."""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from pipeline.events import Level, Segment

VALUE_POLICY_FILE = Path(__file__).resolve().parent.parent.parent / "config" / "policies" / "value.toml"

Weight = Annotated[float, msgspec.Meta(gt=0, le=1000)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Score = Annotated[float, msgspec.Meta(ge=0, le=100)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Cuts = Annotated[list[NonNegative], msgspec.Meta(min_length=4, max_length=4)]
#: What an element of the firewall may rest on, beside indicators.
FACTS = ("brand", "contract_days_left", "lines")


class ValuePolicyError(ValueError):
    """The policy file is missing or wrong; the message names file, key and what is allowed."""


class Indicator(StrEnum):
    """The 17 of DOMAIN section 1: contribution 4, character 8, relationship 5."""

    MONTHLY_REVENUE = "monthly_revenue"
    BROUGHT_REVENUE = "brought_revenue"
    OPERATION_COST = "operation_cost"
    OVERDUE_DAYS = "overdue_days"
    PRICE_SENSITIVITY = "price_sensitivity"
    NEW_SERVICES = "new_services"
    BANDWIDTH_SHARE = "bandwidth_share"
    SOCIAL_INFLUENCE = "social_influence"
    BUSINESS_CONDITION = "business_condition"
    DEMAND_FORECAST = "demand_forecast"
    VALUE_CHAIN_POSITION = "value_chain_position"
    TELECOM_DEPENDENCE = "telecom_dependence"
    LINES_MOVED = "lines_moved"
    OVERALL_SATISFACTION = "overall_satisfaction"
    OUR_SHARE_OF_SPEND = "our_share_of_spend"
    TENURE = "tenure"
    MUTUAL_BENEFIT = "mutual_benefit"


class Dimension(StrEnum):
    CURRENT = "current"
    POTENTIAL = "potential"
    LOYALTY = "loyalty"
    INFLUENCE = "influence"


class IndicatorRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one indicator is scored, and where it counts."""

    group: Literal["contribution", "character", "relationship"]
    unit: str
    worst: float
    best: float
    weights: Annotated[dict[Dimension, Weight], msgspec.Meta(min_length=1)]
    measured: bool = False
    scale: Literal["linear", "log"] = "linear"


class SegmentRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    margin_share: Share
    mvc_from: Score
    mgc_from: Score
    mgc_gap: Score
    cost_to_serve: dict[str, NonNegative]


class RfmRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recency_days: Cuts
    per_day: Cuts
    per_month: Cuts


class GridRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    usage_per_day: Annotated[list[NonNegative], msgspec.Meta(min_length=2, max_length=2)]


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many days before a contract ends; `level` and score (`prior`) of the warning."""

    days: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    level: Level
    prior: Share


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    meter: Literal["soft", "hard"]
    source: str
    full_at: Weight
    weight: Weight


class FirewallRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alarms: Annotated[list[Alarm], msgspec.Meta(min_length=1)]
    alarm_segments: list[Segment]
    brands: dict[str, Share]
    elements: Annotated[list[Element], msgspec.Meta(min_length=1)]


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Customers needed to replace one lost key account."""

    business: Annotated[int, msgspec.Meta(ge=1)]
    public: Annotated[int, msgspec.Meta(ge=1)]


class ValuePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the comments of the file for each key."""

    known_share_min: Share
    level_from: Annotated[list[Score], msgspec.Meta(min_length=5, max_length=5)]
    dimension_weights: dict[Dimension, Weight]
    indicators: dict[Indicator, IndicatorRule]
    segments: SegmentRules
    rfm: RfmRules
    grid: GridRules
    firewall: FirewallRules
    replacement: Replacement
    bandwidth_products: list[str]


def read_value_policy(path: Path = VALUE_POLICY_FILE) -> ValuePolicy:
    """Read and check the policy.

    Raises:
        ValuePolicyError: the file cannot be read, or a key or value in it is wrong.
    """
    try:
        policy = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ValuePolicy)
    except OSError as error:
        raise ValuePolicyError(f"cannot read the policy of value {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValuePolicyError(f"{path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ValuePolicyError(f"{path}: {error}") from None
    for fault in _faults(policy):
        raise ValuePolicyError(f"{path}: {fault}")
    return policy


def _faults(policy: ValuePolicy) -> list[str]:
    rules, firewall = policy.indicators, policy.firewall
    sources = [*FACTS, *Indicator]
    segments = get_args(Segment)
    steps = {
        "level_from": policy.level_from, "rfm.recency_days": policy.rfm.recency_days, "rfm.per_day": policy.rfm.per_day,
        "rfm.per_month": policy.rfm.per_month, "grid.usage_per_day": policy.grid.usage_per_day,
    }  # fmt: skip
    return [
        *(f"no table [indicators.{name}]; all 17 are needed" for name in Indicator if name not in rules),
        *(f"dimension_weights lacks `{name}`" for name in Dimension if name not in policy.dimension_weights),
        *(f"[indicators.{name}]: `worst` and `best` are the same" for name, r in rules.items() if r.worst == r.best),
        *(f"[indicators.{name}]: scale log takes no negative figure" for name, r in rules.items() if _no_log(r)),
        *(f"no indicator counts in dimension `{name}`" for name in Dimension if not _counts(rules.values(), name)),
        *(f"`{key}` must rise from one figure to the next" for key, cuts in steps.items() if cuts != sorted(set(cuts))),
        *(
            f"segments.cost_to_serve names `{name}`; allowed are {', '.join(segments)}"
            for name in policy.segments.cost_to_serve
            if name not in segments
        ),
        *(["level_from must begin with 0"] if policy.level_from[0] != 0 else []),
        *(
            f"firewall element `{element.name}` rests on `{element.source}`; allowed are {', '.join(sources)}"
            for element in firewall.elements
            if element.source not in sources
        ),
    ]


def _no_log(rule: IndicatorRule) -> bool:
    return rule.scale == "log" and min(rule.worst, rule.best) < 0


def _counts(rules: Iterable[IndicatorRule], dimension: Dimension) -> bool:
    return any(dimension in rule.weights for rule in rules)
