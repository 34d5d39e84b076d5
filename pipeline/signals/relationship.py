"""Signals of the relationship: the contract ends, what held the customer is gone, lines of one account leave together.

They speak of accounts, are looked at once a day, and are told as one warning of the account, however many lines it has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.features.account_facts import AccountFacts
from pipeline.features.facts import Floats
from pipeline.signals.base import unit

YEAR_DAYS = 365.0
#: A contract that ends within so many days is news: strength from then on. Of a public customer only the last step counts.
STEPS_DAYS = ((90.0, 0.40), (60.0, 0.60), (30.0, 0.80), (10.0, 0.90), (0.0, 1.00))
PUBLIC_STEP_DAYS = 30.0
#: So long after the end, a customer who did not sign again has simply stayed without a contract.
AFTER_END_DAYS = 60.0

#: What holds a customer, and its share of the firewall.
HELD_BY_CONTRACT, HELD_BY_TENURE, HELD_BY_GROUP, HELD_BY_BUNDLE = 0.40, 0.25, 0.20, 0.15
#: The contract is judged as it will be so much later; a year left holds fully.
CONTRACT_AHEAD_DAYS = 10.0
TENURE_SCALE_DAYS = 2.0 * YEAR_DAYS
GAP_NOISE, GAP_FULL = 0.60, 0.95

#: Probability that a line which leaves takes another one of its account along.
FOLLOW_SHARE = 0.35
#: Share of the lines of any account that leave or waver at any time, without meaning anything for the others.
USUAL_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class AccountSignal:
    """A detector over many accounts at once; as `SoftSignal`, of facts of accounts. `held_with`: as there."""

    name: str
    strength: Callable[[AccountFacts], Floats]
    evidence: Callable[[AccountFacts], Mapping[str, Floats]]
    held_with: str = ""


def contract_end(facts: AccountFacts) -> Floats:
    """Step of the countdown: 0.4 from 90 days before the end, 0.6 from 60, 0.8 from 30, 0.9 from 10, 1 at the end.

    After it down to 0 in 60 days.

    Public customers: from 30 days before the end. A renewal brings a later end, and with it 0.
    """
    days = facts.contract_days
    before = np.select([days <= step for step, _ in reversed(STEPS_DAYS)], [s for _, s in reversed(STEPS_DAYS)], 0.0)
    after = unit(1.0 + np.minimum(days, 0.0) / AFTER_END_DAYS)
    concerns = (facts.business > 0) | (days <= PUBLIC_STEP_DAYS)
    return unit(np.where(concerns, before * after, 0.0))


def _contract_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    return {"days_left": facts.contract_days}


def firewall(facts: AccountFacts) -> Floats:
    """What holds an account, 0-1: contract months left, years with us, lines in the group, an untouched bundle."""
    contract = unit((facts.contract_days - CONTRACT_AHEAD_DAYS) / YEAR_DAYS)
    tenure = unit(1.0 - np.exp(-np.nan_to_num(facts.tenure_days) / TENURE_SCALE_DAYS))
    group = 1.0 - 1.0 / np.maximum(facts.live_lines, 1.0)
    height: Floats = (
        HELD_BY_CONTRACT * contract
        + HELD_BY_TENURE * tenure
        + HELD_BY_GROUP * group
        + HELD_BY_BUNDLE * (1.0 - facts.loosened)
    )
    return height


def firewall_gap(facts: AccountFacts) -> Floats:
    """How little holds an account that a contract held: 0 at a firewall of 0.40 or more, 1 at 0.05.

    Nothing is said of accounts that never had a contract: there is no wall that could have a gap.
    """
    gap = (1.0 - firewall(facts) - GAP_NOISE) / (GAP_FULL - GAP_NOISE)
    return unit(np.where(np.isnan(facts.contract_days), 0.0, gap))


def _firewall_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    return {
        "firewall": firewall(facts),
        "contract_days": np.maximum(facts.contract_days, 0.0),
        "tenure_years": np.nan_to_num(facts.tenure_days) / YEAR_DAYS,
        "lines": facts.live_lines,
    }


def account_contagion(facts: AccountFacts) -> Floats:
    """Hazard of an account from its pilot lines: 1 - (1 - FOLLOW_SHARE)^m, m the lines that left or move beyond the usual.

    m = left + moving - USUAL_SHARE * lines, where left counts a line by half after each 30 days and moving sums probabilities:
    an independent cascade, in which each line that goes takes another one along with the same probability (Goldenberg,
    Libai, Muller 2001). Of a large account one line alone says nothing: that many always leave.
    """
    lines = facts.live_lines + facts.left_lines
    pilots = np.maximum(facts.left_lines + facts.moving - USUAL_SHARE * lines, 0.0)
    return unit(np.where(lines > 1.0, 1.0 - np.power(1.0 - FOLLOW_SHARE, pilots), 0.0))


def _contagion_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    return {"lines_left": facts.left_lines, "lines_moving": facts.moving, "lines": facts.live_lines}


CONTRACT_END = AccountSignal("contract_end", contract_end, _contract_evidence)
FIREWALL_GAP = AccountSignal("firewall_gap", firewall_gap, _firewall_evidence)
ACCOUNT_CONTAGION = AccountSignal("account_contagion", account_contagion, _contagion_evidence)
RELATIONSHIP_SIGNALS: tuple[AccountSignal, ...] = (CONTRACT_END, FIREWALL_GAP, ACCOUNT_CONTAGION)
