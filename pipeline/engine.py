"""The engine of one partition: records in merge order in, warnings out. Pure: no I/O, no clock, no globals.

Hard signals are decided at their record, gradual ones and scores at ticks of stream time; never at the end of a block, so
that the sizes of fetches and restarts do not change what is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.apply_cdr import apply_cdr
from pipeline.batch import MergedBatch, in_turn
from pipeline.calm.crowd import FEEDS, UNKNOWN
from pipeline.calm.sample import heard_accounts, regions_of
from pipeline.calm.watch import watch_hour
from pipeline.columns import CdrColumns, ThinRecord
from pipeline.decide_records import RecordDecisions
from pipeline.decide_ticks import SweepObserver, TickDecisions
from pipeline.effects import Effects
from pipeline.events import STREAM_RANK, CareKind, CareRecord, CustomerRecord, Stream
from pipeline.kinds import RIVAL_PLACES, KindTable
from pipeline.live_rules import PolicyInUse
from pipeline.models_in_use import ModelsInUse
from pipeline.policy import SignalPolicy
from pipeline.ports import LabelKeeper, Scorer
from pipeline.resets import Resets
from pipeline.state.catalogue import QUANTITIES, RIVAL_HALF_LIVES
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import NO_CLOCK, PartitionState
from pipeline.warner import Warner

LATE_MS = 3_600_000
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Times by which the engine decides."""

    tick_ms: int = 3_600_000
    page_lines: int = 512

    def __post_init__(self) -> None:
        """Ticks must meet midnight, or no day would ever be swept."""
        if DAY_MS % self.tick_ms:
            raise ValueError(f"a tick of {self.tick_ms} ms does not divide a day: engine.tick_s must divide 86400")


