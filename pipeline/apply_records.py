"""Thin records into the state: reference data, bills, hard events, churn. One function a stream."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from pipeline.events import (
    BillingKind,
    BillingRecord,
    CareKind,
    CareRecord,
    ChurnKind,
    CustomerRecord,
    OrderKind,
)
from pipeline.state.catalogue import NEVER, SEGMENTS
from pipeline.state.partition import PartitionState
from pipeline.state.table import ColumnTable

#: What ends a line by an order; anything else is a signal, not a label (CONTRACT.md section 3).
CHURN_ORDERS: dict[OrderKind, ChurnKind] = {
    OrderKind.PORT_OUT_DONE: ChurnKind.PORT_OUT,
    OrderKind.TERMINATION_DONE: ChurnKind.TERMINATION,
}


def apply_customer(state: PartitionState, record: CustomerRecord) -> None:
    """Take in reference data of an account and the lines it names."""
    row = state.accounts.add(record.account_id)
    accounts = state.accounts
    accounts["segment"][row] = SEGMENTS.index(record.segment)
    accounts["star"][row] = record.star
    accounts["prepaid"][row] = record.payment == "prepaid"
    accounts["known"][row] = 1
    accounts["tenure_start_ms"][row] = record.tenure_start_ms or NEVER
    accounts["contract_end_ms"][row] = record.contract_end_ms or NEVER
    accounts["trade"][row] = state.crowd.trade_code(record.category or "")
    accounts["region"][row] = state.crowd.region_code(record.region, record.timezone or "")
    accounts.touch(row)
    for line_id in record.lines:
        state.move_line(state.line_row(line_id, record.account_id), record.account_id)


def apply_invoice(state: PartitionState, record: BillingRecord, rows: Sequence[int]) -> None:
    """Take the amount into the last bills of these lines, or of the account, in the order of the bills' own times.

    An account's bill is each line's too, as long as lines have none of their own.
    """
    if record.kind is not BillingKind.INVOICE or not math.isfinite(record.amount):
        return
    accounts, account = state.accounts, state.accounts.add(record.account_id)
    if keeps_recharges(accounts, account):
        accounts["bills"][account], accounts["bills_s"][account] = math.nan, NEVER
    if record.line_id is not None:
        accounts["bills_by_line"][account] = 1
        accounts.touch(account)
    else:
        keep_bill(accounts, account, record)
    if record.line_id is not None or not accounts["bills_by_line"][account]:
        for row in rows:
            keep_bill(state.lines, row, record)


def keeps_recharges(accounts: ColumnTable, account: int) -> bool:
    """Whether the last bills of this account are its recharges: it is prepaid, or was, and no invoice ever came."""
    return bool(accounts["recharges"][account] > 0 and math.isnan(accounts["cycle_charges"][account][-1]))


def keep_bill(table: ColumnTable, row: int, record: BillingRecord) -> None:
    """Put it among the last bills by its time, behind one of the same time; the oldest goes."""
    times, amounts, second = table["bills_s"][row], table["bills"][row], record.ts_ms // 1000
    place = bisect_right(times.tolist(), second) - 1
    if place >= 0:
        times[:place], amounts[:place] = times[1 : place + 1], amounts[1 : place + 1]
        times[place], amounts[place] = second, record.amount
    table.touch(row)


def note_fault(state: PartitionState, record: CareRecord, rows: Sequence[int]) -> None:
    """Remember when these lines last had a fault: it is felt long after it was mended."""
    if record.kind is CareKind.FAULT:
        for row in rows:
            state.lines["fault_ms"][row] = max(int(state.lines["fault_ms"][row]), record.ts_ms)
            state.lines.touch(row)


def bills_of(table: ColumnTable, row: int) -> list[float]:
    """Amounts of the last bills of a line or an account, oldest first."""
    return [float(amount) for amount in table["bills"][row] if not math.isnan(amount)]
