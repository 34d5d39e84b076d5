"""The port-out ladder of a country: which rungs, in which order, with which clocks (DOMAIN section 2).

The clocks marked (low) there are configuration: they are the defaults of `Clocks` and a scenario's country picks the
set.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.events import OrderKind, Origin
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, MINUTE_MS
from pipeline.sources.operator.config import Country


class Step(NamedTuple):
    """One rung as it becomes an order record."""

    kind: OrderKind
    origin: Origin
    ts_ms: int
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """Times of one country. `has_query`: whether an eligibility query precedes the code."""

    code_life_ms: int
    order_to_done_ms: int
    code_to_order_ms: int
    has_query: bool
    company_becomes_person: bool


CLOCKS: dict[Country, Clocks] = {
    "CN": Clocks(HOUR_MS, HOUR_MS, 25 * MINUTE_MS, has_query=True, company_becomes_person=True),
    "UK": Clocks(30 * DAY_MS, 24 * HOUR_MS, 6 * DAY_MS, has_query=False, company_becomes_person=False),
    "IN": Clocks(4 * DAY_MS, 3 * DAY_MS, 20 * HOUR_MS, has_query=False, company_becomes_person=False),
}


def shortest_port_ms(country: Country) -> int:
    """Longest time that code, order and port may take together: a decider needs at least this long to be gone."""
    return CLOCKS[country].order_to_done_ms + CLOCKS[country].code_to_order_ms


def port_steps(
    rng: np.random.Generator,
    country: Country,
    done_ms: int,
    decided_ms: int,
    *,
    company: bool,
    in_contract: bool,
    hurried: bool,
) -> list[Step]:
    """The rungs up to `port_out_done` at `done_ms`, oldest first, none before the decision.

    `hurried`: only what cannot be left out (code, order, done).
    """
    clocks = CLOCKS[country]
    order_ms = done_ms - round(clocks.order_to_done_ms * rng.uniform(0.5, 1.0))
    code_ms = order_ms - round(clocks.code_to_order_ms * rng.uniform(0.3, 1.0))
    steps = [
        Step(OrderKind.PORT_CODE_ISSUED, Origin.CUSTOMER_TO_US, code_ms, code_ms + clocks.code_life_ms),
        Step(OrderKind.PORT_OUT_ORDER, Origin.WHOLESALE_PORTING, order_ms),
        Step(OrderKind.PORT_OUT_DONE, Origin.WHOLESALE_PORTING, done_ms),
    ]
    if not hurried:
        early = _early_steps(rng, clocks, code_ms, company=company, in_contract=in_contract)
        steps += [step for step in early if step.ts_ms > decided_ms]
    return sorted(steps, key=lambda step: step.ts_ms)


def _early_steps(
    rng: np.random.Generator, clocks: Clocks, code_ms: int, *, company: bool, in_contract: bool
) -> list[Step]:
    def before(days: float) -> int:
        return code_ms - round(days * DAY_MS)

    steps = []
    if clocks.has_query:
        steps.append(Step(OrderKind.PORT_ELIGIBILITY_QUERY, Origin.CUSTOMER_TO_US, before(rng.uniform(0.1, 8))))
    if in_contract:
        steps.append(Step(OrderKind.CONTRACT_RELEASE_REQUEST, Origin.CUSTOMER_TO_US, before(rng.uniform(1, 12))))
        if rng.random() < 0.4:
            steps.append(Step(OrderKind.BUNDLE_UNBIND, Origin.CUSTOMER_TO_US, before(rng.uniform(0.5, 6))))
    if company and clocks.company_becomes_person:
        steps.append(Step(OrderKind.OWNERSHIP_TRANSFER, Origin.CUSTOMER_TO_US, before(rng.uniform(1, 9))))
    if rng.random() < 0.5:
        steps.append(Step(OrderKind.BALANCE_CLEARED, Origin.OWN_BILLING, before(rng.uniform(0.02, 2))))
    if rng.random() < 0.12:
        steps += _unused_code(before(rng.uniform(2, 10)), clocks)
    return steps


def _unused_code(lapsed_ms: int, clocks: Clocks) -> list[Step]:
    """A code that ran out. The record of its end stands alone where it was issued before the decision."""
    issued_ms = lapsed_ms - clocks.code_life_ms
    return [
        Step(OrderKind.PORT_CODE_ISSUED, Origin.CUSTOMER_TO_US, issued_ms, lapsed_ms),
        Step(OrderKind.PORT_CODE_EXPIRED, Origin.CUSTOMER_TO_US, lapsed_ms),
    ]
