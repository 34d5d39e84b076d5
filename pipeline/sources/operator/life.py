"""What changes about the lines from day to day: who is live, who fades or travels, who has left and where to."""

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.population import Population

NEVER_MS = 1 << 60
NO_DAY = -100_000


class LineState:
    """Columns over lines, shape (n_lines,).

    An episode is a stretch of other behaviour: from `start` the usage multiplier runs to `floor` within `ramp` days,
    stays
    until `until` and comes back within `recover` days. `shift` is the share of contacts that go to `rival` once it is
    fully there. `left_ms`: when the line left (NEVER_MS: not). `network`: whose number it is now (0: ours).
    """

    def __init__(self, population: Population) -> None:
        n = population.n_lines
        self.left_ms = np.full(n, NEVER_MS, np.int64)
        self.network = np.zeros(n, np.int8)
        self.last_activity_ms = np.full(n, -1, np.int64)
        self.decided = np.zeros(n, np.bool_)
        self.decided_day = np.full(n, NO_DAY, np.int32)
        self.cause = np.full(n, -1, np.int8)
        self.start = np.full(n, NO_DAY, np.int32)
        self.ramp = np.ones(n)
        self.floor = np.ones(n)
        self.until = np.full(n, NO_DAY, np.int32)
        self.recover = np.ones(n)
        self.shift = np.zeros(n)
        self.rival = np.zeros(n, np.int8)
        self.abroad = np.zeros(n, np.bool_)
        self.level = np.ones(n)  # lasting change: a downgrade that stays, usage taken over from another SIM
        self.fault_day = np.full(n, NO_DAY, np.int32)
        self.exposure = np.zeros(n)  # contacts that left lately, fading
        self.urge = np.ones(n)  # factor on the rate of decisions, after somebody spoke to them, until `urged_until`
        self.urged_until = np.full(n, NO_DAY, np.int32)

    def live(self, at_ms: int) -> NDArray[np.bool_]:
        """Lines that have not left by then."""
        return self.left_ms > at_ms

    def idle(self, day: int) -> NDArray[np.bool_]:
        """Lines without a decision or an episode: new ones may befall them."""
        return ~self.decided & (self.until + self.recover < day)

    def begin(
        self,
        line: int,
        day: int,
        *,
        ramp: float,
        floor: float,
        days: float,
        recover: float = 2.0,
        shift: float = 0.0,
        rival: int = 0,
    ) -> None:
        """Start an episode on a line; it replaces what was there."""
        self.start[line] = day
        self.ramp[line] = max(ramp, 0.5)
        self.floor[line] = floor
        self.until[line] = day + int(days)
        self.recover[line] = recover
        self.shift[line] = shift
        self.rival[line] = rival
        self.abroad[line] = False

    def progress(self, day: int) -> NDArray[np.float64]:
        """How far each line is into its episode, 0 to 1, going back to 0 after it."""
        rising = np.clip((day - self.start + 0.5) / self.ramp, 0, 1)
        falling = np.clip(1 - (day - self.until) / self.recover, 0, 1)
        return np.where(day < self.start, 0.0, np.minimum(rising, falling))

    def multiplier(self, progress: NDArray[np.float64]) -> NDArray[np.float64]:
        """Factor on the normal usage of each line."""
        return self.level * (1 - (1 - self.floor) * progress)

    def urges(self, day: int) -> NDArray[np.float64]:
        """Factor that contacts put on each line's rate to decide; 1 where nobody called."""
        return np.where(day < self.urged_until, self.urge, 1.0)

    def leave(self, line: int, at_ms: int, network: int) -> None:
        """The line is gone from this moment; its number now belongs to `network` (0: to nobody)."""
        self.left_ms[line] = at_ms
        self.network[line] = network
