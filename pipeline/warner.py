"""Warnings about a line or a whole account: the one place that knows which cases and scores belong to a subject."""

from collections.abc import Sequence

import numpy as np

from pipeline.effects import Effects
from pipeline.live_rules import PolicyInUse
from pipeline.models_in_use import ModelsInUse
from pipeline.scoring import BY_MODEL, BY_PRIOR, basis_of, episode_strengths, prior_score
from pipeline.state.cases import Case
from pipeline.state.catalogue import NEVER
from pipeline.state.partition import PartitionState
from pipeline.warnings import build_warning


class Warner:
    """Makes the warnings of one partition."""

    def __init__(self, state: PartitionState, rules: PolicyInUse, models: ModelsInUse) -> None:
        self._state = state
        self._rules = rules
        self._models = models

    def rows(self, account_id: str, line_id: str | None) -> list[int]:
        """Lines that a record speaks of: its own, or all of its account."""
        if line_id is None:
            return self._state.rows_of_account(account_id)
        return [self._state.line_row(line_id, account_id)]

    def subject(self, account_id: str, line_id: str | None) -> Case:
        """The case that a record speaks of: its line's, or its account's when it names no line."""
        if line_id is None:
            return self._state.accounts.case(self._state.accounts.add(account_id))
        return self._state.lines.case(self._state.line_row(line_id, account_id))

    def have_left(self, rows: Sequence[int]) -> bool:
        """Whether these are lines and none of them is with us any more."""
        churned_ms = self._state.lines["churned_ms"]
        return bool(rows) and all(churned_ms[row] != NEVER for row in rows)

    def warn(self, account_id: str, line_id: str | None, cause: str, now_ms: int, effects: Effects) -> None:
        """Warn of the signal that came on for a subject, with its score: the last one of its lines, or the documented prior's
        where that says more, since it knows of the record that has just come. The basis is that of the number that is told.
        """
        state = self._state
        account = state.accounts.add(account_id)
        live = [row for row in self.rows(account_id, line_id) if state.lines["churned_ms"][row] == NEVER]
        cases = [self.subject(account_id, line_id)]
        if line_id is not None and account in state.accounts.cases:
            cases.append(state.accounts.cases[account])
        prior = prior_score(episode_strengths(*cases), self._rules.current)
        stored = state.lines["score"][live].astype(np.float64)
        scored = ~np.isnan(stored)
        scored_by = set(state.lines["by_model"][live][scored].tolist())
        model = self._models.at(state.clock_ms)
        last = max(stored[scored].tolist(), default=0.0)
        by_model = BY_MODEL in scored_by and last >= prior
        warning = build_warning(
            account_id=account_id,
            line_id=line_id,
            cause=cause,
            cases=cases,
            now_ms=now_ms,
            score=max(prior, last),
            basis=basis_of(BY_MODEL if by_model else BY_PRIOR),
            model_version=model.version if model is not None and scored_by - {BY_PRIOR} else "none",
            policy=self._rules.current,
        )
        effects.warnings.append(warning)
        effects.counts[f"warning_{cause}"] += 1