class Engine:
    """One partition's state and decisions.

    Args:
        state: what is remembered; owned by the engine from here on.
        kinds: table of record kinds shared with the decoder of the same process.
        labels: keeper of feature snapshots until their label is known.
    """

    def __init__(
        self, state: PartitionState, policy: SignalPolicy, config: EngineConfig, kinds: KindTable, labels: LabelKeeper
    ) -> None:
        self.state = state
        self.config = config
        self.labels = labels
        self._kinds = kinds
        models = ModelsInUse()
        self._rules = rules = PolicyInUse(policy)
        self._begun = False
        warner = Warner(state, rules, models)
        self._ticks = TickDecisions(state, rules, labels, warner, models)
        self._records = RecordDecisions(state, rules, labels, warner)

    def use_model(self, scorer: Scorer, counts_from_ms: int) -> None:
        """Score with this model from the first tick at or after `counts_from_ms` on."""
        self._ticks.models.add(scorer, counts_from_ms)

    def use_policy(self, policy: SignalPolicy, counts_from_ms: int) -> None:
        """Decide by this policy from the first tick at or after `counts_from_ms` on; by the one before until then."""
        self._rules.add(policy, counts_from_ms)

    def observe_sweeps(self, observer: SweepObserver) -> None:
        """Tell the daily scores of all live lines to `observer`, which must not change anything."""
        self._ticks.on_sweep = observer

    def leave_out_views(self) -> None:
        """Nobody opens a customer's page of a replay: drawing them took a third of its sweeps, and more where many fall
        silent.
        """
        self._ticks.draws_views = False

    def advance(self, batch: MergedBatch, until_ms: int) -> Effects:
        """Take in a batch, all of it received before `until_ms`, and decide every tick up to `until_ms`.

        `batch` must follow in merge order what came before. A record that was received before the newest one taken in (an
        input that was not waited for, or that goes back in its own topic) counts as received with that one.
        """
        effects = Effects()
        batch = batch.not_before(self.state.newest_ms)
        if self.state.clock_ms == NO_CLOCK:
            self._start_clock(batch)
        if not self._begun and self.state.clock_ms != NO_CLOCK:
            self._rules.at(self.state.clock_ms)  # after a restart: what counted at the tick that was decided last
            self._begun = True
        cdr_at = thin_at = 0
        while self.state.clock_ms != NO_CLOCK and (midnight := self._next_midnight()) <= until_ms:
            cdr_stop, thin_stop = batch.before(cdr_at, thin_at, midnight)
            self._advance_day(batch.part((cdr_at, cdr_stop), (thin_at, thin_stop)), midnight, effects)
            cdr_at, thin_at = cdr_stop, thin_stop
        self._advance_day(batch.part((cdr_at, len(batch.cdr)), (thin_at, len(batch.thin))), until_ms, effects)
        return effects

    def _advance_day(self, batch: MergedBatch, until_ms: int, effects: Effects) -> None:
        """Records of at most a day and the ticks up to `until_ms`; duplicates are told apart for all of them at once."""
        newest_ms = max(self.state.newest_ms, _newest(batch))
        batch = self._without_duplicates(batch, effects)
        cdr_at = thin_at = 0
        while self.state.clock_ms != NO_CLOCK and (tick := self._next_tick()) <= until_ms:
            cdr_stop, thin_stop = batch.before(cdr_at, thin_at, tick)
            self._take(batch.part((cdr_at, cdr_stop), (thin_at, thin_stop)), effects)
            cdr_at, thin_at = cdr_stop, thin_stop
            self._decide_tick(tick, effects)
        self._take(batch.part((cdr_at, len(batch.cdr)), (thin_at, len(batch.thin))), effects)
        self.state.newest_ms = newest_ms

    def _start_clock(self, batch: MergedBatch) -> None:
        """Time begins with the first record that tells of something happening; reference data can be years old."""
        starts = [int(batch.cdr.received_ms[0])] if len(batch.cdr) else []
        starts += [item.received_ms for item in batch.thin if item.stream is not Stream.CUSTOMERS][:1]
        if starts:
            self.state.clock_ms = min(starts) // self.config.tick_ms * self.config.tick_ms
            self.state.landmark.ms = self.state.clock_ms

    def _next_midnight(self) -> int:
        return (self.state.clock_ms // DAY_MS + 1) * DAY_MS

    def _next_tick(self) -> int:
        return self.state.clock_ms + self.config.tick_ms

    def _decide_tick(self, tick_ms: int, effects: Effects) -> None:
        state = self.state
        state.clock_ms = tick_ms
        self._rules.at(tick_ms)
        touched = np.flatnonzero(state.lines["touched"])
        self._watch_crowd(tick_ms, touched, effects)
        state.lines["touched"][touched] = 0
        state.lines.touch(touched)
        warned_before = len(effects.warnings)
        if tick_ms % DAY_MS == 0:
            self._open_day(tick_ms)
            self._ticks.sweep(tick_ms, effects)
        elif len(touched):
            self._ticks.tick(touched, tick_ms, effects)
            self._ticks.publish_views_of(effects.warnings[warned_before:], tick_ms, effects)

    def _watch_crowd(self, tick_ms: int, touched: Rows, effects: Effects) -> None:
        """What everybody did since the last tick; an incident is a warning of its own, of no customer."""
        crowd, bits = self.state.crowd, self.state.lines["touched"][touched]
        seen = crowd.hour(heard_accounts(self.state, touched, bits))
        for incident in watch_hour(crowd, tick_ms, tick_ms - self.config.tick_ms, seen):
            effects.warnings.append(incident.warning(tick_ms))
            effects.counts[f"warning_crowd_{incident.cause()}"] += 1

    def _open_day(self, tick_ms: int) -> None:
        """Make room for tomorrow in the rings, forget ids of long ago, move the landmark when it is due."""
        state = self.state
        today = tick_ms // DAY_MS
        activity = state.lines["activity"]
        activity[:, (today + 1) % activity.shape[1]] = 0
        state.seen.expire(today)
        if state.landmark.due(tick_ms):
            factor = state.landmark.move(tick_ms)
            sums = state.lines["sums"]
            sums.reshape(len(sums), len(QUANTITIES), len(factor))[:] *= factor
            rivals = state.lines["rivals"]
            rivals.reshape(len(rivals), RIVAL_PLACES, len(RIVAL_HALF_LIVES))[:] *= factor[list(RIVAL_HALF_LIVES)]
        state.lines.touch_all()

    def _without_duplicates(self, batch: MergedBatch, effects: Effects) -> MergedBatch:
        """The records that come for the first time, marked with which of them are later parts of a session."""
        if not len(batch):
            return batch
        fresh_cdr, fresh_thin = self._first_time(batch)
        effects.counts["duplicates"] += int((~fresh_cdr).sum()) + int((~fresh_thin).sum())
        cdr = batch.cdr if fresh_cdr.all() else batch.cdr.rows(np.flatnonzero(fresh_cdr))
        thin = batch.thin if fresh_thin.all() else [batch.thin[place] for place in np.flatnonzero(fresh_thin).tolist()]
        return MergedBatch(self._session_starts_unmarked(cdr), thin)

    def _take(self, batch: MergedBatch, effects: Effects) -> None:
        if not len(batch):
            return
        warned_before = len(effects.warnings)
        for part in in_turn(batch, Resets(self.state, batch)):
            self._take_part(part, effects)
        self.state.newest_ms = max(self.state.newest_ms, _newest(batch))
        self._ticks.publish_views_of(effects.warnings[warned_before:], self.state.newest_ms, effects)

    def _take_part(self, batch: MergedBatch, effects: Effects) -> None:
        lines, hashes = self.state.lines, batch.cdr.line_hash
        rows = lines.row_of.rows_of(hashes)
        unknown = np.flatnonzero(rows < 0)
        self._take_thin(batch.thin, self._births(hashes[unknown], unknown), batch.cdr, effects)
        if len(unknown):
            rows[unknown] = lines.row_of.rows_of(hashes[unknown])
        if len(batch.cdr):
            self._take_cdr(batch.cdr, rows, effects)

    def _first_time(self, batch: MergedBatch) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which records come for the first time; customer records have no id and always count."""
        thin_hashes = np.array([_record_hash(item) for item in batch.thin], np.uint64)
        has_id = np.array([item.stream is not Stream.CUSTOMERS for item in batch.thin], bool)
        day = _newest(batch) // DAY_MS
        fresh = self.state.seen.first_time(np.concatenate([batch.cdr.record_hash, thin_hashes[has_id]]), day)
        fresh_thin = np.ones(len(batch.thin), bool)
        fresh_thin[has_id] = fresh[len(batch.cdr) :]
        return fresh[: len(batch.cdr)], fresh_thin

    def _births(self, hashes: NDArray[np.uint64], unknown: Rows) -> list[int]:
        """Of these places of records whose line is not known yet, with the lines' hashes, the first one of each line."""
        return [] if not len(unknown) else unknown[np.sort(np.unique(hashes, return_index=True)[1])].tolist()

    def _take_thin(self, thin: Sequence[ThinRecord], births: list[int], cdr: CdrColumns, effects: Effects) -> None:
        """Apply thin records; a line that a call record brings is created at its place in the merge order."""
        birth = 0
        for item in thin:
            key = (item.received_ms, STREAM_RANK[item.stream])
            while birth < len(births) and (int(cdr.received_ms[births[birth]]), STREAM_RANK[Stream.CDR]) < key:
                self._create(cdr, births[birth], effects)
                birth += 1
            self._records.decide(item.record, item.received_ms, effects)
            if item.stream in FEEDS:
                self._note_feed(item)
            effects.counts[f"records_{item.stream}"] += 1
        left = births[birth:]
        self.state.create_lines([cdr.line_ids[place] for place in left], [cdr.account_ids[place] for place in left])
        effects.counts["unknown_lines"] += len(left)

    def _note_feed(self, item: ThinRecord) -> None:
        row = self.state.accounts.row_of.get(item.record.account_id)
        region = UNKNOWN if row is None else int(self.state.accounts["region"][row])
        is_fault = isinstance(item.record, CareRecord) and item.record.kind is CareKind.FAULT
        self.state.crowd.note_feed(item.stream, region, fault=is_fault)

    def _create(self, cdr: CdrColumns, place: int, effects: Effects) -> None:
        self.state.line_row(cdr.line_ids[place], cdr.account_ids[place])
        effects.counts["unknown_lines"] += 1

    def _take_cdr(self, cdr: CdrColumns, rows: Rows, effects: Effects) -> None:
        apply_cdr(self.state, cdr, rows, self._kinds.facts[cdr.kind], cdr.session_hash == 0)
        effects.counts["records_cdr"] += len(cdr)
        late = np.flatnonzero(cdr.received_ms - cdr.ts_ms > LATE_MS)
        effects.counts["late"] += len(late)
        if len(late):
            self.state.crowd.note_late(regions_of(self.state, rows[late]))

    def _session_starts_unmarked(self, cdr: CdrColumns) -> CdrColumns:
        """`session_hash` is 0 but for records that are a later part of a session whose first part was counted."""
        parts = np.flatnonzero(cdr.session_hash)
        if not len(parts):
            return cdr
        later = cdr.session_hash.copy()
        day = int(cdr.received_ms[-1]) // DAY_MS
        later[parts[self.state.seen.first_time(cdr.session_hash[parts], day)]] = 0
        return replace(cdr, session_hash=later)


def _record_hash(item: ThinRecord) -> int:
    record = item.record
    if isinstance(record, CustomerRecord):
        return 0
    return xxhash.xxh3_64_intdigest(record.record_id.encode(), seed=1 + STREAM_RANK[item.stream])


def _newest(batch: MergedBatch) -> int:
    newest = [int(batch.cdr.received_ms[-1])] if len(batch.cdr) else []
    newest += [batch.thin[-1].received_ms] if batch.thin else []
    return max(newest, default=0)
