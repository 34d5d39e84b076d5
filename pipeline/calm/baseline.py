"""How much is usually heard of in an hour: learnt online for each channel by hour of the week, robust.

A channel is what stands or falls together: a region, a feed. Its cells are what is counted in it: accounts by segment and
service. A mean by hour of the week forgets by 15 % a visit; before an hour of the week was seen twice nothing is expected.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.rest_days import HOURS_OF_WEEK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What a visit a week ago counts for against today's.
KEPT_A_WEEK = 0.85
VISITS_NEEDED = 2
#: An hour busier than this many times its expectation is learnt as that: late records come in bursts.
BUSIEST = 2.0
SLACK = 5.0


@dataclass(slots=True)
class Baseline:
    """`total` (168, n_channels, n_cells), `weight` and `visits` (168, n_channels); channels are added as they appear."""

    total: NDArray[np.float32]
    weight: NDArray[np.float32]
    visits: NDArray[np.uint8]

    @classmethod
    def empty(cls, cells: int, channels: int = 0) -> "Baseline":
        """That has seen nothing."""
        shape = (HOURS_OF_WEEK, channels)
        return cls(np.zeros((*shape, cells), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.uint8))

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.weight.shape[1])

    def widen(self, channels: int) -> None:
        """Make room for so many channels."""
        more = channels - self.channels
        if more > 0:
            self.total, self.weight, self.visits = (
                np.concatenate([part, np.zeros((HOURS_OF_WEEK, more, *part.shape[2:]), part.dtype)], axis=1)
                for part in (self.total, self.weight, self.visits)
            )

    def expected(self, hours: Ints) -> Floats:
        """What is expected of each channel's cells in its hour of the week, shape (n_channels, n_cells); NaN: not known yet."""
        channels = np.arange(self.channels)
        weight = np.where(self.visits[hours, channels] >= VISITS_NEEDED, self.weight[hours, channels], np.nan)
        result: Floats = self.total[hours, channels].astype(np.float64) / weight[:, None]
        return result

    def learn(self, hours: Ints, seen: Floats, usable: NDArray[np.bool_]) -> None:
        """Take in what was seen in this hour, (n_channels, n_cells), of the channels that are `usable` (no incident)."""
        channels = np.flatnonzero(usable)
        highest = BUSIEST * self.expected(hours) + SLACK
        rows, counted = hours[channels], np.fmin(seen, highest)[channels]  # where nothing is expected yet, all counts
        self.total[rows, channels] = self.total[rows, channels] * KEPT_A_WEEK + counted
        self.weight[rows, channels] = self.weight[rows, channels] * KEPT_A_WEEK + 1.0
        self.visits[rows, channels] = np.minimum(self.visits[rows, channels], 254) + 1

    def forget(self, channels: Ints) -> None:
        """Begin anew: what was unusual has become usual."""
        for part in (self.total, self.weight, self.visits):
            part[:, channels] = 0
