"""A worker that is behind and does not move: Faust's own detector of that never fires."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class StallWatch:
    """Tells when there is work and nothing has been done of it for `timeout_s`. Time is an argument.

    >>> watch = StallWatch(300.0)
    >>> watch.is_stalled(17, behind=True, now_s=0.0), watch.is_stalled(17, behind=True, now_s=299.0)
    (False, False)
    >>> watch.is_stalled(17, behind=True, now_s=300.0), watch.is_stalled(18, behind=True, now_s=301.0)
    (True, False)
    """

    timeout_s: float
    _mark: Hashable = None
    _since_s: float | None = None

    def is_stalled(self, mark: Hashable, *, behind: bool, now_s: float) -> bool:
        """Whether `mark`, which changes with every bit of progress, has stood still for too long while behind."""
        if not behind or mark != self._mark or self._since_s is None:
            self._mark, self._since_s = mark, now_s
        return now_s - self._since_s >= self.timeout_s
