"""Who did what, lately, and whether the log of all changes is whole. Pure but for a lock; fed by whoever reads the log."""

import heapq
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.chain import ChainBroken, check_next
from alerts.tasks import Purpose, TaskEvent, TaskEventKind

KEPT = 5000
BROKEN_KEPT = 100


@dataclass(frozen=True, slots=True)
class TrailState:
    """How far the log was read and verified. `behind`: events that were not read yet, None while nobody knows."""

    events: int
    accounts: int
    broken: list[str]
    behind: int | None


class AuditTrail:
    """Verifies every account's chain as it grows, and keeps the latest events; looks at pages, which are many, apart."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._heads: dict[str, tuple[int, str]] = {}
        self._latest: deque[TaskEvent] = deque(maxlen=kept)
        self._looks: deque[TaskEvent] = deque(maxlen=kept)
        self._looked = 0
        self._broken: list[str] = []
        self._events = 0
        self._behind: int | None = None

    def take(self, events: Iterable[TaskEvent], behind: int | None) -> None:
        """The next events of the log, in its order. Exact repeats are skipped; a break is kept and told for good."""
        with self._lock:
            for event in events:
                self._one(event)
            self._behind = behind

    def state(self) -> TrailState:
        """What is known now."""
        with self._lock:
            return TrailState(self._events, len(self._heads), list(self._broken), self._behind)

    def latest(self, who: str, account: str, limit: int) -> list[TaskEvent]:
        """The latest events first; `who` and `account` narrow to these where they are not empty."""
        with self._lock:
            both = heapq.merge(reversed(self._latest), reversed(self._looks), key=lambda event: -event.ts_ms)
            found = [
                event
                for event in both
                if (not who or event.actor == who) and (not account or event.account_id == account)
            ]
        return found[:limit]

    def made_between(self, since_ms: int, until_ms: int) -> int | None:
        """Tasks that warnings made from `since_ms` to `until_ms`; None where the trail does not reach back so far."""
        with self._lock:
            kept, looks = list(self._latest), self._looked
        if not kept or (self._events > len(kept) + looks and kept[0].ts_ms > since_ms):
            return None
        return sum(
            event.kind is TaskEventKind.CREATED
            and since_ms <= event.ts_ms <= until_ms
            and event.task is not None
            and event.task.purpose is Purpose.RETENTION
            for event in kept
        )

    def _one(self, event: TaskEvent) -> None:
        seq, prev_hash = self._heads.get(event.account_id, (0, ""))
        if event.seq == seq and event.hash == prev_hash:
            return
        try:
            check_next(event, seq, prev_hash)
        except ChainBroken as error:
            if len(self._broken) < BROKEN_KEPT:
                self._broken.append(str(error))
        self._heads[event.account_id] = (event.seq, event.hash)
        self._events += 1
        looked = event.kind is TaskEventKind.CUSTOMER_SEEN
        self._looked += looked
        (self._looks if looked else self._latest).append(event)
