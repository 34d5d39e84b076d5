"""Decisions at a record: hard signals, bills, churn and its taking back."""

from collections.abc import Sequence

import numpy as np

from pipeline.apply_records import CHURN_ORDERS, apply_customer, apply_invoice, bills_of, note_hard_event
from pipeline.effects import Effects
from pipeline.episodes import end_episode, raise_episode
from pipeline.events import (
    BillingKind,
    BillingRecord,
    CareRecord,
    ChurnKind,
    CustomerRecord,
    Disposition,
    OrderKind,
    OrderRecord,
    OutcomeKind,
    OutcomeRecord,
    Record,
)
from pipeline.models_in_use import ModelsInUse
from pipeline.policy import SignalPolicy
from pipeline.ports import LabelKeeper
from pipeline.scoring import episode_strengths, prior_score
from pipeline.signals.registry import SPEND_DROP
from pipeline.signals.spend import spend_drop
from pipeline.state.cases import Case
from pipeline.state.catalogue import NEVER
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.warnings import build_warning

#: A reconnect or win-back within this time takes a churn back (CONTRACT.md section 3).
TAKE_BACK_MS = 30 * DAY_MS
#: Dispositions after which somebody was spoken to; None is what a manager writes who only notes that he called.
REACHED = frozenset(
    {
        Disposition.REACHED_SAVED,
        Disposition.REACHED_REFUSED,
        Disposition.REACHED_CALLBACK,
        Disposition.OPT_OUT,
        Disposition.TRANSFERRED,
        None,
    }
)


