"""Facts of what accounts pay, at a daily sweep."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Floats, Rows
from pipeline.state.catalogue import NEVER, QUANTITY_INDEX
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class MoneyFacts:
    """Accounts as they are at `now_ms`; every array has one entry an account, money in the operator's currency.

    Attributes:
        prepaid: 1 prepaid.
        recharge_days, recharge_gap, recharges, balance: days since the last recharge (NaN none), mean days between them, how
            many were seen, and the balance after the last one.
        overdue_days, overdues, owed: days since a bill is overdue (NaN none is), how often one was, what is owed.
        fee, fee_before, fee_days: monthly fee, the one before the last change of plan and days since then (NaN none).
        cycle_charge, cycle_charges: charges of calls since the last invoice, and of the last whole cycles (NaN not there yet).
        cycle_days, cycle_length: days since the last invoice, days between the last two; NaN unknown.
        crowd_charge: what the crowd's charges are now against usual.
    """

    prepaid: Floats
    recharge_days: Floats
    recharge_gap: Floats
    recharges: Floats
    balance: Floats
    overdue_days: Floats
    overdues: Floats
    owed: Floats
    fee: Floats
    fee_before: Floats
    fee_days: Floats
    cycle_charge: Floats
    cycle_charges: Floats
    cycle_days: Floats
    cycle_length: Floats
    crowd_charge: Floats

    def of(self, places: Rows) -> "MoneyFacts":
        """Of these accounts alone."""
        return MoneyFacts(**{field.name: getattr(self, field.name)[places] for field in fields(self)})


def money_facts(state: PartitionState, rows: Rows, now_ms: int) -> MoneyFacts:
    """Facts of these accounts."""
    accounts = state.accounts

    def number(name: str) -> Floats:
        return accounts[name][rows].astype(np.float64)

    bills_ms = accounts["bills_s"][rows].astype(np.int64) * 1000
    cells = accounts["region"][rows].astype(np.int64) * SEGMENTS + accounts["segment"][rows]
    change = state.crowd.now.change
    known = cells < len(change)
    crowd = np.ones(len(rows))
    crowd[known] = change[cells[known], QUANTITY_INDEX["charge"]]
    return MoneyFacts(
        prepaid=number("prepaid"),
        recharge_days=_days(accounts["recharged_ms"][rows], now_ms),
        recharge_gap=number("recharge_gap"),
        recharges=number("recharges"),
        balance=number("balance"),
        overdue_days=_days(accounts["overdue_ms"][rows], now_ms),
        overdues=number("overdues"),
        owed=number("owed"),
        fee=number("fee"),
        fee_before=number("fee_before"),
        fee_days=_days(accounts["fee_ms"][rows], now_ms),
        cycle_charge=number("cycle_charge"),
        cycle_charges=number("cycle_charges"),
        cycle_days=_days(bills_ms[:, -1], now_ms),
        cycle_length=np.where(bills_ms[:, -2] != NEVER, (bills_ms[:, -1] - bills_ms[:, -2]) / DAY_MS, np.nan),
        crowd_charge=crowd,
    )


def _days(since_ms: NDArray[np.int64], now_ms: int) -> Floats:
    return np.where(since_ms != NEVER, np.maximum(now_ms - since_ms, 0) / DAY_MS, np.nan)
