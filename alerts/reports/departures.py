"""Who left, and when, from orders and outcomes: the labels of CONTRACT.md section 3, as reports count them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alerts.policy import DAY_MS
from pipeline.events import ChurnKind, OrderKind, OrderRecord, OutcomeKind, OutcomeRecord

RETURN_MS = 30 * DAY_MS
LEAVING = {OrderKind.PORT_OUT_DONE: ChurnKind.PORT_OUT, OrderKind.TERMINATION_DONE: ChurnKind.TERMINATION}


class Departure(NamedTuple):
    """`line_id` None: the whole account left."""

    account_id: str
    line_id: str | None
    churn_ms: int
    kind: ChurnKind


def departures(orders: Iterable[OrderRecord], outcomes: Iterable[OutcomeRecord]) -> list[Departure]:
    """Each leaving once, in order of time: of several within 30 days the first counts; one taken back within 30 days does
    not count at all.
    """
    left: list[Departure] = []
    back: dict[tuple[str, str | None], list[int]] = {}
    for order in orders:
        if order.kind in LEAVING:
            left.append(Departure(order.account_id, order.line_id, order.ts_ms, LEAVING[order.kind]))
        elif order.kind is OrderKind.RECONNECT:
            back.setdefault((order.account_id, order.line_id), []).append(order.ts_ms)
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.CHURN:
            kind = outcome.churn_kind or ChurnKind.TERMINATION
            left.append(Departure(outcome.account_id, outcome.line_id, outcome.churn_ms or outcome.ts_ms, kind))
        elif outcome.kind is OutcomeKind.WIN_BACK:
            back.setdefault((outcome.account_id, outcome.line_id), []).append(outcome.ts_ms)
    return _first_ones(sorted(left, key=lambda one: one.churn_ms), back)


def _first_ones(left: Iterable[Departure], back: Mapping[tuple[str, str | None], list[int]]) -> list[Departure]:
    kept: list[Departure] = []
    latest: dict[tuple[str, str | None], int] = {}
    for one in left:
        who = (one.account_id, one.line_id)
        if one.churn_ms - latest.get(who, -RETURN_MS - 1) <= RETURN_MS:
            continue
        latest[who] = one.churn_ms
        returns = [*back.get(who, ()), *back.get((one.account_id, None), ())]
        if not any(one.churn_ms <= at <= one.churn_ms + RETURN_MS for at in returns):
            kept.append(one)
    return kept
