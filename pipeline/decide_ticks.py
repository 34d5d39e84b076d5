"""Decisions at a tick: gradual signals, scores, labels that have become known, views of the lines that are watched."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.sample import beside_crowd, regions_of, take_in_crowd
from pipeline.customer_kinds import kind_codes
from pipeline.decide_accounts import AccountDecisions
from pipeline.decide_hard import HardSignals
from pipeline.effects import Effects
from pipeline.episodes import NOWHERE, end_episode, places_by_episode, raise_episode
from pipeline.events import ChurnWarning, Level, ScoreBasis
from pipeline.features.assemble import feature_matrix
from pipeline.features.catalogue import PRIOR_COLUMN
from pipeline.features.companions import remember_companions
from pipeline.features.facts import Facts, Floats, facts_of, with_rivals
from pipeline.live_rules import PolicyInUse
from pipeline.models_in_use import ModelsInUse
from pipeline.policy import MODEL_SCORE, SignalPolicy
from pipeline.ports import LabelKeeper
from pipeline.score_reasons import score_reasons
from pipeline.scoring import BY_LEVELLED_PRIOR, BY_MODEL, BY_PRIOR, basis_of
from pipeline.signals.base import SoftSignal
from pipeline.signals.registry import SWEPT_SIGNALS, TICK_SIGNALS
from pipeline.silence_labels import label_silence
from pipeline.state.cases import Case
from pipeline.state.catalogue import NEVER
from pipeline.state.id_rows import IdRows
from pipeline.state.partition import PartitionState
from pipeline.views import views_of
from pipeline.warner import Warner
from pipeline.warnings import build_warning

Rows = NDArray[np.int64]
#: Views published for an account-level case; an account can have hundreds of lines.
ACCOUNT_VIEWS_MAX = 20
#: Told at each daily sweep: its time, the live lines' rows, their scores.
SweepObserver = Callable[[int, Rows, NDArray[np.float32]], None]


class TickDecisions:
    """Evaluates many lines at once at canonical moments."""

    def __init__(
        self, state: PartitionState, rules: PolicyInUse, labels: LabelKeeper, warner: Warner, models: ModelsInUse
    ) -> None:
        self._state = state
        self._rules = rules
        self._labels = labels
        self._hard = HardSignals(state, rules, warner)
        self._accounts = AccountDecisions(state, rules, warner)
        self.models = models
        self.on_sweep: SweepObserver | None = None
        self.draws_views = True

    @property
    def _policy(self) -> SignalPolicy:
        return self._rules.current

    def tick(self, touched: Rows, now_ms: int, effects: Effects) -> None:
        """Lines that had activity since the last tick."""
        rows = touched[self._state.lines["churned_ms"][touched] == NEVER]
        if not len(rows):
            return
        if self.models.at(now_ms) is None:
            self._evaluate_few(rows, now_ms, effects)
        else:
            self._evaluate(self._beside_crowd(self._facts(rows, now_ms)), TICK_SIGNALS, effects)

    def sweep(self, now_ms: int, effects: Effects) -> None:
        """All live lines, at 00:00 UTC: a silent customer sends no event, the sweep finds it."""
        self._hard.sweep(now_ms, effects)
        self._accounts.sweep(now_ms, effects)
        rows = self._state.live_rows()
        if len(rows):
            plain = self._facts(rows, now_ms)
            take_in_crowd(self._state, plain)
            facts = self._beside_crowd(with_rivals(plain, self._state.lines, self._state.landmark.ms))
            own = remember_companions(self._state, self._policy.hard, facts)
            features = self._evaluate(facts, SWEPT_SIGNALS, effects, own)()
            if self.on_sweep is not None:
                self.on_sweep(now_ms, rows, self._state.lines["score"][rows])
            label_silence(self._state, rows, now_ms, self._labels)
            self._snapshot(rows, features, now_ms, effects)
            self._remember_rhythm(plain)
            self._publish_views(now_ms, effects)
        effects.examples += self._labels.due(now_ms)

    def _facts(self, rows: Rows, now_ms: int) -> Facts:
        return facts_of(self._state.lines, rows, now_ms, self._state.landmark.ms)

    def _beside_crowd(self, facts: Facts) -> Facts:
        """The same facts with what the lines' crowd does."""
        return beside_crowd(self._state, facts)

    def _evaluate(
        self, facts: Facts, signals: tuple[SoftSignal, ...], effects: Effects, own: Floats | None = None
    ) -> Callable[[], Floats]:
        """Signals, scores and warnings of these lines; returns what gives their features. `own`: their hard signals, where known.

        Features cost more than all signals of a tick together: they are computed once, and only where somebody asks.
        """
        now_ms = facts.now_ms
        strengths = {signal.name: signal.strength(facts) for signal in signals}
        features = cache(lambda: feature_matrix(facts, self._state, self._policy, strengths, own))
        causes: list[tuple[int, str]] = []
        standing = places_by_episode(self._state.lines, facts.rows)
        for signal in signals:
            causes += self._update_signal(signal, facts, strengths[signal.name], standing)
        basis = self._score(facts, features, now_ms)
        if self.models.current is not None:
            causes += self._update_model_signal(facts, features, standing)
        for row, cause in sorted(causes):
            self._warn(row, cause, now_ms, basis, effects)
        return features

    def _evaluate_few(self, rows: Rows, now_ms: int, effects: Effects) -> None:
        """As `_evaluate` between two sweeps before there is a model: only lines with a case, and those of which a signal may
        speak, can change.
        """
        lines, account_rows = self._state.lines, self._state.lines["account"][rows]
        concerned = self._may_speak(rows)
        causes: list[tuple[int, str]] = []
        if concerned.any():
            facts = self._beside_crowd(self._facts(rows[concerned], now_ms))
            standing = places_by_episode(lines, facts.rows)
            for signal in TICK_SIGNALS:
                causes += self._update_signal(signal, facts, signal.strength(facts), standing)
        has_case = lines.has_case(rows) | self._state.accounts.has_case(account_rows)
        if has_case.any():
            facts = self._facts(rows[has_case], now_ms)
            self._write_prior(facts.rows, feature_matrix(facts, self._state, self._policy))
        lines["by_model"][rows] = BY_PRIOR
        lines.touch(rows)
        for row, cause in sorted(causes):
            self._warn(row, cause, now_ms, "prior", effects)

    def _may_speak(self, rows: Rows) -> NDArray[np.bool_]:
        """Lines with a case, and those of which a signal of a tick may speak."""
        lines = self._state.lines
        concerned = lines.has_case(rows)
        for signal in TICK_SIGNALS:
            if signal.may_speak is not None:
                concerned |= signal.may_speak(lines, rows)
        return concerned

    def _update_signal(
        self, signal: SoftSignal, facts: Facts, strengths: Floats, standing: Mapping[str, list[int]]
    ) -> list[tuple[int, str]]:
        """Rows whose episode of this signal began or rose. `standing`: places among the facts of lines with an episode."""
        policy = self._policy.soft[signal.name]
        strengths = strengths * policy.enabled
        lines = self._state.lines
        concerned = strengths >= policy.on
        concerned[standing.get(signal.name, NOWHERE)] = True
        candidates = np.flatnonzero(concerned)
        candidates = candidates[~self._is_held(signal.held_with, facts.rows[candidates])]
        if not len(candidates):
            return []
        evidence = cache(lambda: signal.evidence(facts))
        told = cache(lambda: policy.told_of()[kind_codes(self._state.accounts, facts.account_rows)])
        began = []
        rows, strong = facts.rows[candidates].tolist(), strengths[candidates].tolist()
        for at, row, strength in zip(candidates.tolist(), rows, strong, strict=True):
            stands = row in lines.cases and signal.name in lines.cases[row].episodes
            if strength >= policy.on or (strength >= policy.off and stands):
                numbers = {name: float(values[at]) for name, values in evidence().items()}
                level = policy.level(strength)
                case, is_told = lines.case(row), bool(told()[at])
                rose = raise_episode(case, signal.name, facts.now_ms, strength, level, numbers, told=is_told)
                if rose and not signal.benign:
                    began.append((row, signal.name))
            elif stands and end_episode(lines.case(row), signal.name):
                self._drop_if_empty(row)
        return began

    def _is_held(self, feed: str, rows: Rows) -> NDArray[np.bool_]:
        """Lines whose signals about this feed wait: the crowd itself is silent. What is on stays on, nothing comes on."""
        crowd = self._state.crowd
        if feed == "cdr":
            return crowd.is_held(regions_of(self._state, rows))
        return np.full(len(rows), bool(feed) and crowd.is_feed_silent(feed))

    def _score(self, facts: Facts, features: Callable[[], Floats], now_ms: int) -> ScoreBasis:
        """Write the score of each line; the published model decides once there is one."""
        lines, model = self._state.lines, self.models.at(now_ms)
        if model is None:
            self._write_prior(facts.rows, features())
            scored_by = BY_PRIOR
        else:
            lines["score"][facts.rows] = model.score(features())
            scored_by = BY_MODEL if model.basis == "model" else BY_LEVELLED_PRIOR
        lines["by_model"][facts.rows] = scored_by
        lines.touch(facts.rows)
        return basis_of(scored_by)

    def _write_prior(self, rows: Rows, features: Floats) -> None:
        """At a sweep of all lines, at a tick of those with a case: of the others nothing is known that was not at the sweep."""
        self._state.lines["score"][rows] = 1.0 / (1.0 + np.exp(-features[:, PRIOR_COLUMN]))

    def _update_model_signal(
        self, facts: Facts, features: Callable[[], Floats], standing: Mapping[str, list[int]]
    ) -> list[tuple[int, str]]:
        policy, lines = self._policy, self._state.lines
        scores = lines["score"][facts.rows]
        began = []
        concerned = scores >= policy.model_score_on
        concerned[standing.get(MODEL_SCORE, NOWHERE)] = True
        candidates = np.flatnonzero(concerned)
        for place in candidates[~self._is_held("cdr", facts.rows[candidates])].tolist():
            row, score = int(facts.rows[place]), float(scores[place])
            on = score >= policy.model_score_on
            stands = lines.cases[row].episodes.get(MODEL_SCORE) if row in lines.cases else None
            if on or (score >= policy.model_score_off and stands):
                level = Level.CRITICAL if score >= policy.model_score_critical else Level.WARN
                said = {**stands.evidence, "score": score} if stands else {"score": score}
                if raise_episode(lines.case(row), MODEL_SCORE, facts.now_ms, score, level, said):
                    began.append(place)
            elif stands and end_episode(lines.case(row), MODEL_SCORE):
                self._drop_if_empty(row)
        if began:
            self._give_reasons(facts.rows[began], features()[began], facts.now_ms)
        return [(int(facts.rows[place]), MODEL_SCORE) for place in began]

    def _give_reasons(self, rows: Rows, features: Floats, now_ms: int) -> None:
        """Why the model says so, when it begins to say it or says it louder: as evidence of its signal."""
        model, cases = self.models.current, self._state.lines.cases
        if model is None:
            return
        told = score_reasons(self._state, self._policy, model, self._facts(rows, now_ms), features)
        for row, reasons in zip(rows.tolist(), told, strict=True):
            episode = cases[row].episodes[MODEL_SCORE]
            episode.evidence = {"score": episode.strength, **reasons}

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

    def _snapshot(self, rows: Rows, features: Floats, now_ms: int, effects: Effects) -> None:
        """Offer what is known now as examples; not where the crowd's records are missing."""
        lines, accounts = self._state.lines, self._state.accounts
        usable = ~self._state.crowd.learning_frozen(regions_of(self._state, rows))
        passed_over = rows[~usable]
        effects.counts["snapshots_frozen"] += len(passed_over)
        rows, features = rows[usable], features[usable]
        self._labels.snapshot(
            now_ms,
            IdRows(lines.ids, rows),
            IdRows(accounts.ids, lines["account"][rows]),
            features,
            lines["last_ms"][rows],
        )
        if len(passed_over):
            self._labels.passed_over(now_ms, IdRows(lines.ids, passed_over), lines["last_ms"][passed_over])

    def _remember_rhythm(self, facts: Facts) -> None:
        """Keep the share of active days of lines active yesterday, for the time when the ring has run empty."""
        fresh = (facts.gap_days <= 1.0) & (facts.watched_days >= 7.0)
        share = facts.active_days[fresh] / facts.watched_days[fresh]
        self._state.lines["active_share"][facts.rows[fresh]] = share.astype(np.float32)

    def publish_views_of(self, warnings: Sequence[ChurnWarning], now_ms: int, effects: Effects) -> None:
        """Views of the lines that warnings speak of; for an account, of its first lines."""
        if not self.draws_views:
            return
        state = self._state
        rows: set[int] = set()
        for warning in warnings:
            if warning.line_id is not None:
                rows.add(state.lines.row_of[warning.line_id])
            else:
                rows.update(state.rows_of_account(warning.account_id)[:ACCOUNT_VIEWS_MAX])
        effects.views += views_of(state, sorted(rows), now_ms, self._policy)

    def _publish_views(self, now_ms: int, effects: Effects) -> None:
        """Views of every line that is watched: it has a case, or its account something to be done about."""
        if not self.draws_views:
            return
        state = self._state
        rows = set(state.lines.cases)
        for account, case in state.accounts.cases.items():
            if not case.hard and all(episode.level is Level.WATCH for episode in case.episodes.values()):
                continue
            rows.update(state.lines_of.get(account, [])[:ACCOUNT_VIEWS_MAX])
        live = state.lines["churned_ms"] == NEVER
        effects.views += views_of(state, [row for row in sorted(rows) if live[row]], now_ms, self._policy)
