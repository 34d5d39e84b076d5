"""Decisions at a record: hard signals, bills, churn and its taking back."""

import math

import numpy as np

from pipeline.apply_money import apply_money, close_cycle
from pipeline.apply_records import (
    CHURN_ORDERS,
    apply_customer,
    apply_invoice,
    bills_of,
    keeps_recharges,
    note_fault,
)
from pipeline.customer_kinds import kind_codes
from pipeline.decide_hard import HardSignals
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
from pipeline.live_rules import PolicyInUse
from pipeline.ports import LabelKeeper
from pipeline.signals.registry import SPEND_DROP
from pipeline.signals.spend import recharge_drop, spend_drop, usage_fell
from pipeline.state.catalogue import NEVER
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.warner import Warner

DAY_S = DAY_MS // 1000
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

    def __init__(self, state: PartitionState, rules: PolicyInUse, labels: LabelKeeper, warner: Warner) -> None:
        self._state = state
        self._rules = rules
        self._labels = labels
        self._warner = warner
        self._hard = HardSignals(state, rules, warner)

    def decide(self, record: Record, received_ms: int, effects: Effects) -> None:
        """Take in one record that was received at `received_ms`."""
        if isinstance(record, CustomerRecord):
            apply_customer(self._state, record)
        elif isinstance(record, BillingRecord):
            self._billing(record, received_ms, effects)
        elif isinstance(record, OrderRecord):
            self._order(record, received_ms, effects)
        elif isinstance(record, CareRecord):
            note_fault(self._state, record, self._warner.rows(record.account_id, record.line_id))
            self._hard.take(record, received_ms, effects)
        elif isinstance(record, OutcomeRecord):
            self._outcome(record, received_ms, effects)

    def _order(self, record: OrderRecord, received_ms: int, effects: Effects) -> None:
        churn = CHURN_ORDERS.get(record.kind)
        if churn is not None:
            self._churned(record, record.ts_ms, received_ms, churn, effects)
        elif record.kind is OrderKind.RECONNECT:
            self._returned(record.account_id, record.line_id, record.ts_ms)
        else:
            self._hard.take(record, received_ms, effects)

    def _outcome(self, record: OutcomeRecord, received_ms: int, effects: Effects) -> None:
        if record.kind is OutcomeKind.CHURN:
            left_ms = record.churn_ms or record.ts_ms
            if left_ms > max(record.ts_ms, received_ms):
                effects.counts["label_refused_from_the_future"] += 1
                return
            self._churned(record, left_ms, received_ms, record.churn_kind or ChurnKind.TERMINATION, effects)
        elif record.kind is OutcomeKind.WIN_BACK:
            self._returned(record.account_id, record.line_id, record.ts_ms)
        elif record.kind is OutcomeKind.DISPOSITION and record.disposition in REACHED:
            self._labels.contacted(record.account_id, record.line_id, record.ts_ms)

    def _billing(self, record: BillingRecord, received_ms: int, effects: Effects) -> None:
        if record.kind is BillingKind.RECHARGE:
            apply_money(self._state, record)
            self._recharged(record, received_ms, effects)
        elif record.kind is not BillingKind.INVOICE:
            apply_money(self._state, record)
        else:
            rows = self._warner.rows(record.account_id, record.line_id)
            apply_invoice(self._state, record, rows)
            close_cycle(self._state, record.account_id)
            if rows:
                self._judge_spend(record, record.line_id, spend_drop(self._bills(record, rows)), received_ms, effects)

    def _recharged(self, record: BillingRecord, received_ms: int, effects: Effects) -> None:
        """Most recharges are no news, and make no case."""
        found, accounts = recharge_drop(*self._recharges(record.account_id)), self._state.accounts
        if found[0] >= self._rules.current.soft[SPEND_DROP].on or accounts.row_of[record.account_id] in accounts.cases:
            self._judge_spend(record, None, found, received_ms, effects)

    def _judge_spend(
        self,
        record: BillingRecord,
        line_id: str | None,
        found: tuple[float, dict[str, float]],
        received_ms: int,
        effects: Effects,
    ) -> None:
        """Begin, follow or end `spend_drop` of the line, or of the account."""
        rows = self._warner.rows(record.account_id, line_id)
        if not rows or self._warner.have_left(rows):
            return
        strength, evidence = found
        if strength > 0.0 and (self._state.lines["last_ms"][rows] > NEVER).any():
            evidence["usage_ratio"] = self._usage_ratio(record.account_id)
            strength *= usage_fell(evidence["usage_ratio"])
        policy = self._rules.current.soft[SPEND_DROP]
        subject = self._warner.subject(record.account_id, line_id)
        if strength >= policy.on and policy.enabled:
            level = policy.level(strength)
            account = self._state.accounts.add(record.account_id)
            told = bool(policy.told_of()[kind_codes(self._state.accounts, np.array([account]))[0]])
            if raise_episode(subject, SPEND_DROP, received_ms, strength, level, evidence, record.record_id, told=told):
                self._warner.warn(record.account_id, line_id, SPEND_DROP, received_ms, effects)
        elif strength < policy.off or not policy.enabled:
            end_episode(subject, SPEND_DROP)

    def _usage_ratio(self, account_id: str) -> float:
        """What the account used at the last sweep against usual, the crowd considered."""
        accounts = self._state.accounts
        return math.exp(float(accounts["usage_change"][accounts.add(account_id)]))

    def _bills(self, record: BillingRecord, rows: list[int]) -> list[float]:
        """The bills that this one is judged by: its line's, or the account's own."""
        if record.line_id is not None:
            return bills_of(self._state.lines, rows[0])
        return bills_of(self._state.accounts, self._state.accounts.add(record.account_id))

    def _recharges(self, account_id: str) -> tuple[list[float], list[float]]:
        """Days and amounts of the last recharges of an account without bills, oldest first."""
        accounts, row = self._state.accounts, self._state.accounts.add(account_id)
        if not keeps_recharges(accounts, row):
            return [], []
        known = accounts["bills_s"][row] != NEVER
        return (accounts["bills_s"][row][known] / DAY_S).tolist(), accounts["bills"][row][known].tolist()

    def _churned(
        self, record: OrderRecord | OutcomeRecord, churn_ms: int, received_ms: int, kind: ChurnKind, effects: Effects
    ) -> None:
        """A clock ahead of ours dates a leaving after its receipt: it is known when it has happened."""
        lines = self._state.lines
        if record.line_id is not None and record.line_id not in lines.row_of:
            effects.counts["label_refused_unknown_line"] += 1  # nothing can be learnt of it
        for row in self._warner.rows(record.account_id, record.line_id):
            if lines["churned_ms"][row] != NEVER:
                effects.counts["label_refused_same_event"] += 1
                continue
            lines["churned_ms"][row] = max(churn_ms, 1)
            lines["left_unwilling"][row] = kind is ChurnKind.INVOLUNTARY
            lines.drop_case(row)
            lines.touch(row)
            refusal = self._labels.churned(lines.ids[row], churn_ms, max(received_ms, churn_ms), kind)
            if refusal is not None:
                effects.counts[f"label_refused_{refusal}"] += 1

    def _returned(self, account_id: str, line_id: str | None, ts_ms: int) -> None:
        """A line is back. Within 30 days it never left; after that it is a new customer with nothing to compare with."""
        lines = self._state.lines
        for row in self._warner.rows(account_id, line_id):
            left = int(lines["churned_ms"][row])
            if left == NEVER or ts_ms < left:
                continue
            lines["churned_ms"][row] = NEVER
            if ts_ms - left > TAKE_BACK_MS:
                lines.begin_anew(row, keep=("account",))
            lines.touch(row)
            self._labels.returned(lines.ids[row], ts_ms)
