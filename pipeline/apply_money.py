"""Billing records beside invoices into the account's state: recharges, notices, fees, and what a cycle has cost so far."""

import math

from pipeline.apply_records import keep_bill, keeps_recharges
from pipeline.events import BillingKind, BillingRecord
from pipeline.state.catalogue import NEVER
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

#: What a new gap or amount weighs in the running means.
NEW_SHARE = 0.3
COUNT_MAX = 255
#: A fee is told by a charge of the account: the first one, or one after the plan was changed.
PLAN_FEE_WITHIN_MS = 45 * DAY_MS


def apply_money(state: PartitionState, record: BillingRecord) -> None:
    """Take in a record of any kind but an invoice; what is older than what is known already changes nothing."""
    if not math.isfinite(record.amount):
        return
    row = state.accounts.add(record.account_id)
    if record.kind is BillingKind.RECHARGE:
        _recharge(state, row, record)
    elif record.kind is BillingKind.OVERDUE:
        _overdue(state, row, record)
    elif record.kind is BillingKind.PAYMENT:
        _payment(state, row, record)
    elif record.kind is BillingKind.PLAN_CHANGE:
        state.accounts["plan_ms"][row] = max(int(state.accounts["plan_ms"][row]), record.ts_ms)
    elif record.kind is BillingKind.CHARGE and record.line_id is None:
        _fee(state, row, record)
    state.accounts.touch(row)


def close_cycle(state: PartitionState, account_id: str) -> None:
    """An invoice came: what calls have cost since the last one is a whole cycle."""
    accounts, row = state.accounts, state.accounts.add(account_id)
    cycles = accounts["cycle_charges"][row]
    cycles[:-1] = cycles[1:].copy()
    cycles[-1] = accounts["cycle_charge"][row]
    accounts["cycle_charge"][row] = 0.0
    accounts.touch(row)


def _recharge(state: PartitionState, row: int, record: BillingRecord) -> None:
    accounts, last_ms = state.accounts, int(state.accounts["recharged_ms"][row])
    if record.ts_ms <= last_ms:
        return
    if last_ms != NEVER:
        accounts["recharge_gap"][row] = _mean(float(accounts["recharge_gap"][row]), (record.ts_ms - last_ms) / DAY_MS)
    accounts["recharged_ms"][row] = record.ts_ms
    accounts["recharges"][row] = min(COUNT_MAX, int(accounts["recharges"][row]) + 1)
    accounts["balance"][row] = record.balance if record.balance is not None else record.amount
    if record.amount > 0 and keeps_recharges(accounts, row):
        keep_bill(accounts, row, record)


def _overdue(state: PartitionState, row: int, record: BillingRecord) -> None:
    accounts = state.accounts
    if int(accounts["overdue_ms"][row]) == NEVER:
        accounts["overdue_ms"][row] = record.ts_ms
        accounts["overdues"][row] = min(COUNT_MAX, int(accounts["overdues"][row]) + 1)
    accounts["owed"][row] = record.balance if record.balance is not None else record.amount


def _payment(state: PartitionState, row: int, record: BillingRecord) -> None:
    """A payment settles what is overdue when it covers it, and else makes it less."""
    accounts = state.accounts
    left = float(accounts["owed"][row]) - record.amount
    accounts["owed"][row] = max(0.0, left)
    if left <= 0.005:
        accounts["overdue_ms"][row] = NEVER


def _fee(state: PartitionState, row: int, record: BillingRecord) -> None:
    """The monthly fee; a lower one soon after a plan change is a smaller plan."""
    accounts, before = state.accounts, float(state.accounts["fee"][row])
    changed = int(accounts["plan_ms"][row])
    if math.isnan(before):
        accounts["fee"][row] = record.amount
    elif changed != NEVER and 0 <= record.ts_ms - changed <= PLAN_FEE_WITHIN_MS:
        if record.amount != before:
            accounts["fee_before"][row], accounts["fee_ms"][row] = before, record.ts_ms
        accounts["fee"][row] = record.amount
        accounts["plan_ms"][row] = NEVER


def _mean(before: float, value: float) -> float:
    return value if math.isnan(before) else before + NEW_SHARE * (value - before)
