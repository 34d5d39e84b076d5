"""Who talks to whom: every line has a circle of contacts, some of them our own lines from the same community."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.clock import generator
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.population import Population

OPERATORS = ("self", "fixed", "intl", "rival-a", "rival-b", "rival-c")
SELF, FIXED, INTL, FIRST_RIVAL = 0, 1, 2, 3
RIVALS = len(OPERATORS) - FIRST_RIVAL
COMMUNITY_LINES = 60
OUTSIDE_SHARES = (0.12, 0.05, 0.38, 0.28, 0.17)  # of contacts that are not ours: fixed, intl, three rivals


@dataclass(frozen=True, slots=True)
class Circles:
    """Contacts of all lines, flat: those of line i are first[i] to first[i + 1], the closest one first.

    `peer`: our own line, or -1 for somebody outside, whose number is then the position in this column and whose
    network is
    `outside`, an index of OPERATORS.
    """

    first: NDArray[np.int64]
    owner: NDArray[np.int64]
    peer: NDArray[np.int64]
    outside: NDArray[np.int8]

    def size(self) -> NDArray[np.int64]:
        """Contacts of each line, shape (n_lines,)."""
        return np.diff(self.first)


def build_circles(config: OperatorConfig, population: Population) -> Circles:
    """Draw the calling graph; busy lines have more contacts and are contacts of more others."""
    rng = generator(config.seed, "circles")
    n = population.n_lines
    rate = population.rate_per_day / config.activity
    size = 2 + rng.poisson(np.minimum(1.3 * np.sqrt(rate), 12))
    first = np.concatenate(([0], np.cumsum(size)))
    owner = np.repeat(np.arange(n), size)
    own_share = rng.beta(2.2, 2.6, n)
    is_own = rng.random(len(owner)) < own_share[owner]
    peer = np.where(is_own, _neighbours(rng, owner, rate), -1)
    peer[peer == owner] = -1
    outside = FIXED + rng.choice(len(OUTSIDE_SHARES), len(owner), p=OUTSIDE_SHARES)
    return Circles(first, owner, peer, outside.astype(np.int8))


def _neighbours(rng: np.random.Generator, owner: NDArray[np.int64], rate: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each contact one line of the owner's community, chosen in proportion to its activity."""
    total = np.concatenate(([0.0], np.cumsum(rate)))
    start = owner // COMMUNITY_LINES * COMMUNITY_LINES
    stop = np.minimum(start + COMMUNITY_LINES, len(rate))
    aim = total[start] + rng.random(len(owner)) * (total[stop] - total[start])
    return np.asarray(np.clip(np.searchsorted(total, aim, side="right") - 1, start, stop - 1))


def pick_contact(circles: Circles, line: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Position in the contact columns for each line; `chance` uniform in [0, 1). The closest contacts come up most
    often.
    """
    size = circles.first[line + 1] - circles.first[line]
    rank = np.floor(size * chance**3.2).astype(np.int64)
    return circles.first[line] + rank
