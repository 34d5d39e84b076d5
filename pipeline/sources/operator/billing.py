"""Money: invoices that equal rated usage plus fees, payments, overdue notices, recharges, and accounts in arrears."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.events import BillingKind, ChurnKind, OrderKind, Origin, Stream
from pipeline.sources.operator.agenda import Departure
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, MINUTE_MS, date_of, day_start_ms
from pipeline.sources.operator.population import MONEY_UNIT, Population
from pipeline.sources.operator.scripts import Stage

DUE_DAYS = 15
OVERDUE_AFTER_DAYS = 3
SUSPEND_AFTER_DAYS = 12  # after the first overdue notice
GIVEN_UP_AFTER_DAYS = 15  # after the suspension
HISTORY_DAYS = 84  # invoices from before day 0 reach back so far: within the 90 days after which a record is refused
SAMPLE_DAYS = 7
RECHARGES = np.array([20, 30, 50, 100], np.int64) * MONEY_UNIT


class Ledger:
    """What each line has used since its last invoice (units of 1/10,000) and what prepaid accounts have left."""

    def __init__(self, rng: np.random.Generator, stage: Stage) -> None:
        n_accounts = stage.population.n_accounts
        self._stage = stage
        self._unbilled = np.zeros(stage.population.n_lines, np.int64)
        self._last_invoice = np.zeros(n_accounts, np.int64)
        self._balance = rng.integers(5, 60, n_accounts) * MONEY_UNIT
        self._threshold = rng.integers(1, 8, n_accounts) * MONEY_UNIT
        self._recharge = rng.choice(RECHARGES, n_accounts, p=[0.2, 0.35, 0.3, 0.15])
        self._defaults = np.zeros(n_accounts, np.bool_)

    def write_history(self, rng: np.random.Generator, usage_per_month: NDArray[np.int64]) -> None:
        """Invoices of the months before day 0, loaded right after the customers: something for bills to drop from.

        The first invoice after day 0 also covers days before it: what is taken as used on them stands in no call
        record.
        """
        population = self._stage.population
        total = self._by_account(usage_per_month + population.fee)
        for day in range(-HISTORY_DAYS, 0):
            accounts = np.flatnonzero((population.bill_day == date_of(day).day) & ~population.prepaid)
            amounts = (total[accounts] * np.exp(rng.normal(0, 0.12, len(accounts)))).astype(np.int64)
            self._last_invoice[accounts] = amounts
            for account, amount in zip(accounts.tolist(), amounts.tolist(), strict=True):
                self._invoice(rng, account, amount, day)
        since = np.array([0, *(_days_since(bill_day) for bill_day in range(1, 29))])
        since = since[population.bill_day][population.account_of]
        self._unbilled[:] = usage_per_month * since // 30

    def invoice_day(self, rng: np.random.Generator, day: int) -> None:
        """Bill the accounts whose day it is: all usage before 00:00 UTC, and the fees of live lines."""
        population, state = self._stage.population, self._stage.state
        accounts = np.flatnonzero((population.bill_day == date_of(day).day) & ~population.prepaid)
        usage = self._by_account(self._unbilled)[accounts]
        fees = self._by_account(np.where(state.live(day_start_ms(day)), population.fee, 0))[accounts]
        chosen = np.isin(population.account_of, accounts)
        self._unbilled[chosen] = 0
        self._last_invoice[accounts] = usage + fees
        for account, used, fee in zip(accounts.tolist(), usage.tolist(), fees.tolist(), strict=True):
            if used + fee == 0:
                continue
            if fee:
                at = day_start_ms(day) + HOUR_MS
                self._add(at, account, BillingKind.CHARGE, fee, plan_id="monthly-fee")
            self._invoice(rng, account, used + fee, day)

    def _invoice(self, rng: np.random.Generator, account: int, amount: int, day: int) -> None:
        population = self._stage.population
        at = day_start_ms(day) + HOUR_MS + int(rng.integers(1, 120)) * MINUTE_MS
        due = at + DUE_DAYS * DAY_MS
        self._add(at, account, BillingKind.INVOICE, amount, due_ms=due, period=f"{date_of(day - 15):%Y-%m}")
        if self._defaults[account] or amount == 0:
            return
        late_days = int(population.pays_late_days[account])
        paid = due + late_days * DAY_MS + int(rng.integers(0, 10)) * HOUR_MS
        if late_days > OVERDUE_AFTER_DAYS:
            noticed, owed = due + OVERDUE_AFTER_DAYS * DAY_MS, amount / MONEY_UNIT
            self._add(noticed, account, BillingKind.OVERDUE, amount, balance=owed, due_ms=due)
        self._add(paid, account, BillingKind.PAYMENT, amount)

    def use(self, rng: np.random.Generator, day: int, charges: NDArray[np.int64]) -> None:
        """Take in the rated usage of this day, by line; prepaid accounts that run low recharge."""
        population, state = self._stage.population, self._stage.state
        self._unbilled += charges
        self._balance -= self._by_account(charges)
        live = self._by_account((state.live(day_start_ms(day + 1)) & ~state.decided).astype(np.int64)) > 0
        low = np.flatnonzero(population.prepaid & live & (self._balance < self._threshold))
        self._balance[low] += self._recharge[low] * np.maximum(
            1, -(-(self._threshold[low] - self._balance[low]) // self._recharge[low])
        )
        for account in low.tolist():
            amount = int(self._recharge[account])
            at = self._stage.daytime(rng, day)
            self._add(at, account, BillingKind.RECHARGE, amount, balance=int(self._balance[account]) / MONEY_UNIT)

    def stop_paying(self, rng: np.random.Generator, account: int, day: int) -> None:
        """An account in arrears: notices, suspension, and in the end it is written off (involuntary churn)."""
        stage = self._stage
        self._defaults[account] = True
        owed = max(int(self._last_invoice[account]), MONEY_UNIT)
        for later in (0, 7):
            at = stage.daytime(rng, day + later)
            due = day_start_ms(day - OVERDUE_AFTER_DAYS)
            self._add(at, account, BillingKind.OVERDUE, owed, balance=owed / MONEY_UNIT, due_ms=due)
        suspended = stage.daytime(rng, day + SUSPEND_AFTER_DAYS)
        given_up = suspended + GIVEN_UP_AFTER_DAYS * DAY_MS
        for line in range(*(int(i) for i in stage.population.first_line[account : account + 2])):
            if stage.state.decided[line] or stage.state.left_ms[line] < suspended:
                continue
            stage.state.decided[line] = True
            stage.state.leave(line, suspended, 0)
            stage.agenda.add(
                Stream.ORDERS,
                suspended,
                account,
                line,
                kind=OrderKind.SUSPEND,
                origin=Origin.OWN_BILLING,
                reason="arrears",
            )
            stage.agenda.add(
                Stream.OUTCOMES,
                given_up,
                account,
                line,
                kind="churn",
                churn_kind=ChurnKind.INVOLUNTARY,
                churn_ms=given_up,
            )
            stage.agenda.leave(Departure(line, given_up, ChurnKind.INVOLUNTARY, "involuntary", day_start_ms(day)))

    def _by_account(self, by_line: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.add.reduceat(by_line, self._stage.population.first_line[:-1]))

    def _add(self, ts_ms: int, account: int, kind: BillingKind, amount: int, **fields: Any) -> None:
        self._stage.agenda.add(Stream.BILLING, ts_ms, account, kind=kind, amount=amount / MONEY_UNIT, **fields)


def _days_since(bill_day: int) -> int:
    """Days from the last bill day before day 0 to day 0."""
    return next(back for back in range(1, 32) if date_of(-back).day == bill_day)


def usage_per_month(population: Population, sample: NDArray[np.int64]) -> NDArray[np.int64]:
    """Expected rated usage of a line in 30 days, units of 1/10,000, from the usage of SAMPLE_DAYS days.

    A week says little about a quiet line: it is mixed with what its activity lets expect, which weighs as much.
    """
    per_record = float(sample.sum()) / (SAMPLE_DAYS * population.rate_per_day.sum())
    expected = population.rate_per_day * per_record * SAMPLE_DAYS
    return np.asarray(np.rint((sample + expected) / 2 * 30 / SAMPLE_DAYS), np.int64)
