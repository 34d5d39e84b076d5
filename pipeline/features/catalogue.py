"""The features that models see: names, units, meaning, in the order of the columns of the feature matrix."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One column; `reason` is the reason code under which its contribution is told to people."""

    name: str
    unit: str
    meaning: str
    reason: str


DENSE_FEATURES: tuple[Feature, ...] = (
    Feature("activity_fast", "log(1+events/day)", "usage of the last days", "usage_drop"),
    Feature("activity_slow", "log(1+events/day)", "usual usage", "usage_drop"),
    Feature("activity_change", "log ratio", "usage of the last days against usual", "usage_drop"),
    Feature("activity_change_14d", "log ratio", "usage of the last weeks against usual", "usage_drop"),
    Feature("voice_change", "log ratio", "outgoing calls against usual", "usage_drop"),
    Feature("messages_change", "log ratio", "messages against usual", "usage_drop"),
    Feature("data_change", "log ratio", "data sessions against usual", "usage_drop"),
    Feature("charge_change", "log ratio", "charges against usual", "spend_drop"),
    Feature("usage_drop", "0-1", "strength of the signal usage_drop", "usage_drop"),
    Feature("silence", "0-1", "strength of the signal silence", "silence"),
    Feature("gap", "log(1+days)", "days since any activity", "silence"),
    Feature("own_gap", "log(1+days)", "days since activity of the customer's own", "silence"),
    Feature("off_net_share", "0-1", "share of calls and messages to rivals, last days", "off_net_shift"),
    Feature("off_net_rise", "difference", "that share against usual", "off_net_shift"),
    Feature("hotline_calls", "calls", "decayed calls to rivals' hotlines", "competitor_hotline"),
    Feature("bill_drop", "ratio", "last bill below the median of those before; missing with few bills", "spend_drop"),
    Feature("bill_level", "log(1+currency)", "median bill; missing with no bill", "spend_drop"),
    Feature("age", "log(1+days)", "days since the line's first activity seen", "tenure"),
    Feature("tenure", "log(1+days)", "days since the relationship began; missing when unknown", "tenure"),
    Feature(
        "contract_left", "days/30", "months until the contract ends, -3 to 12; missing without one", "contract_end"
    ),
    Feature("prepaid", "flag", "1 prepaid", "segment"),
    Feature("business", "flag", "1 business or key account", "segment"),
    Feature("star", "stars/5", "star level", "segment"),
)


def features_for(hard_signals: Sequence[str]) -> tuple[Feature, ...]:
    """All features: the dense ones, then the standing strength of each hard signal of the policy."""
    hard = (Feature(f"hard_{name}", "0-1", f"standing strength of {name}", name) for name in hard_signals)
    return (*DENSE_FEATURES, *hard)


def feature_schema(features: Sequence[Feature]) -> str:
    """Short hash of names and order; a model learnt under another one is refused."""
    return hashlib.blake2b("|".join(feature.name for feature in features).encode(), digest_size=6).hexdigest()
