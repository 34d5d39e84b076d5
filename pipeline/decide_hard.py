"""Hard signals: orders and care records that warn at once, and what time alone does to them at the daily sweep."""

from collections.abc import Iterable, Sequence

from pipeline.effects import Effects
from pipeline.episodes import end_episode, raise_episode
from pipeline.events import CareRecord, OrderRecord
from pipeline.live_rules import PolicyInUse
from pipeline.policy import HardPolicy, SignalPolicy
from pipeline.signals import ladder
from pipeline.signals.cases import (
    evidence_of,
    keep_promise,
    note_event,
    note_promise,
    outlived,
    standing,
    strengths_at,
)
from pipeline.state.cases import Case, HardEvent, Position
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.state.table import ColumnTable
from pipeline.warner import Warner


class HardSignals:
    """Decides the hard signals of one partition."""

    def __init__(self, state: PartitionState, rules: PolicyInUse, warner: Warner) -> None:
        self._state = state
        self._rules = rules
        self._warner = warner
        self._starts = rules.current.starts()
        self._ends = rules.current.ends()

    @property
    def _policy(self) -> SignalPolicy:
        return self._rules.current

    def take(self, record: OrderRecord | CareRecord, received_ms: int, effects: Effects) -> None:
        """Take in one record that was received at `received_ms`."""
        warner = self._warner
        rows = warner.rows(record.account_id, record.line_id)
        subject = warner.subject(record.account_id, record.line_id)
        self._end_by(record, [subject, *self._cases_of(rows)])
        signal = self._starts.get(record.kind)
        if signal is None or warner.have_left(rows):
            return
        policy = self._policy.hard[signal]
        if _says_nothing(record, policy):
            return
        if policy.waits and isinstance(record, OrderRecord):
            note_promise(subject, signal, policy, record)
            return
        event = note_event(subject, signal, policy, record)
        if isinstance(record, OrderRecord) and not self._climbs(subject, signal, record):
            return
        strength = policy.strength_of(event.count, event.severity, 0.0, event.points)
        if self._raise(subject, signal, received_ms, strength, record.account_id, record.record_id):
            warner.warn(record.account_id, record.line_id, signal, received_ms, effects)

    def sweep(self, now_ms: int, effects: Effects) -> None:
        """What time alone does: codes lapse, promised days pass, open matters age, old ones end."""
        for table in (self._state.lines, self._state.accounts):
            for row in sorted(table.cases):
                case = table.cases[row]
                if case.hard or case.ladder is not None:
                    self._sweep_case(table, row, now_ms, effects)
                if case.is_empty():
                    table.drop_case(row)

    def _sweep_case(self, table: ColumnTable, row: int, now_ms: int, effects: Effects) -> None:
        case, hard = table.case(row), self._policy.hard
        strengths = strengths_at(case, now_ms, hard)
        for name in outlived(strengths):
            del case.hard[name]
            end_episode(case, name)
        began = self._lapsed_code(case, now_ms)
        case.ladder = self._standing_position(case)
        for name, strength in standing(strengths_at(case, now_ms, hard) if began else strengths).items():
            policy = hard[name]
            if not policy.enabled:
                end_episode(case, name)
            elif policy.waits or policy.per_open_day or name == began:
                account_id, line_id = self._ids(table, row)
                if self._raise(case, name, now_ms, strength, account_id, ""):
                    self._warner.warn(account_id, line_id, name, now_ms, effects)
            elif name in case.episodes:
                case.episodes[name].strength = strength

    def _raise(self, case: Case, signal: str, now_ms: int, strength: float, account_id: str, started_by: str) -> bool:
        """Note that the signal is on, with its numbers and its countdown; returns whether it deserves a warning."""
        policy, event = self._policy.hard[signal], case.hard[signal]
        if not policy.enabled:
            end_episode(case, signal)
            return False
        evidence = evidence_of(event, policy, now_ms)
        if (height := self._policy.ladder.height(signal)) > 0:
            evidence["rung"] = float(height)
        level = policy.level_of(strength)
        began = raise_episode(case, signal, now_ms, strength, level, evidence, started_by, told=not policy.out)
        case.episodes[signal].until_ms = self._until_ms(case, signal, event, account_id)
        return began

    def _until_ms(self, case: Case, signal: str, event: HardEvent, account_id: str) -> int:
        """End of the time to act: the rung's clock, the day that the customer named, or the policy's days."""
        policy, pack = self._policy.hard[signal], self._policy.ladder
        if pack.height(signal):
            accounts = self._state.accounts
            since = int(accounts["tenure_start_ms"][accounts.add(account_id)])
            on_it = case.ladder is not None and case.ladder.rung == signal
            position = case.ladder if on_it and case.ladder is not None else Position(signal, event.last_ms)
            return ladder.time_is_up_ms(position, policy.days_left, pack.may_port_from_ms(since))
        return event.expires_ms or event.last_ms + round(policy.days_left * DAY_MS)

    def _climbs(self, subject: Case, signal: str, record: OrderRecord) -> bool:
        """Whether this record says something new of the ladder, or has nothing to do with it."""
        pack = self._policy.ladder
        if not pack.height(signal):
            return True
        move = ladder.climb(subject.ladder, signal, record.ts_ms, record.expires_ms or 0, pack)
        subject.ladder = move.position
        for rung in move.ended:
            end_episode(subject, rung)
        return move.moved

    def _end_by(self, record: OrderRecord | CareRecord, cases: Sequence[Case]) -> None:
        """Signals that this record ends; a record of the account ends them on its lines as well."""
        for name in self._ends.get(record.kind, ()):
            policy = self._policy.hard[name]
            if isinstance(record, CareRecord) and _falls_short(record, policy):
                continue
            for case in cases:
                if isinstance(record, OrderRecord) and policy.waits and not keep_promise(case, name, record):
                    continue
                case.hard.pop(name, None)
                end_episode(case, name)
        if record.kind == ladder.RENEWAL:
            for case in cases:
                self._step_off(case, record.ts_ms)

    def _step_off(self, case: Case, ts_ms: int) -> None:
        move = ladder.step_off(case.ladder, ts_ms, self._policy.ladder)
        case.ladder = move.position
        for rung in move.ended:
            if rung in case.hard and case.hard[rung].last_ms <= ts_ms:
                del case.hard[rung]
                end_episode(case, rung)

    def _lapsed_code(self, case: Case, now_ms: int) -> str:
        """The rung to which a code that ran out takes its line; empty where none did."""
        move = ladder.lapse(case.ladder, now_ms)
        if not move.moved or move.position is None or ladder.LAPSED not in self._policy.hard:
            return ""
        case.ladder = move.position
        case.hard[ladder.LAPSED] = HardEvent(move.position.since_ms, move.position.since_ms)
        for rung in move.ended:
            end_episode(case, rung)
        return ladder.LAPSED

    def _standing_position(self, case: Case) -> Position | None:
        """Where the line stands now that some rungs may be over: on its rung, or the highest that stands."""
        if case.ladder is None or case.ladder.rung in case.hard:
            return case.ladder
        pack = self._policy.ladder
        left = [rung for rung in case.hard if pack.height(rung) and rung not in ladder.EXCLUSIVE]
        highest = max(left, key=pack.height, default=None)
        return None if highest is None else Position(highest, case.hard[highest].last_ms)

    def _cases_of(self, rows: Iterable[int]) -> list[Case]:
        lines = self._state.lines
        return [lines.case(row) for row in rows if row in lines.cases]

    def _ids(self, table: ColumnTable, row: int) -> tuple[str, str | None]:
        state = self._state
        if table is state.accounts:
            return state.accounts.ids[row], None
        return state.accounts.ids[int(state.lines["account"][row])], state.lines.ids[row]


def _says_nothing(record: OrderRecord | CareRecord, policy: HardPolicy) -> bool:
    """A benign reason, or a satisfaction that is no dissatisfaction."""
    if isinstance(record, OrderRecord):
        return record.reason in policy.not_for_reasons
    return policy.score_below is not None and (record.score is None or record.score >= policy.score_below)


def _falls_short(record: CareRecord, policy: HardPolicy) -> bool:
    """A satisfaction score that is not good enough to end a signal."""
    return policy.eased_by_score is not None and (record.score is None or record.score < policy.eased_by_score)