class RecordDecisions:
    """Applies thin records of one partition and warns at once where a record is a hard signal."""

    def __init__(self, state: PartitionState, policy: SignalPolicy, labels: LabelKeeper, models: ModelsInUse) -> None:
        self._state = state
        self._policy = policy
        self._labels = labels
        self._starts = policy.starts()
        self._ends = policy.ends()
        self._models = models

    def decide(self, record: Record, received_ms: int, effects: Effects) -> None:
        """Take in one record that was received at `received_ms`."""
        if isinstance(record, CustomerRecord):
            apply_customer(self._state, record)
        elif isinstance(record, BillingRecord):
            self._billing(record, received_ms, effects)
        elif isinstance(record, OrderRecord):
            self._order(record, received_ms, effects)
        elif isinstance(record, CareRecord):
            self._hard(record, received_ms, effects)
        elif isinstance(record, OutcomeRecord):
            self._outcome(record, received_ms)

    def _order(self, record: OrderRecord, received_ms: int, effects: Effects) -> None:
        churn = CHURN_ORDERS.get(record.kind)
        if churn is not None:
            self._churned(record.account_id, record.line_id, record.ts_ms, received_ms, churn)
        elif record.kind is OrderKind.RECONNECT:
            self._returned(record.account_id, record.line_id, record.ts_ms)
        else:
            self._hard(record, received_ms, effects)

    def _outcome(self, record: OutcomeRecord, received_ms: int) -> None:
        if record.kind is OutcomeKind.CHURN:
            kind = record.churn_kind or ChurnKind.TERMINATION
            self._churned(record.account_id, record.line_id, record.churn_ms or record.ts_ms, received_ms, kind)
        elif record.kind is OutcomeKind.WIN_BACK:
            self._returned(record.account_id, record.line_id, record.ts_ms)
        elif record.kind is OutcomeKind.DISPOSITION and record.disposition in REACHED:
            self._labels.contacted(record.account_id, record.line_id, record.ts_ms)

    def _hard(self, record: OrderRecord | CareRecord, received_ms: int, effects: Effects) -> None:
        rows = self._rows(record.account_id, record.line_id)
        subject = self._subject(record.account_id, record.line_id)
        for name in self._ends.get(record.kind, ()):
            self._end(name, subject, rows)
        signal = self._starts.get(record.kind)
        if signal is None or self._have_left(rows):
            return
        event = note_hard_event(subject, signal, record)
        policy = self._policy.hard[signal]
        strength = policy.strength_of(event.count, event.severity)
        evidence = {"count_90d": float(event.count), "severity_max": float(event.severity), "days_since": 0.0}
        if event.expires_ms:
            evidence["hours_left"] = max(0.0, (event.expires_ms - received_ms) / 3_600_000)
        level = policy.level_of(strength)
        if raise_episode(subject, signal, received_ms, strength, level, evidence, record.record_id):
            self._warn(record.account_id, record.line_id, signal, received_ms, effects)

    def _billing(self, record: BillingRecord, received_ms: int, effects: Effects) -> None:
        if record.kind is BillingKind.PAYMENT:
            return
        rows = self._rows(record.account_id, record.line_id)
        apply_invoice(self._state, record, rows)
        if record.kind is not BillingKind.INVOICE or not rows or self._have_left(rows):
            return
        strength, evidence = spend_drop(bills_of(self._state.lines, rows[0]))
        policy = self._policy.soft[SPEND_DROP]
        subject = self._subject(record.account_id, record.line_id)
        if strength >= policy.on:
            level = policy.level(strength)
            if raise_episode(subject, SPEND_DROP, received_ms, strength, level, evidence, record.record_id):
                self._warn(record.account_id, record.line_id, SPEND_DROP, received_ms, effects)
        elif strength < policy.off:
            end_episode(subject, SPEND_DROP)

    def _end(self, name: str, subject: Case, rows: Sequence[int]) -> None:
        """A signal is over for the subject of the record; for an account, on its lines as well."""
        cases = [subject] + [self._state.lines.case(row) for row in rows if row in self._state.lines.cases]
        for case in cases:
            case.hard.pop(name, None)
            end_episode(case, name)

    def _churned(self, account_id: str, line_id: str | None, churn_ms: int, known_ms: int, kind: ChurnKind) -> None:
        lines = self._state.lines
        for row in self._rows(account_id, line_id):
            if lines["churned_ms"][row] != NEVER:
                continue
            lines["churned_ms"][row] = max(churn_ms, 1)
            lines.drop_case(row)
            lines.touch(row)
            self._labels.churned(lines.ids[row], churn_ms, known_ms, kind)

    def _returned(self, account_id: str, line_id: str | None, ts_ms: int) -> None:
        lines = self._state.lines
        for row in self._rows(account_id, line_id):
            left = int(lines["churned_ms"][row])
            if left != NEVER and 0 <= ts_ms - left <= TAKE_BACK_MS:
                lines["churned_ms"][row] = NEVER
                lines.touch(row)
                self._labels.returned(lines.ids[row], ts_ms)

    def _warn(self, account_id: str, line_id: str | None, cause: str, now_ms: int, effects: Effects) -> None:
        state = self._state
        account = state.accounts.add(account_id)
        live = [row for row in self._rows(account_id, line_id) if state.lines["churned_ms"][row] == NEVER]
        cases = [self._subject(account_id, line_id)]
        if line_id is not None and account in state.accounts.cases:
            cases.append(state.accounts.cases[account])
        score = prior_score(episode_strengths(*cases), self._policy)
        stored = state.lines["score"][live].astype(np.float64)
        scored = ~np.isnan(stored)
        by_model = bool(state.lines["by_model"][live][scored].any())
        model = self._models.at(state.clock_ms)
        warning = build_warning(
            account_id=account_id,
            line_id=line_id,
            cause=cause,
            cases=cases,
            now_ms=now_ms,
            score=max([score, *stored[scored].tolist()]),
            basis="model" if by_model else "prior",
            model_version=model.version if by_model and model is not None else "none",
            policy=self._policy,
        )
        effects.warnings.append(warning)
        effects.counts[f"warning_{cause}"] += 1

    def _have_left(self, rows: Sequence[int]) -> bool:
        """Whether these are lines and none of them is with us any more."""
        return bool(rows) and not (self._state.lines["churned_ms"][list(rows)] == NEVER).any()

    def _subject(self, account_id: str, line_id: str | None) -> Case:
        """The case that a record speaks of: its line's, or its account's when it names no line."""
        if line_id is None:
            return self._state.accounts.case(self._state.accounts.add(account_id))
        return self._state.lines.case(self._state.line_row(line_id, account_id))

    def _rows(self, account_id: str, line_id: str | None) -> list[int]:
        if line_id is None:
            return self._state.rows_of_account(account_id)
        return [self._state.line_row(line_id, account_id)]
