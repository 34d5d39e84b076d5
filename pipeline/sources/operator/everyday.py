"""Orders that have nothing to do with leaving: upgrades, renewals, new services, a phone unlocked, a number paused."""

import numpy as np

from pipeline.events import BillingKind, OrderKind, Origin, Stream
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, day_start_ms
from pipeline.sources.operator.population import MONEY_UNIT, NO_CONTRACT, customer_record, line_name
from pipeline.sources.operator.scripts import Stage

DAILY = {
    OrderKind.UPGRADE: 0.0003,
    OrderKind.SERVICE_REQUEST: 0.0003,
    OrderKind.DEVICE_UNLOCK: 0.00005,
    OrderKind.SUSPEND: 0.00005,
}
RENEWAL_SHARE = 0.7
RENEWED_FOR_DAYS = 365
PRODUCTS = ("broadband", "roaming-pack", "cloud-disk", "leased-line", "extra-line")


def everyday_orders(rng: np.random.Generator, stage: Stage, day: int) -> None:
    """Orders of one day, at a steady low rate, and the renewals of contracts that end."""
    live = np.flatnonzero(stage.state.live(day_start_ms(day + 1)) & ~stage.state.decided)
    for kind, rate in DAILY.items():
        for line in rng.choice(live, min(len(live), rng.poisson(rate * len(live)))).tolist():
            _order(rng, stage, line, kind, stage.daytime(rng, day))
    ending = np.flatnonzero(stage.population.contract_end_day == day)
    for account in ending[rng.random(len(ending)) < RENEWAL_SHARE].tolist():
        _renewal(rng, stage, account, day)


def _order(rng: np.random.Generator, stage: Stage, line: int, kind: OrderKind, at: int) -> None:
    account = int(stage.population.account_of[line])
    product = PRODUCTS[int(rng.integers(len(PRODUCTS)))] if kind is OrderKind.SERVICE_REQUEST else None
    agenda, customer = stage.agenda, Origin.CUSTOMER_TO_US
    agenda.add(Stream.ORDERS, at, account, line, kind=kind, origin=customer, product=product)
    if kind is OrderKind.UPGRADE and not stage.population.prepaid[account]:
        agenda.add(Stream.BILLING, at, account, line, kind=BillingKind.PLAN_CHANGE, amount=0.0, plan_id="large")
        stage.population.fee[line] += 10 * MONEY_UNIT
    elif kind is OrderKind.SERVICE_REQUEST:
        done = at + round(rng.uniform(2, 60) * HOUR_MS)
        agenda.add(
            Stream.ORDERS, done, account, line, kind=OrderKind.PROVISIONING_DONE, origin=customer, product=product
        )
    elif kind is OrderKind.SUSPEND:
        back = at + round(rng.uniform(3, 20) * DAY_MS)
        days = (back - at) / DAY_MS
        stage.state.begin(line, (at - day_start_ms(0)) // DAY_MS, ramp=0.5, floor=0.0, days=days, recover=1)
        agenda.add(Stream.ORDERS, back, account, line, kind=OrderKind.RESUME, origin=customer)


def _renewal(rng: np.random.Generator, stage: Stage, account: int, day: int) -> None:
    """The contract runs on: an order, and the customer's record with its new end."""
    population, state = stage.population, stage.state
    lines = np.arange(population.first_line[account], population.first_line[account + 1])
    staying = lines[state.live(day_start_ms(day + 1))[lines]]
    if not len(staying) or state.decided[lines].any() or population.contract_end_day[account] == NO_CONTRACT:
        return
    at = stage.daytime(rng, day)
    stage.agenda.add(Stream.ORDERS, at, account, kind=OrderKind.RENEWAL, origin=Origin.CUSTOMER_TO_US)
    population.contract_end_day[account] = day + RENEWED_FOR_DAYS
    record = customer_record(population, account, stage.config.country, stage.config.seed)
    record["lines"] = [line_name(line) for line in staying.tolist()]
    fields = {name: value for name, value in record.items() if name not in {"ts_ms", "account_id"}}
    stage.agenda.add(Stream.CUSTOMERS, at, account, **fields)
