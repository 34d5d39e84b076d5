"""Pages of the relationship."""

from collections.abc import Callable

import numpy as np

from pipeline.features.account_facts import AccountFacts
from pipeline.features.facts import Floats
from pipeline.policy import SignalPolicy
from pipeline.signals.pages import SignalPage
from pipeline.signals.relationship import account_contagion, contract_end, firewall_gap


def _of_account(
    strength: Callable[[AccountFacts], Floats],
    *,
    contract_days: float = float("nan"),
    tenure_days: float = 0.0,
    lines: float = 1.0,
    left: float = 0.0,
    moving: float = 0.0,
    loosened: float = 0.0,
) -> Callable[[SignalPolicy], float]:
    """The strength for one business account."""
    facts = AccountFacts(
        now_ms=0,
        rows=np.zeros(1, np.int64),
        contract_days=np.array([contract_days]),
        tenure_days=np.array([tenure_days]),
        business=np.ones(1),
        live_lines=np.array([lines]),
        left_lines=np.array([left]),
        moving=np.array([moving]),
        loosened=np.array([loosened]),
    )
    return lambda _: float(strength(facts)[0])


RELATIONSHIP_PAGES: dict[str, SignalPage] = {
    "contract_end": SignalPage(
        "The contract ends in 90, 60 or 30 days, or has ended without a new one.",
        "Most sign again, and a renewal brings a later end: it only watches, the tasks are the firewall alarms' "
        "(`config/policies/value.toml`). Public customers come into it 30 days before the end; it comes on 10 days before.",
        "A business account, 45 days before the end: 0.60.",
        0.60,
        _of_account(contract_end, contract_days=45.0),
    ),
    "firewall_gap": SignalPage(
        "Little of what holds a customer is left: contract months, years with us, lines in the group, an untouched bundle.",
        "Nothing is said of who never had a contract. Accounts with many lines or years are held without one.",
        "Ten days of contract (0 in ten days), a new customer (0), two lines (0.20 x 0.5), bundle untouched (0.15): the "
        "wall is 0.25, the gap (1 - 0.25 - 0.60) / 0.35 = 0.43.",
        0.15 / 0.35,
        _of_account(firewall_gap, contract_days=10.0, lines=2.0),
    ),
    "account_contagion": SignalPage(
        "Lines of this account leave or move together: the others follow their pilots.",
        "Of a large account some lines always go: 4 % are usual. Lines that had to leave do not count.",
        "Two of ten lines left just now: 1 - 0.65 ^ (2 - 0.04 x 10) = 0.498.",
        0.498,
        _of_account(account_contagion, lines=8.0, left=2.0),
    ),
}
