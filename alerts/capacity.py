"""The daily plan: whom to contact today, by whom, given everybody's day. Pure; the arithmetic is in `capacity_solver`.

Promised contacts come first (stars in danger, return visits that fall due), as many as there is room for; what room is left goes
to the highest expected gain. Between plans a contact is worth making now if it brings more than its owner's shadow price.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from alerts.capacity_policy import CapacityPolicy
from alerts.capacity_solver import Assignment, Options, assign
from alerts.policy import HOUR_MS

#: A promised contact beats any other, a star more of it any other promise.
PROMISE = 1000.0


class Hour(NamedTuple):
    """A moment from which a contact may be made, and how likely it reaches the customer then."""

    at_ms: int
    reach: float


class Option(NamedTuple):
    """One way to make a contact: by whom, at which hours of today, and its expected gain in the operator's currency.

    `gain` is that of the best hour.
    """

    owner: str
    hours: Sequence[Hour]
    gain: float


class Candidate(NamedTuple):
    """A task that could be contacted about today. `promise`: 0, or more for a contact that is promised."""

    task_id: str
    account_id: str
    options: Sequence[Option]
    promise: int = 0


class Planned(NamedTuple):
    """A candidate with the option taken, to be contacted from `at_ms` on."""

    candidate: Candidate
    option: Option
    at_ms: int


class Plan(NamedTuple):
    """`prices`: what one more contact of each owner would bring today. `gain` of all, `bound`: the most that was possible.

    `promised` contacts could be kept, `broken` promises could not: there was no room for them.
    """

    planned: list[Planned]
    prices: dict[str, float]
    gain: float
    bound: float
    promised: int
    broken: int


#: What a candidate's option counts in one stage of the plan.
Weigh = Callable[[Candidate, Option], float]


def daily_plan(candidates: Iterable[Candidate], room: Mapping[str, int], policy: CapacityPolicy) -> Plan:
    """The best use of everybody's day: of one account at most one contact, of each owner no more than its `room` today.

    The order of the candidates plays no part.
    """
    ordered = sorted((one for one in candidates if one.options), key=lambda one: (one.account_id, one.task_id))
    left = dict(room)
    promises = [one for one in ordered if one.promise]
    kept = _assigned(promises, left, lambda one, option: PROMISE * one.promise + option.gain)
    met = {planned.candidate.account_id for planned in kept.planned}
    for planned in kept.planned:
        left[planned.option.owner] -= 1
    shared = {owner: _share(room[owner], count, policy) for owner, count in left.items()}
    others = [one for one in ordered if one.account_id not in met]
    best = _assigned(others, shared, lambda _, option: option.gain)
    due = {one.account_id for one in promises}
    gain = sum(planned.option.gain for planned in [*kept.planned, *best.planned])
    bound = sum(planned.option.gain for planned in kept.planned) + best.assignment.bound
    taken = [(planned.candidate, planned.option) for planned in [*kept.planned, *best.planned]]
    return Plan(spread(taken, policy), best.prices, gain, bound, len(met), len(due - met))


def best_hour(option: Option) -> Hour:
    """Where a call is likeliest to reach the customer; of several the earliest."""
    return max(option.hours, key=lambda hour: (hour.reach, -hour.at_ms))


def spread(taken: Sequence[tuple[Candidate, Option]], policy: CapacityPolicy) -> list[Planned]:
    """An hour for each: nobody makes a whole day's contacts in the one hour that is best for all.

    Those of the highest gain choose first; where no hour of an owner has room left, the emptiest is taken.
    """
    full: Counter[tuple[str, int]] = Counter()
    found = []
    for candidate, option in sorted(taken, key=lambda pair: (-pair[1].gain, pair[0].task_id)):
        most = policy.channel(option.owner).contacts_per_hour
        free = [hour for hour in option.hours if full[option.owner, hour.at_ms // HOUR_MS] < most]
        emptiest = min(option.hours, key=lambda hour: (full[option.owner, hour.at_ms // HOUR_MS], hour.at_ms))
        hour = best_hour(option._replace(hours=free)) if free else emptiest
        full[option.owner, hour.at_ms // HOUR_MS] += 1
        found.append(Planned(candidate, option, hour.at_ms))
    return found


def worth_now(option: Option, promise: int, prices: Mapping[str, float]) -> bool:
    """Whether a contact that came up between two plans is worth its room today."""
    return promise > 0 or option.gain > prices.get(option.owner, 0.0)


def hour_price(owner: str, price: float, policy: CapacityPolicy) -> float:
    """What one more hour of this owner would bring, from what one more contact would."""
    return price * 60 / policy.channel(owner).minutes_per_contact


class _Taken(NamedTuple):
    candidate: Candidate
    option: Option


class _Assigned(NamedTuple):
    planned: list[_Taken]
    prices: dict[str, float]
    assignment: Assignment


def _share(room: int, left: int, policy: CapacityPolicy) -> int:
    """What of an owner's day the plan may still give out; at least one contact of a day that has any."""
    kept_back = room - max(1, int(room * policy.plan.share))
    return max(0, left - max(0, kept_back))


def _assigned(candidates: Sequence[Candidate], room: Mapping[str, int], weigh: Weigh) -> _Assigned:
    flat = [(one, option) for one in candidates for option in one.options if weigh(one, option) > 0]
    owners = sorted({option.owner for _, option in flat})
    accounts = {account: number for number, account in enumerate(dict.fromkeys(one.account_id for one, _ in flat))}
    place = {owner: number for number, owner in enumerate(owners)}
    options = Options(
        np.array([accounts[one.account_id] for one, _ in flat], dtype=np.int64),
        np.array([place[option.owner] for _, option in flat], dtype=np.int64),
        np.array([weigh(one, option) for one, option in flat], dtype=np.float64),
    )
    found = assign(options, np.array([max(0, room.get(owner, 0)) for owner in owners], dtype=np.int64))
    prices = {owner: float(found.prices[number]) for owner, number in place.items()}
    return _Assigned([_Taken(*flat[number]) for number in found.chosen], prices, found)
