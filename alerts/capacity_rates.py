"""How often calls reach people, and contacts keep them: learnt from dispositions, with a Beta prior from the policy. Pure.

The interval is that of the Beta posterior: `betaincinv`, the inverse of its distribution function.
"""

from collections.abc import Mapping
from typing import NamedTuple

from scipy.special import betaincinv

from alerts.capacity_counts import HITS, TRIES, reach_field, save_field
from alerts.capacity_policy import CapacityPolicy
from alerts.tasks import OUTBOUND


class Rate(NamedTuple):
    """A probability with its interval and the dispositions it rests on."""

    mean: float
    low: float
    high: float
    tries: int


class Rates:
    """What is known of reaching and saving.

    Args:
        counts: as `alerts.capacity_counts.learnt` counted them, by field name.
    """

    def __init__(self, policy: CapacityPolicy, counts: Mapping[str, int]) -> None:
        self._policy = policy
        self._counts = counts

    def reach(self, channel: str, hour: int) -> Rate:
        """Of a call of this channel (`manager`, `outbound`) at this hour of the customer's day."""
        priors = self._policy.reach.outbound if channel == OUTBOUND else self._policy.reach.manager
        return self._rate(reach_field(channel, hour), priors[hour])

    def save(self, group: str, segment: str) -> Rate:
        """Of a contact about this reason with a customer of this segment."""
        return self._rate(save_field(group, segment), self._policy.save_prior(group, segment))

    def mean_reach(self, channel: str, hour: int) -> float:
        """`reach` without its interval, which costs more than all the rest."""
        priors = self._policy.reach.outbound if channel == OUTBOUND else self._policy.reach.manager
        return self._mean(reach_field(channel, hour), priors[hour])

    def mean_save(self, group: str, segment: str) -> float:
        return self._mean(save_field(group, segment), self._policy.save_prior(group, segment))

    def _mean(self, field: str, prior: float) -> float:
        a, b = self._parameters(field, prior)
        return a / (a + b)

    def _rate(self, field: str, prior: float) -> Rate:
        a, b = self._parameters(field, prior)
        tail = (1 - self._policy.interval) / 2
        low, high = (float(betaincinv(a, b, share)) for share in (tail, 1 - tail))
        return Rate(a / (a + b), low, high, self._counts.get(f"{field}|{TRIES}", 0))

    def _parameters(self, field: str, prior: float) -> tuple[float, float]:
        hits = self._counts.get(f"{field}|{HITS}", 0)
        misses = self._counts.get(f"{field}|{TRIES}", 0) - hits
        weight = self._policy.prior_weight
        return prior * weight + hits, (1 - prior) * weight + misses
