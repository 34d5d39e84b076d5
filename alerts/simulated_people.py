"""How people answer a call, for the reference dialer and the demo: seeded, so that a run can be repeated.

The answer to a call depends on the seed and the call's key alone, not on who asks first. The shares are assumptions of
the demo, in the order of what outbound teams report: about half are reached, and a third of those reached stay.
"""

from random import Random

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
