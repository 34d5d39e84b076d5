"""The reference dialer: lease, mark as begun, ring, tell. What rings is a port (alerts/dialers/port.py)."""

from collections import Counter
from collections.abc import Callable

import structlog

from alerts.dialers.port import HandedOver, Ring
from alerts.policy import DAY_MS
from alerts.queue import CallQueue, Lease
from alerts.tasks import Refusal

LEASE_COUNT = 20
HANDED_OVER = "handed_over"

log = structlog.get_logger()


class Dialer:
    """One at a time: a call is begun in the store before it rings, and told to the store before the next.

    Args:
        ready: whether what rings can be asked now; while it cannot, nothing is leased.
        patience_ms: a call that was handed over and of which nobody tells the end within this counts as lost.

    Attributes:
        rung: calls made, by how they ended, or `handed_over`.
        refused: calls not made, by why.
    """

    def __init__(
        self, queue: CallQueue, ring: Ring, ready: Callable[[], bool] = lambda: True, patience_ms: int = DAY_MS
    ) -> None:
        self._queue = queue
        self._ring = ring
        self._ready = ready
        self._patience_ms = patience_ms
        self.rung: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def work(self, block_ms: int) -> int:
        """Deal with what is due, waiting up to `block_ms` when nothing is; returns the number of entries."""
        if not self._ready():
            return 0
        self._queue.move_due()
        leases = self._queue.lease(LEASE_COUNT, block_ms)
        for lease in leases:
            if not self._ready():
                break
            self._queue.heartbeat(lease)
            self._call(lease)
        return len(leases)

    def _call(self, lease: Lease) -> None:
        begun = self._queue.begin(lease)
        if isinstance(begun, Refusal):
            self.refused[begun.reason] += 1
            return
        answer = self._ring(begun, lease)
        if isinstance(answer, HandedOver):
            self._queue.hand_over(lease, self._patience_ms)
            self.rung[HANDED_OVER] += 1
            return
        told = self._queue.finish(lease, answer)
        self.rung[answer] += 1
        if isinstance(told, Refusal):
            log.warning("disposition.refused", reason=told.reason)
