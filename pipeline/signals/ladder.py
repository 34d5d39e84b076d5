"""The ladder to another operator: one state machine a line, with the rungs and clocks of the country's pack.

Rungs come in two kinds. The preparing ones (asked whether it can port, asked for release, took the bundle apart, ...) can be
climbed in any order, and each stands for its own days. The last three (code issued, lapsed, port ordered) exclude each other:
a code ends when it is used, told to have lapsed, or its clock runs out; an order outlives the code it was placed with; a renewal
takes the line off the ladder. Late records never step back: a record older than where the line stands changes nothing.

Source of the rungs and clocks: DOMAIN.md section 2; the ones marked low there are configuration (`config/countries`, `[ladder]`).
"""

from typing import NamedTuple

from pipeline.ladder_pack import LadderPack
from pipeline.state.cases import Position
from pipeline.state.decay import DAY_MS

HOUR_MS = 3_600_000
CODE, LAPSED, ORDER = "port_code_issued", "port_code_expired", "port_out_order"
#: The last rungs: a line stands on one of them at a time.
EXCLUSIVE = frozenset({CODE, LAPSED, ORDER})
RENEWAL = "renewal"


class Move(NamedTuple):
    """`position`: where the line stands now. `moved`: whether the record counts. `ended`: rungs whose signals are over."""

    position: Position | None
    moved: bool
    ended: tuple[str, ...] = ()


def climb(position: Position | None, rung: str, ts_ms: int, expires_ms: int, pack: LadderPack) -> Move:
    """A record says that the line is on this rung; `expires_ms` is the end of the code it speaks of, 0 where it names none.

    >>> pack = LadderPack()
    >>> code = climb(None, CODE, 1_000, 5_000, pack).position
    >>> climb(code, LAPSED, 5_000, 0, pack).ended
    ('port_code_issued', 'port_out_order')
    >>> climb(code, "port_eligibility_query", 2_000, 0, pack).position == code
    True
    """
    if rung not in EXCLUSIVE:
        ahead = position is not None and pack.height(position.rung) > pack.height(rung)
        return Move(position if ahead else Position(rung, ts_ms), moved=True)
    if position is not None and position.rung in EXCLUSIVE:
        told_late = ts_ms < position.since_ms
        outlived = rung == LAPSED and position.rung == ORDER
        older_code = rung == LAPSED and 0 < expires_ms < position.expires_ms
        if told_late or outlived or older_code:
            return Move(position, moved=False)
    expires = (expires_ms or ts_ms + pack.code_life_ms) if rung == CODE else 0
    return Move(Position(rung, ts_ms, expires), moved=True, ended=tuple(sorted(EXCLUSIVE - {rung})))


def lapse(position: Position | None, now_ms: int) -> Move:
    """The clock of a code: at its end the line steps back to `port_code_expired`, though no record says so.

    >>> lapse(Position(CODE, 0, 3_600_000), 3_600_000).position
    Position(rung='port_code_expired', since_ms=3600000, expires_ms=0)
    """
    if position is None or position.rung != CODE or now_ms < position.expires_ms:
        return Move(position, moved=False)
    return Move(Position(LAPSED, position.expires_ms), moved=True, ended=(CODE,))


def step_off(position: Position | None, ts_ms: int, pack: LadderPack) -> Move:
    """The customer bound itself anew: off the ladder, unless it climbed on after that."""
    if position is None or position.since_ms > ts_ms:
        return Move(position, moved=False)
    return Move(None, moved=True, ended=pack.rungs)


def time_is_up_ms(position: Position, days_left: float, may_port_from_ms: int) -> int:
    """End of the time to act on a rung: its days, never beyond the life of a code, not before a port is allowed at all.

    >>> time_is_up_ms(Position(CODE, 0, HOUR_MS), 2.0, 0) == HOUR_MS
    True
    >>> time_is_up_ms(Position("port_eligibility_query", 0), 14.0, 20 * DAY_MS) == 20 * DAY_MS
    True
    """
    until = position.since_ms + round(days_left * DAY_MS)
    if position.expires_ms:
        until = min(until, position.expires_ms)
    return until if position.rung in EXCLUSIVE else max(until, may_port_from_ms)
