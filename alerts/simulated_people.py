"""How people answer a call, for the reference dialer and the demo: seeded, so that a run can be repeated.

The answer to a call depends on the seed and the call's key alone, not on who asks first. Where the synthetic operator knows a
customer's hidden type, it also depends on that and on the hour. The shares are assumptions of the demo, in the order of what
outbound teams report: about half are reached, and a third of those reached stay.
"""

from random import Random
from typing import NamedTuple

from alerts.tasks import OUTBOUND
from pipeline.events import Disposition, Level

CALL_SHARES: dict[Disposition, float] = {
    Disposition.NO_ANSWER: 0.26,
    Disposition.BUSY: 0.06,
    Disposition.MACHINE: 0.10,
    Disposition.BAD_NUMBER: 0.02,
    Disposition.DROPPED: 0.02,
    Disposition.DEAD_AIR: 0.01,
    Disposition.OPT_OUT: 0.02,
    Disposition.TRANSFERRED: 0.03,
    Disposition.REACHED_CALLBACK: 0.08,
    Disposition.REACHED_REFUSED: 0.22,
    Disposition.REACHED_SAVED: 0.18,
}
#: An account manager is known to the customer: most are reached, more of them stay.
MANAGER_SHARES: dict[Disposition, float] = {
    Disposition.NO_ANSWER: 0.10,
    Disposition.REACHED_CALLBACK: 0.10,
    Disposition.OPT_OUT: 0.01,
    Disposition.REACHED_REFUSED: 0.34,
    Disposition.REACHED_SAVED: 0.45,
}
#: Who is nearly gone is saved less often: a share of the saved refuses after all.
LATE_SHARE: dict[Level, float] = {Level.WATCH: 0.0, Level.WARN: 0.1, Level.CRITICAL: 0.4}


class Person(NamedTuple):
    """How one customer really is, where the synthetic operator knows it.

    `response_type`: persuadable (a contact keeps them), sure_thing (stay anyway), lost_cause (leave anyway), do_not_disturb (a
    contact pushes them out). `reach`: probability that a call reaches them, by local hour 0-23.
    """

    response_type: str
    reach: list[float]


#: What people of a type say once they are reached: stay, refuse, ask to be called back, opt out.
SAYS: dict[str, dict[Disposition, float]] = {
    "persuadable": {
        Disposition.REACHED_SAVED: 0.72,
        Disposition.REACHED_REFUSED: 0.16,
        Disposition.REACHED_CALLBACK: 0.12,
    },
    "sure_thing": {
        Disposition.REACHED_SAVED: 0.55,
        Disposition.REACHED_REFUSED: 0.30,
        Disposition.REACHED_CALLBACK: 0.15,
    },
    "lost_cause": {
        Disposition.REACHED_SAVED: 0.05,
        Disposition.REACHED_REFUSED: 0.90,
        Disposition.REACHED_CALLBACK: 0.05,
    },
    "do_not_disturb": {Disposition.REACHED_SAVED: 0.02, Disposition.REACHED_REFUSED: 0.68, Disposition.OPT_OUT: 0.30},
}
#: How calls end that reach nobody.
MISSED = {
    Disposition.NO_ANSWER: 0.62, Disposition.BUSY: 0.13, Disposition.MACHINE: 0.2, Disposition.BAD_NUMBER: 0.02,
    Disposition.DROPPED: 0.03,
}  # fmt: skip
#: A known manager is answered more often than an unknown number.
MANAGER_REACH = 1.6
REACH_MAX = 0.97


def answer_of(person: Person, channel: str, hour: int, level: Level, call: str, seed: int) -> Disposition:
    """How this call to this person at this local hour ends; the same for the same seed and call.

    >>> home = Person("persuadable", [0.0] * 24)
    >>> answer_of(home, "outbound", 12, Level.WARN, "t1:1", 7) in MISSED
    True
    """
    dice = Random(f"{seed}|{call}")
    reach = min(REACH_MAX, person.reach[hour] * (1.0 if channel == OUTBOUND else MANAGER_REACH))
    said = SAYS[person.response_type] if dice.random() < reach else MISSED
    (disposition,) = dice.choices(list(said), weights=list(said.values()))
    if disposition is Disposition.REACHED_SAVED and dice.random() < LATE_SHARE[level]:
        return Disposition.REACHED_REFUSED
    return disposition


def answer(shares: dict[Disposition, float], level: Level, call: str, seed: int) -> Disposition:
    """How this call ends.

    >>> answer(CALL_SHARES, Level.WARN, "t1:1", 7) is answer(CALL_SHARES, Level.WARN, "t1:1", 7)
    True
    """
    dice = Random(f"{seed}|{call}")
    (disposition,) = dice.choices(list(shares), weights=list(shares.values()))
    if disposition is Disposition.REACHED_SAVED and dice.random() < LATE_SHARE[level]:
        return Disposition.REACHED_REFUSED
    return disposition


def delay_ms(what: str, mean_ms: float, seed: int) -> int:
    """How long somebody takes over this: exponential around `mean_ms`, at most five times that."""
    return int(min(Random(f"{seed}|{what}").expovariate(1 / mean_ms), 5 * mean_ms))
