"""Decisions about accounts at the daily sweep: signals of the relationship, one warning an account."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.incidents import CALLS
from pipeline.customer_kinds import kind_codes
from pipeline.effects import Effects
from pipeline.episodes import NOWHERE, end_episode, places_by_episode, raise_episode
from pipeline.features.account_facts import AccountFacts, account_facts
from pipeline.features.facts import Rows
from pipeline.live_rules import PolicyInUse
from pipeline.signals.registry import ACCOUNT_SIGNALS
from pipeline.signals.relationship import AccountSignal
from pipeline.state.partition import PartitionState
from pipeline.warner import Warner


class AccountDecisions:
    """Evaluates all accounts of a partition at once."""

    def __init__(self, state: PartitionState, rules: PolicyInUse, warner: Warner) -> None:
        self._state = state
        self._rules = rules
        self._warner = warner
        told = {signal.name for signal in ACCOUNT_SIGNALS}
        self._own_signals = frozenset({*rules.current.soft, *rules.current.hard} - told)

    def sweep(self, now_ms: int, effects: Effects) -> None:
        """Look at all accounts that have a live line, at 00:00 UTC."""
        if not len(self._state.accounts):
            return
        facts = account_facts(self._state, self._rules.current, self._own_signals, now_ms)
        began: list[tuple[int, str]] = []
        standing = places_by_episode(self._state.accounts, facts.rows)
        for signal in ACCOUNT_SIGNALS:
            began += self._update(signal, facts, standing.get(signal.name, NOWHERE))
        for row, name in sorted(began):
            self._warner.warn(self._state.accounts.ids[row], None, name, now_ms, effects)

    def _is_held(self, feed: str, rows: Rows) -> NDArray[np.bool_]:
        """Accounts whose signals about this feed wait: the crowd itself is silent. What is on stays on, nothing comes on."""
        crowd = self._state.crowd
        if feed == CALLS:
            return crowd.is_held(self._state.accounts["region"][rows].astype(np.int64))
        return np.full(len(rows), bool(feed) and crowd.is_feed_silent(feed))

    def _update(self, signal: AccountSignal, facts: AccountFacts, standing: list[int]) -> list[tuple[int, str]]:
        """Accounts whose episode of this signal began or rose. `standing`: places among the facts of those where it is on."""
        policy, accounts = self._rules.current.soft[signal.name], self._state.accounts
        strengths = signal.strength(facts) * policy.enabled
        concerned = strengths >= policy.on
        concerned[standing] = True
        candidates = np.flatnonzero(concerned)
        candidates = candidates[~self._is_held(signal.held_with, facts.rows[candidates])]
        if not len(candidates):
            return []
        evidence = cache(lambda: signal.evidence(facts))
        told = cache(lambda: policy.told_of()[kind_codes(accounts, facts.rows)])
        began = []
        rows, strong = facts.rows[candidates].tolist(), strengths[candidates].tolist()
        for at, row, strength in zip(candidates.tolist(), rows, strong, strict=True):
            stands = row in accounts.cases and signal.name in accounts.cases[row].episodes
            if strength >= policy.on or (strength >= policy.off and stands):
                numbers = {name: float(values[at]) for name, values in evidence().items()}
                level = policy.level(strength)
                case, is_told = accounts.case(row), bool(told()[at])
                if raise_episode(case, signal.name, facts.now_ms, strength, level, numbers, told=is_told):
                    began.append((row, signal.name))
            elif stands:
                end_episode(accounts.case(row), signal.name)
                if accounts.cases[row].is_empty():
                    accounts.drop_case(row)
        return began
