"""When refusing goes on, stopping is better: a wrong topic or a broken producer must not empty itself into dead letters."""

from dataclasses import dataclass


@dataclass(slots=True)
class DeadLetterLimit:
    """Watches the share of refused records over stretches of at least `window_records` records.

    >>> limit = DeadLetterLimit(share_max=0.5, window_records=100)
    >>> limit.note(records=60, refused=59), limit.note(records=40, refused=1), limit.note(records=100, refused=51)
    (False, True, True)
    """

    share_max: float
    window_records: int
    _records: int = 0
    _refused: int = 0

    def note(self, records: int, refused: int) -> bool:
        """Count a block; True when the stretch that ends with it is over the limit."""
        self._records += records
        self._refused += refused
        if self._records < self.window_records:
            return False
        exceeded = self._refused > self.share_max * self._records
        self._records = self._refused = 0
        return exceeded
