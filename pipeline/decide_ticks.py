"""Decisions at a tick: gradual signals, scores, labels that have become known, views of the lines that are watched."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.effects import Effects
from pipeline.episodes import end_episode, raise_episode
from pipeline.events import ChurnWarning, Level, ScoreBasis
from pipeline.features.assemble import dense_features, hard_features, standing_strengths
from pipeline.features.facts import Facts, Floats, facts_of
from pipeline.models_in_use import ModelsInUse
from pipeline.policy import MODEL_SCORE, SignalPolicy
from pipeline.ports import LabelKeeper
from pipeline.scoring import episode_strengths, prior_score
from pipeline.signals.base import SoftSignal
from pipeline.signals.registry import SWEPT_SIGNALS
from pipeline.silence_labels import label_silence
from pipeline.state.cases import Case
from pipeline.state.catalogue import NEVER
from pipeline.state.partition import PartitionState
from pipeline.views import views_of
from pipeline.warnings import build_warning

Rows = NDArray[np.int64]
#: Views published for an account-level case; an account can have hundreds of lines.
ACCOUNT_VIEWS_MAX = 20
#: Told at each daily sweep: its time, the live lines' rows, their scores.
SweepObserver = Callable[[int, Rows, NDArray[np.float32]], None]


class TickDecisions:
    """Evaluates many lines at once at canonical moments."""

    def __init__(self, state: PartitionState, policy: SignalPolicy, labels: LabelKeeper) -> None:
        self._state = state
        self._policy = policy
        self._labels = labels
        self.models = ModelsInUse()
        self.on_sweep: SweepObserver | None = None

    def tick(self, touched: Rows, now_ms: int, effects: Effects) -> None:
        """Lines that had activity since the last tick."""
        rows = touched[self._state.lines["churned_ms"][touched] == NEVER]
        if len(rows):
            self._evaluate(rows, now_ms, tuple(s for s in SWEPT_SIGNALS if s.every_tick), effects)

    def sweep(self, now_ms: int, effects: Effects) -> None:
        """All live lines, at 00:00 UTC: a silent customer sends no event, the sweep finds it."""
        self._expire_cases(now_ms)
        rows = self._state.live_rows()
        if len(rows):
            features = self._evaluate(rows, now_ms, SWEPT_SIGNALS, effects)
            if self.on_sweep is not None:
                self.on_sweep(now_ms, rows, self._state.lines["score"][rows])
            label_silence(self._state, rows, now_ms, self._labels)
            self._snapshot(rows, features, now_ms)
            self._remember_rhythm(rows, now_ms)
            self._publish_views(now_ms, effects)
        effects.examples += self._labels.due(now_ms)

    def _evaluate(self, rows: Rows, now_ms: int, signals: tuple[SoftSignal, ...], effects: Effects) -> Floats:
        state = self._state
        facts = facts_of(state.lines, rows, now_ms, state.landmark.ms)
        causes: list[tuple[int, str]] = []
        for signal in signals:
            causes += self._update_signal(signal, facts)
        features = np.hstack(
            [
                dense_features(facts, state.accounts),
                hard_features(facts, state.lines, state.accounts, self._policy.hard),
            ]
        )
        basis = self._score(facts, features, now_ms)
        if basis == "model":
            causes += self._update_model_signal(facts)
        for row, cause in sorted(causes):
            self._warn(row, cause, now_ms, basis, effects)
        return features

    def _update_signal(self, signal: SoftSignal, facts: Facts) -> list[tuple[int, str]]:
        """Rows whose episode of this signal began or rose."""
        policy = self._policy.soft[signal.name]
        strengths = signal.strength(facts)
        lines = self._state.lines
        candidates = np.flatnonzero((strengths >= policy.on) | lines.has_case(facts.rows))
        if not len(candidates):
            return []
        evidence = {name: values[candidates] for name, values in signal.evidence(facts).items()}
        began = []
        for place, at in enumerate(candidates.tolist()):
            row, strength = int(facts.rows[at]), float(strengths[at])
            if strength >= policy.on or (strength >= policy.off and signal.name in lines.cases[row].episodes):
                numbers = {name: float(values[place]) for name, values in evidence.items()}
                if raise_episode(lines.case(row), signal.name, facts.now_ms, strength, policy.level(strength), numbers):
                    began.append((row, signal.name))
            elif row in lines.cases and end_episode(lines.case(row), signal.name):
                self._drop_if_empty(row)
        return began

    def _score(self, facts: Facts, features: Floats, now_ms: int) -> ScoreBasis:
        """Write the score of each line; the learnt model decides once there is one."""
        lines, model = self._state.lines, self.models.at(now_ms)
        if model is None:
            lines["score"][facts.rows] = self._prior(facts)
            lines["by_model"][facts.rows] = 0
            basis: ScoreBasis = "prior"
        else:
            lines["score"][facts.rows] = model.score(features)
            lines["by_model"][facts.rows] = 1
            basis = "model"
        lines.touch(facts.rows)
        return basis

    def _prior(self, facts: Facts) -> Floats:
        state = self._state
        scores = np.full(len(facts.rows), self._policy.base_rate)
        cases = state.lines.has_case(facts.rows) | state.accounts.has_case(facts.account_rows)
        for place in np.flatnonzero(cases).tolist():
            own, shared = self._cases(int(facts.rows[place]))
            scores[place] = prior_score(episode_strengths(own, shared), self._policy)
        return scores

    def _update_model_signal(self, facts: Facts) -> list[tuple[int, str]]:
        policy, lines = self._policy, self._state.lines
        scores = lines["score"][facts.rows]
        began = []
        for place in np.flatnonzero((scores >= policy.model_score_on) | lines.has_case(facts.rows)).tolist():
            row, score = int(facts.rows[place]), float(scores[place])
            on = score >= policy.model_score_on
            if on or (score >= policy.model_score_off and MODEL_SCORE in lines.cases[row].episodes):
                level = Level.CRITICAL if score >= policy.model_score_critical else Level.WARN
                if raise_episode(lines.case(row), MODEL_SCORE, facts.now_ms, score, level, {"score": score}):
                    began.append((row, MODEL_SCORE))
            elif end_episode(lines.case(row), MODEL_SCORE):
                self._drop_if_empty(row)
        return began

    def _warn(self, row: int, cause: str, now_ms: int, basis: ScoreBasis, effects: Effects) -> None:
        lines, model = self._state.lines, self.models.current
        own, shared = self._cases(row)
        warning = build_warning(
            account_id=self._state.accounts.ids[int(lines["account"][row])],
            line_id=lines.ids[row],
            cause=cause,
            cases=[case for case in (own, shared) if case is not None],
            now_ms=now_ms,
            score=float(lines["score"][row]),
            basis=basis,
            model_version=model.version if model is not None else "none",
            policy=self._policy,
        )
        effects.warnings.append(warning)
        effects.counts[f"warning_{cause}"] += 1

    def _cases(self, row: int) -> tuple[Case | None, Case | None]:
        state = self._state
        return state.lines.cases.get(row), state.accounts.cases.get(int(state.lines["account"][row]))

    def _drop_if_empty(self, row: int) -> None:
        if self._state.lines.cases[row].is_empty():
            self._state.lines.drop_case(row)

    def _expire_cases(self, now_ms: int) -> None:
        """End hard signals whose days are over; forget empty cases."""
        for table in (self._state.lines, self._state.accounts):
            for row in sorted(table.cases):
                case = table.cases[row]
                standing = standing_strengths(case, now_ms, self._policy.hard)
                for name in [name for name in case.hard if name not in standing]:
                    del table.case(row).hard[name]
                    end_episode(case, name)
                for name, strength in standing.items():
                    if name in case.episodes:
                        table.case(row).episodes[name].strength = strength
                if case.is_empty():
                    table.drop_case(row)

    def _snapshot(self, rows: Rows, features: Floats, now_ms: int) -> None:
        lines, accounts = self._state.lines, self._state.accounts
        picked = rows.tolist()
        account_of = lines["account"][rows].tolist()
        self._labels.snapshot(
            now_ms,
            [lines.ids[row] for row in picked],
            [accounts.ids[account] for account in account_of],
            features,
            lines["last_ms"][rows],
        )

    def _remember_rhythm(self, rows: Rows, now_ms: int) -> None:
        """Keep the share of active days of lines active yesterday, for the time when the ring has run empty."""
        lines = self._state.lines
        facts = facts_of(lines, rows, now_ms, self._state.landmark.ms)
        fresh = (facts.gap_days <= 1.0) & (facts.watched_days >= 7.0)
        share = facts.active_days[fresh] / facts.watched_days[fresh]
        lines["active_share"][rows[fresh]] = share.astype(np.float32)

    def publish_views_of(self, warnings: Sequence[ChurnWarning], now_ms: int, effects: Effects) -> None:
        """Views of the lines that warnings speak of; for an account, of its first lines."""
        state = self._state
        rows: set[int] = set()
        for warning in warnings:
            if warning.line_id is not None:
                rows.add(state.lines.row_of[warning.line_id])
            else:
                rows.update(state.rows_of_account(warning.account_id)[:ACCOUNT_VIEWS_MAX])
        effects.views += views_of(state, sorted(rows), now_ms, self._policy)

    def _publish_views(self, now_ms: int, effects: Effects) -> None:
        """Views of every line that is watched: it, or its account, has a case."""
        state = self._state
        rows = set(state.lines.cases)
        for account in state.accounts.cases:
            rows.update(state.lines_of.get(account, [])[:ACCOUNT_VIEWS_MAX])
        live = state.lines["churned_ms"] == NEVER
        effects.views += views_of(state, [row for row in sorted(rows) if live[row]], now_ms, self._policy)
