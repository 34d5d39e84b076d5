"""Facts of accounts at a daily sweep: what binds them, which of their lines left or are moving."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Floats, Rows
from pipeline.features.money_facts import MoneyFacts, money_facts
from pipeline.policy import SignalPolicy
from pipeline.scoring import prior_score
from pipeline.state.cases import Case
from pipeline.state.catalogue import NEVER
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

#: A line that left counts half after so many days, and not at all after `LEFT_DAYS`.
LEFT_HALF_LIFE_DAYS, LEFT_DAYS = 30.0, 90.0
#: A line whose own signals give it less than this probability to leave is not moving.
LEAST_MOVING = 0.25
#: Orders after which a bundle, a locked device or a release no longer holds the customer.
LOOSENING = ("bundle_unbind", "device_unlock", "contract_release_request")


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Accounts with a live line as they are at `now_ms`; every array has one entry an account.

    Attributes:
        contract_days: days until the contract ends, negative after it; NaN without one.
        tenure_days: since the relationship began; NaN unknown.
        business: 1 business or key account, 0 public.
        live_lines, left_lines: lines with us; lines that left by their own will within 90 days, newer ones counting for more.
        moving: sum over its live lines of the probability that their own signals give them to leave.
        loosened: 1 after an order that unties a bundle, a device or the contract.
        money: what the account pays.
    """

    now_ms: int
    rows: Rows
    contract_days: Floats
    tenure_days: Floats
    business: Floats
    live_lines: Floats
    left_lines: Floats
    moving: Floats
    loosened: Floats
    money: MoneyFacts | None = None


def account_facts(
    state: PartitionState, policy: SignalPolicy, own_signals: frozenset[str], now_ms: int
) -> AccountFacts:
    """Facts of all accounts that have a live line.

    `own_signals` are those of a line itself: what its account does must not come back to the account as news.
    """
    lines, accounts = state.lines, state.accounts
    account: NDArray[np.int32] = lines["account"]
    live = lines["churned_ms"] == NEVER
    count = np.bincount(account[live], minlength=len(accounts)).astype(np.float64)
    rows = np.flatnonzero(count)
    contract_end, tenure_start = accounts["contract_end_ms"][rows], accounts["tenure_start_ms"][rows]
    return AccountFacts(
        now_ms=now_ms,
        rows=rows,
        contract_days=np.where(contract_end != NEVER, (contract_end - now_ms) / DAY_MS, np.nan),
        tenure_days=np.where(tenure_start != NEVER, np.maximum(now_ms - tenure_start, 0) / DAY_MS, np.nan),
        business=(accounts["segment"][rows] > 0).astype(np.float64),
        live_lines=count[rows],
        left_lines=_left(state, live, now_ms)[rows],
        moving=_moving(state, policy, own_signals, count)[rows],
        loosened=_loosened(state)[rows],
        money=money_facts(state, rows, now_ms),
    )


def _left(state: PartitionState, live: NDArray[np.bool_], now_ms: int) -> Floats:
    lines = state.lines
    days = (now_ms - lines["churned_ms"]) / DAY_MS
    gone = np.flatnonzero(~live & (lines["left_unwilling"] == 0) & (days >= 0.0) & (days < LEFT_DAYS))
    weights = np.exp2(-days[gone] / LEFT_HALF_LIFE_DAYS)
    return np.asarray(np.bincount(lines["account"][gone], weights, minlength=len(state.accounts)), np.float64)


def _moving(state: PartitionState, policy: SignalPolicy, own_signals: frozenset[str], live_lines: Floats) -> Floats:
    """Only accounts with several lines are looked at: a line is no company to itself."""
    result = np.zeros(len(state.accounts))
    account = state.lines["account"]
    for row in sorted(state.lines.cases):
        if live_lines[account[row]] > 1:
            own = _own_strengths(state.lines.cases[row], own_signals)
            probability = prior_score(own, policy) if own else 0.0
            result[account[row]] += probability if probability >= LEAST_MOVING else 0.0
    return result


def _own_strengths(case: Case, own_signals: frozenset[str]) -> dict[str, float]:
    return {name: one.strength for name, one in case.episodes.items() if one.told and name in own_signals}


def _loosened(state: PartitionState) -> Floats:
    result = np.zeros(len(state.accounts))
    for row, case in state.lines.cases.items():
        if any(name in case.hard for name in LOOSENING):
            result[state.lines["account"][row]] = 1.0
    for row, case in state.accounts.cases.items():
        if any(name in case.hard for name in LOOSENING):
            result[row] = 1.0
    return result
