"""The features that models see: names, units, meaning, in the order of the columns of the feature matrix."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One column; `reason` is the reason code under which its contribution is told to people.

    `prior`: log-odds that one unit of it adds before any label is there (docs/adr/0044-shaped-features.md).
    """

    name: str
    unit: str
    meaning: str
    reason: str
    prior: float = 0.0


#: What facts say of themselves.
MEASURED: tuple[Feature, ...] = (
    Feature("activity_slow", "log(1+events/day)", "usual usage", "usage_drop"),
    Feature("activity_change", "log ratio", "usage of the last days against usual", "usage_drop"),
    Feature("activity_change_14d", "log ratio", "usage of the last weeks against usual", "usage_drop"),
    Feature("voice_change", "log ratio", "outgoing calls against usual", "usage_drop"),
    Feature("messages_change", "log ratio", "messages against usual", "usage_drop"),
    Feature("data_change", "log ratio", "data sessions against usual", "usage_drop"),
    Feature("charge_change", "log ratio", "charges against usual", "spend_drop"),
    Feature("usage_drop", "0-1", "strength of the signal usage_drop", "usage_drop"),
    Feature("silence", "0-1", "strength of the signal silence", "silence", prior=0.9),
    Feature("gap", "log(1+days)", "days since any activity", "silence"),
    Feature("own_gap", "log(1+days)", "days since activity of the customer's own", "silence"),
    Feature("off_net_share", "0-1", "share of calls and messages to rivals, last days", "off_net_shift"),
    Feature("off_net_rise", "difference", "that share against usual", "off_net_shift"),
    Feature("bill_drop", "ratio", "last bill below the median of those before; missing with few bills", "spend_drop"),
    Feature("age", "log(1+days)", "days since the line's first activity seen", "tenure"),
    Feature(
        "contract_left", "days/30", "months until the contract ends, -3 to 12; missing without one", "contract_end"
    ),
    Feature("prepaid", "flag", "1 prepaid", "segment"),
    Feature("business", "flag", "1 business or key account", "segment", prior=0.3),
    Feature("star", "stars/5", "star level", "segment"),
)
#: Circumstances under which lines leave, 0 where there is nothing to see.
SHAPED: tuple[Feature, ...] = (
    Feature("fading", "deviations", "calls and sessions below usual, beyond noise", "usage_drop", prior=0.35),
    Feature("hotline", "0-1", "strength of the signal competitor_hotline", "competitor_hotline", prior=2.6),
    Feature(
        "forwarded_lately", "0-1", "calls forwarded to a rival, fading by e in 30 days", "forward_off_net", prior=3.0
    ),
    Feature(
        "fault_lately", "0-1", "a fault, also a mended one, fading by e in 20 days; not key", "open_fault", prior=1.5
    ),
    Feature("bill_fell", "0-1", "the last bill fell further than bills do", "spend_drop", prior=0.5),
    Feature("contract_ending", "flag", "1 the contract ends within 30 days", "contract_end", prior=1.2),
    Feature("contract_ended", "flag", "1 it ended within 45 days and was not renewed", "contract_end", prior=1.6),
    Feature("no_contract", "flag", "1 nothing binds the customer", "contract_end"),
    Feature(
        "others_stirring", "0-1.5", "orders and complaints of the account's other lines", "account_contagion", prior=1.3
    ),
    Feature("others_left", "0-1", "other lines of the account left; not key", "account_contagion", prior=0.8),
    Feature("account_fading", "log ratio", "the account's lines below usual together", "account_contagion", prior=0.8),
    Feature(
        "key", "flag", "1 a key account, whose lines leave with their company or not at all", "segment", prior=-1.1
    ),
    Feature("pilots_left", "0-1", "other lines of the key account left", "account_contagion", prior=3.5),
    Feature("key_fading", "log ratio", "a key account's lines below usual together", "account_contagion", prior=1.5),
)
#: All of the above as one number: where a learner should start from.
PRIOR = Feature("prior", "log-odds", "the documented prior: circumstances and hard signals, no label seen", "")

DENSE_FEATURES: tuple[Feature, ...] = (*MEASURED, *SHAPED, PRIOR)
PRIOR_COLUMN = len(DENSE_FEATURES) - 1


def features_for(hard_signals: Sequence[str]) -> tuple[Feature, ...]:
    """All features: the dense ones, then the standing strength of each hard signal of the policy."""
    hard = (Feature(f"hard_{name}", "0-1", f"standing strength of {name}", name) for name in hard_signals)
    return (*DENSE_FEATURES, *hard)


def feature_schema(features: Sequence[Feature]) -> str:
    """Short hash of names and order; a model learnt under another one is refused."""
    return hashlib.blake2b("|".join(feature.name for feature in features).encode(), digest_size=6).hexdigest()
