"""The label clock of one partition: feature snapshots wait here until what happened next is known.

A leaver is told when its leaving is known, a stayer after 1 to 30 days, drawn by hash, if it is still there then. What is
known of the first days of all snapshots is thus learnt in the proportion in which it happened, and neither class comes
early (docs/adr/0061-stayers-are-told-after-a-drawn-time.md). A leaver that is taken back gives one more example that
corrects it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.books import Book
from models.label_rules import (
    DAY_MS,
    Departure,
    LabelRefusal,
    LabelRules,
    Verdict,
    judge,
    refusal_of,
    was_taken_back,
)
from models.segments import Segments
from models.snapshots import Segment, as_float32, example_id, proof_days, sampled, stable_hashes
from pipeline.events import ChurnKind, Example
from pipeline.ports import FloatMatrix
from pipeline.state.id_rows import picked


class Contact(msgspec.Struct, array_like=True):
    """A retention contact that reached the customer."""

    ts_ms: int


class Learnt(msgspec.Struct, array_like=True):
    """A positive example that went out and may still be taken back."""

    example_id: str
    snapshot_ms: int
    account_id: str
    weight: float
    features: bytes
    feature_schema: str


class DelayedLabels:
    """Implements `pipeline.ports.LabelKeeper`. `counts` tells refused labels and verdicts by name, for metrics."""

    def __init__(
        self, feature_schema: str, rules: LabelRules | None = None, *, waits_for_silence: bool = False
    ) -> None:
        """`waits_for_silence`: the caller gives `last_activity_ms` at every sweep, and quiet stayers wait for it."""
        self._schema = feature_schema
        self._rules = rules or LabelRules()
        self._waits_for_silence = waits_for_silence
        self._segments = Segments("labels/days")
        self._departures = Book("labels/departures", Departure)
        self._contacts = Book("labels/contacts", Contact)
        self._learnt = Book("labels/learnt", Learnt)
        self._quiet: set[str] = set()
        self._swept_ms = -1
        self._takes_back: set[str] = set()
        self._left: set[str] = set()
        self._proofs: dict[int, NDArray[np.int64]] = {}  # by snapshot; as quick to make again as to store
        self.counts: Counter[str] = Counter()

    def snapshot(
        self,
        tick_ms: int,
        line_ids: Sequence[str],
        account_ids: Sequence[str],
        features: FloatMatrix,
        last_activity_ms: NDArray[np.int64] | None = None,
    ) -> None:
        """Offer these live lines at a daily sweep (`features`: (n_lines, n_features), NaN = missing); a sample is kept.

        The same lines have their turn every `snapshot_every_days`, staggered by a hash of the line.
        """
        self._note_quiet_lines(tick_ms, line_ids, last_activity_ms)
        rules = self._rules
        hashes = stable_hashes(line_ids)
        turn, weight = sampled(hashes, tick_ms // DAY_MS, rules.snapshot_every_days, rules.rows_per_day_max)
        if len(turn) == 0:
            return
        chosen = dict(zip(picked(line_ids, turn.tolist()), turn.tolist(), strict=True))
        ids = sorted(chosen)
        order = [chosen[line_id] for line_id in ids]
        self._segments.add(
            Segment(
                tick_ms,
                weight,
                tuple(ids),
                tuple(picked(account_ids, order)),
                as_float32(features[order]),
                self._schema,
            )
        )

    def passed_over(self, tick_ms: int, line_ids: Sequence[str], last_activity_ms: NDArray[np.int64]) -> None:
        """Live lines that this sweep did not offer (after `snapshot`): the quiet ones among them wait all the same."""
        self._quiet |= self._quiet_of(tick_ms, line_ids, last_activity_ms)

    def churned(self, line_id: str, churn_ms: int, known_ms: int, kind: ChurnKind) -> LabelRefusal | None:
        """A line left at `churn_ms`; we learnt of it at `known_ms`. Repeated, old and future ones are counted."""
        departure = Departure(churn_ms, known_ms, kind)
        refusal = refusal_of(departure, self._departures.get(line_id), self._rules)
        if refusal is not None:
            self.counts[f"refused_{refusal}"] += 1
            return refusal
        self._departures.add(line_id, departure)
        self._left.add(line_id)
        return None

    def returned(self, line_id: str, ts_ms: int) -> None:
        """A reconnect, win-back or, after a silence, new activity."""
        departures = list(self._departures.get(line_id))
        if not departures or departures[-1].returned_ms is not None or ts_ms < departures[-1].churn_ms:
            return
        departures[-1] = msgspec.structs.replace(departures[-1], returned_ms=ts_ms)
        self._departures.put(line_id, departures)
        if was_taken_back(departures[-1], self._rules) and self._learnt.get(line_id):
            self._takes_back.add(line_id)

    def contacted(self, account_id: str, line_id: str | None, ts_ms: int) -> None:
        """A retention contact reached this account, or one line of it; its examples count for less from now on."""
        self._contacts.add(f"account:{account_id}" if line_id is None else f"line:{line_id}", Contact(ts_ms))

    def due(self, tick_ms: int) -> list[Example]:
        """Examples whose label is known by `tick_ms`, each once, shuffled by the hash that their id is: the learner's guard
        sees no run of leavers before the day's stayers.
        """
        examples = self._corrections(tick_ms) + self._leavers(tick_ms)
        if not self._waits_for_silence or self._swept_ms == tick_ms:
            for segment in self._segments:
                examples.extend(self._stayers(segment, tick_ms))
                self._close(segment, tick_ms)
        if tick_ms % DAY_MS == 0:
            self._forget(tick_ms)
        self.counts["examples"] += len(examples)
        return sorted(examples, key=attrgetter("example_id"))

    def changed_pages(self) -> Mapping[str, bytes | None]:
        """Pages changed since the last call; a day's snapshots are written once."""
        return {
            **self._segments.changed_pages(),
            **self._departures.changed_pages(),
            **self._contacts.changed_pages(),
            **self._learnt.changed_pages(),
        }

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back all pages after a restart.

        Raises:
            msgspec.DecodeError: a page is not ours.
        """
        for name in sorted(pages):
            kind = name.split("/")[1]
            if kind != "days":
                books: dict[str, Book[Departure] | Book[Contact] | Book[Learnt]] = {
                    "departures": self._departures,
                    "contacts": self._contacts,
                    "learnt": self._learnt,
                }
                books[kind].restore(name, pages[name])
        self._segments.restore(pages)
        self._takes_back = {line_id for line_id, _ in self._learnt.items() if self._is_taken_back(line_id)}
        self._left = {line_id for line_id, _ in self._departures.items()}

    def __len__(self) -> int:
        """Snapshots that wait for their label."""
        return len(self._segments)

    def _note_quiet_lines(
        self, tick_ms: int, line_ids: Sequence[str], last_activity_ms: NDArray[np.int64] | None
    ) -> None:
        if self._waits_for_silence and last_activity_ms is None:
            raise ValueError("this keeper waits for silence: give last_activity_ms at every sweep")
        self._swept_ms = tick_ms
        if last_activity_ms is not None:
            self._quiet = self._quiet_of(tick_ms, line_ids, last_activity_ms)

    def _quiet_of(self, tick_ms: int, line_ids: Sequence[str], last_activity_ms: NDArray[np.int64]) -> set[str]:
        quiet = np.flatnonzero(last_activity_ms < tick_ms - self._rules.quiet_ms)
        return set(picked(line_ids, quiet.tolist()))

    def _stayers(self, segment: Segment, tick_ms: int) -> list[Example]:
        """Lines of a segment whose drawn time has passed and that were there then; a quiet one waits for a sign of life."""
        proof_ms = segment.snapshot_ms + DAY_MS * self._proof_days(segment)
        may_wait = self._may_wait(segment, tick_ms)
        examples, told = [], []
        positions = np.flatnonzero((proof_ms <= tick_ms) & ~self._segments.told(segment))
        numbers = _json_rows(segment.features[positions])
        for place, position in enumerate(positions.tolist()):
            line_id, until_ms = segment.line_ids[position], int(proof_ms[position])
            departures = self._departures.get(line_id)
            if may_wait and line_id in self._quiet and not departures:
                continue
            verdict, _ = judge(segment.snapshot_ms, until_ms, tick_ms, departures, self._rules)
            told.append(position)
            weight = segment.weight * self._treatment_weight(segment, position, until_ms)
            if verdict is Verdict.STAYED and weight > 0.0:
                examples.append(self._example(segment, position, tick_ms, weight, None, numbers[place]))
            elif verdict is not Verdict.CHURNED:
                self.counts["left_out"] += 1
        self._segments.tell(segment, told)
        return examples

    def _proof_days(self, segment: Segment) -> NDArray[np.int64]:
        known = self._proofs.get(segment.snapshot_ms)
        if known is None or len(known) != len(segment.line_ids):
            day, horizon_days = segment.snapshot_ms // DAY_MS, self._rules.horizon_ms // DAY_MS
            known = self._proofs[segment.snapshot_ms] = proof_days(stable_hashes(segment.line_ids), day, horizon_days)
        return known

    def _leavers(self, tick_ms: int) -> list[Example]:
        """The snapshots of lines whose leaving was told since the last time."""
        examples, later = [], set()
        for line_id in sorted(self._left):
            departures = self._departures.get(line_id)
            if any(departure.known_ms > tick_ms for departure in departures):
                later.add(line_id)
            told = {learnt.snapshot_ms for learnt in self._learnt.get(line_id)}
            for segment, position in self._segments.rows_of(line_id):
                end_ms = segment.snapshot_ms + self._rules.horizon_ms
                verdict, departure = judge(segment.snapshot_ms, end_ms, tick_ms, departures, self._rules)
                if verdict is not Verdict.CHURNED or departure is None or segment.snapshot_ms in told:
                    continue
                weight = segment.weight * self._treatment_weight(segment, position, departure.churn_ms)
                if departure.kind is ChurnKind.SILENCE:
                    weight *= self._rules.silence_weight
                if weight > 0.0:
                    [numbers] = _json_rows(segment.features[[position]])
                    examples.append(self._example(segment, position, departure.known_ms, weight, departure, numbers))
                else:
                    self.counts["left_out"] += 1
        self._left = later
        return examples

    def _close(self, segment: Segment, tick_ms: int) -> None:
        """Let go of the rows that nothing more can come of: the horizon is over, and they are not quiet."""
        if tick_ms < segment.snapshot_ms + self._rules.horizon_ms:
            return
        waits = self._quiet if self._may_wait(segment, tick_ms) else ()
        departed = self._departures
        self._segments.keep(
            segment,
            [at for at, line_id in enumerate(segment.line_ids) if line_id in waits and not departed.get(line_id)],
        )

    def _may_wait(self, segment: Segment, tick_ms: int) -> bool:
        end_ms = segment.snapshot_ms + self._rules.horizon_ms + self._rules.silence_wait_ms
        return self._waits_for_silence and tick_ms < end_ms

    def _example(
        self,
        segment: Segment,
        position: int,
        known_ms: int,
        weight: float,
        departure: Departure | None,
        numbers: list[float | None],
    ) -> Example:
        line_id, account_id = segment.line_ids[position], segment.account_ids[position]
        told_id = example_id(line_id, segment.snapshot_ms, segment.feature_schema)
        if departure is not None:
            told_id = f"{told_id}-{departure.churn_ms}"
            kept = segment.features[position].astype("<f4").tobytes()
            self._learnt.add(
                line_id, Learnt(told_id, segment.snapshot_ms, account_id, weight, kept, segment.feature_schema)
            )
        return Example(
            example_id=told_id,
            line_id=line_id,
            account_id=account_id,
            snapshot_ms=segment.snapshot_ms,
            known_ms=known_ms,
            churned=departure is not None,
            weight=weight,
            features=numbers,
            feature_schema=segment.feature_schema,
        )

    def _treatment_weight(self, segment: Segment, position: int, until_ms: int) -> float:
        start_ms = segment.snapshot_ms - self._rules.treated_after_ms
        contacts = (
            *self._contacts.get(f"account:{segment.account_ids[position]}"),
            *self._contacts.get(f"line:{segment.line_ids[position]}"),
        )
        treated = any(start_ms < contact.ts_ms <= until_ms for contact in contacts)
        return self._rules.treated_weight if treated else 1.0

    def _corrections(self, tick_ms: int) -> list[Example]:
        """For each learnt positive whose churn was taken back, the same snapshot as a stayer that corrects it."""
        examples = []
        for line_id in sorted(self._takes_back):
            departures, still_churned = self._departures.get(line_id), []
            for learnt in self._learnt.get(line_id):
                end_ms = learnt.snapshot_ms + self._rules.horizon_ms
                if judge(learnt.snapshot_ms, end_ms, tick_ms, departures, self._rules)[0] is Verdict.CHURNED:
                    still_churned.append(learnt)
                else:
                    examples.append(self._correction(line_id, learnt, departures[-1].returned_ms or tick_ms))
            self._learnt.put(line_id, still_churned)
        self.counts["corrected"] += len(examples)
        self._takes_back.clear()
        return examples

    def _correction(self, line_id: str, learnt: Learnt, known_ms: int) -> Example:
        return Example(
            example_id=f"{learnt.example_id}-corrected",
            line_id=line_id,
            account_id=learnt.account_id,
            snapshot_ms=learnt.snapshot_ms,
            known_ms=known_ms,
            churned=False,
            weight=learnt.weight,
            features=_json_rows(np.frombuffer(learnt.features, "<f4")[None, :])[0],
            feature_schema=learnt.feature_schema,
            corrects=learnt.example_id,
        )

    def _is_taken_back(self, line_id: str) -> bool:
        departures = self._departures.get(line_id)
        return bool(departures) and was_taken_back(departures[-1], self._rules)

    def _forget(self, tick_ms: int) -> None:
        """Drop what can no longer change a label."""
        rules = self._rules
        self._proofs = {segment.snapshot_ms: self._proof_days(segment) for segment in self._segments}
        horizons_ms = rules.horizon_ms + rules.silence_final_ms
        self._departures.prune(lambda departure: departure.known_ms + horizons_ms >= tick_ms)
        self._learnt.prune(lambda learnt: learnt.snapshot_ms + horizons_ms >= tick_ms)
        kept_ms = rules.horizon_ms + rules.treated_after_ms + rules.silence_wait_ms
        self._contacts.prune(lambda contact: contact.ts_ms + kept_ms >= tick_ms)


def _json_rows(features: NDArray[np.float32]) -> list[list[float | None]]:
    """Rows of floats for JSON, which has no NaN: a missing value is None."""
    rows: list[list[float | None]] = features.tolist()
    for row, column in np.argwhere(np.isnan(features)).tolist():
        rows[row][column] = None
    return rows
