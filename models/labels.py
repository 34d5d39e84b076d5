"""The label clock of one partition: feature snapshots wait here until what happened next is known.

Both classes wait until the horizon is over. Positives are known earlier, but learnt at once they bias the base rate and the
ranking (docs/adr/0010-labels-wait-for-the-horizon.md). A positive that is later taken back gives one more example
that corrects it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isnan

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.books import Book
from models.label_rules import (
    DAY_MS,
    Departure,
    LabelRules,
    Verdict,
    judge,
    refusal_of,
    was_taken_back,
)
from models.segments import Segments
from models.snapshots import Segment, as_float32, example_id, sampled, stable_hashes
from pipeline.events import ChurnKind, Example
from pipeline.ports import FloatMatrix


class Contact(msgspec.Struct, array_like=True):
    """A retention contact that reached the customer."""

    ts_ms: int


class Learnt(msgspec.Struct, array_like=True):
    """A positive example that went out and may still be taken back."""

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
        order = sorted(turn.tolist(), key=line_ids.__getitem__)
        self._segments.add(
            Segment(
                tick_ms,
                weight,
                tuple(line_ids[i] for i in order),
                tuple(account_ids[i] for i in order),
                as_float32(features[order]),
                self._schema,
            )
        )

    def churned(self, line_id: str, churn_ms: int, known_ms: int, kind: ChurnKind) -> None:
        """A line left at `churn_ms`; we learnt of it at `known_ms`. Repeated, old and future ones are counted."""
        departure = Departure(churn_ms, known_ms, kind)
        refusal = refusal_of(departure, self._departures.get(line_id), self._rules)
        if refusal is not None:
            self.counts[f"refused_{refusal}"] += 1
            return
        self._departures.add(line_id, departure)

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
        """Examples whose label is known by `tick_ms`, each once: by day, then line; corrections first."""
        examples = self._corrections(tick_ms)
        if not self._waits_for_silence or self._swept_ms == tick_ms:
            for segment in self._segments.due(tick_ms - self._rules.horizon_ms):
                examples.extend(self._release(segment, tick_ms))
        if tick_ms % DAY_MS == 0:
            self._forget(tick_ms)
        return examples

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
            quiet = np.flatnonzero(last_activity_ms < tick_ms - self._rules.quiet_ms)
            self._quiet = {line_ids[i] for i in quiet.tolist()}

    def _release(self, segment: Segment, tick_ms: int) -> list[Example]:
        may_wait = self._waits_for_silence and tick_ms < self._silence_wait_end(segment)
        examples, waiting = [], []
        for position, line_id in enumerate(segment.line_ids):
            verdict, known_ms = judge(segment.snapshot_ms, tick_ms, self._departures.get(line_id), self._rules)
            if verdict is Verdict.STAYED and may_wait and line_id in self._quiet:
                waiting.append(position)
                continue
            weight = segment.weight * self._treatment_weight(segment, position)
            if verdict is Verdict.LEFT_OUT or weight == 0.0:
                self.counts["left_out"] += 1
                continue
            if verdict is Verdict.STAYED and segment.waiting:
                known_ms = tick_ms
            examples.append(self._example(segment, position, verdict, known_ms, weight))
        self.counts["examples"] += len(examples)
        self._segments.replace(segment, segment.rows(waiting, waiting=True) if waiting else None)
        return examples

    def _silence_wait_end(self, segment: Segment) -> int:
        return segment.snapshot_ms + self._rules.horizon_ms + self._rules.silence_wait_ms

    def _example(self, segment: Segment, position: int, verdict: Verdict, known_ms: int, weight: float) -> Example:
        line_id, account_id = segment.line_ids[position], segment.account_ids[position]
        features = segment.features[position]
        if verdict is Verdict.CHURNED:
            kept = features.astype("<f4").tobytes()
            self._learnt.add(line_id, Learnt(segment.snapshot_ms, account_id, weight, kept, segment.feature_schema))
        return Example(
            example_id=example_id(line_id, segment.snapshot_ms, segment.feature_schema),
            line_id=line_id,
            account_id=account_id,
            snapshot_ms=segment.snapshot_ms,
            known_ms=known_ms,
            churned=verdict is Verdict.CHURNED,
            weight=weight,
            features=_json_numbers(features),
            feature_schema=segment.feature_schema,
        )

    def _treatment_weight(self, segment: Segment, position: int) -> float:
        start_ms = segment.snapshot_ms - self._rules.treated_after_ms
        end_ms = segment.snapshot_ms + self._rules.horizon_ms
        contacts = (
            *self._contacts.get(f"account:{segment.account_ids[position]}"),
            *self._contacts.get(f"line:{segment.line_ids[position]}"),
        )
        treated = any(start_ms < contact.ts_ms <= end_ms for contact in contacts)
        return self._rules.treated_weight if treated else 1.0

    def _corrections(self, tick_ms: int) -> list[Example]:
        """For each learnt positive whose churn was taken back, the same snapshot as a stayer that corrects it."""
        examples = []
        for line_id in sorted(self._takes_back):
            departures, still_churned = self._departures.get(line_id), []
            for learnt in self._learnt.get(line_id):
                if judge(learnt.snapshot_ms, tick_ms, departures, self._rules)[0] is Verdict.CHURNED:
                    still_churned.append(learnt)
                else:
                    examples.append(self._correction(line_id, learnt, departures[-1].returned_ms or tick_ms))
            self._learnt.put(line_id, still_churned)
        self.counts["corrected"] += len(examples)
        self._takes_back.clear()
        return examples

    def _correction(self, line_id: str, learnt: Learnt, known_ms: int) -> Example:
        original = example_id(line_id, learnt.snapshot_ms, learnt.feature_schema)
        return Example(
            example_id=f"{original}-corrected",
            line_id=line_id,
            account_id=learnt.account_id,
            snapshot_ms=learnt.snapshot_ms,
            known_ms=known_ms,
            churned=False,
            weight=learnt.weight,
            features=_json_numbers(np.frombuffer(learnt.features, "<f4")),
            feature_schema=learnt.feature_schema,
            corrects=original,
        )

    def _is_taken_back(self, line_id: str) -> bool:
        departures = self._departures.get(line_id)
        return bool(departures) and was_taken_back(departures[-1], self._rules)

    def _forget(self, tick_ms: int) -> None:
        """Drop what can no longer change a label."""
        rules = self._rules
        horizons_ms = rules.horizon_ms + rules.silence_final_ms
        self._departures.prune(lambda departure: departure.known_ms + horizons_ms >= tick_ms)
        self._learnt.prune(lambda learnt: learnt.snapshot_ms + horizons_ms >= tick_ms)
        kept_ms = rules.horizon_ms + rules.treated_after_ms + rules.silence_wait_ms
        self._contacts.prune(lambda contact: contact.ts_ms + kept_ms >= tick_ms)


def _json_numbers(features: NDArray[np.float32]) -> list[float | None]:
    """Floats for JSON, which has no NaN: a missing value is None."""
    return [None if isnan(number) else number for number in features.tolist()]
