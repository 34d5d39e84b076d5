"""The reference dialer: lease, mark as begun, ring, tell. What rings is a port: simulated people, later a provider."""

from collections import Counter
from collections.abc import Callable

import structlog

from alerts.queue import CallQueue, Lease
from alerts.tasks import Refusal, Task
from pipeline.events import Disposition

LEASE_COUNT = 20

log = structlog.get_logger()

#: Rings the customer under the idempotency key `lease.call` and returns how it ended.
Ring = Callable[[Task, Lease], Disposition]


class Dialer:
    """One at a time: a call is begun in the store before it rings, and told to the store before the next.

    Attributes:
        rung: calls made, by how they ended.
        refused: calls not made, by why.
    """

    def __init__(self, queue: CallQueue, ring: Ring) -> None:
        self._queue = queue
        self._ring = ring
        self.rung: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def work(self, block_ms: int) -> int:
        """Deal with what is due, waiting up to `block_ms` when nothing is; returns the number of entries."""
        self._queue.move_due()
        leases = self._queue.lease(LEASE_COUNT, block_ms)
        for lease in leases:
            self._queue.heartbeat(lease)
            self._call(lease)
        return len(leases)

    def _call(self, lease: Lease) -> None:
        begun = self._queue.begin(lease)
        if isinstance(begun, Refusal):
            self.refused[begun.reason] += 1
            return
        disposition = self._ring(begun, lease)
        told = self._queue.finish(lease, disposition)
        self.rung[disposition] += 1
        if isinstance(told, Refusal):
            log.warning("disposition.refused", reason=told.reason)
