"""Thin records into the state: reference data, bills, hard events, churn. One function a stream."""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.events import (
    BillingKind,
    BillingRecord,
    CareKind,
    CareRecord,
    ChurnKind,
    CustomerRecord,
    OrderKind,
    OrderRecord,
)
from pipeline.state.cases import Case, HardEvent
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
    accounts.touch(row)
    for line_id in record.lines:
        state.move_line(state.line_row(line_id, record.account_id), record.account_id)


def apply_invoice(state: PartitionState, record: BillingRecord, rows: Sequence[int]) -> None:
    """Take the amount into the last bills of these lines, in the order of the bills' own times."""
    if record.kind is not BillingKind.INVOICE or not math.isfinite(record.amount):
        return
    lines = state.lines
    for row in rows:
        times = np.append(lines["bills_ms"][row], record.ts_ms)
        amounts = np.append(lines["bills"][row], np.float32(record.amount))
        newest_last = np.argsort(times, kind="stable")[1:]
        lines["bills_ms"][row] = times[newest_last]
        lines["bills"][row] = amounts[newest_last]
        lines.touch(row)


def bills_of(lines: ColumnTable, row: int) -> list[float]:
    """Amounts of the last bills of a line, oldest first."""
    return [float(amount) for amount in lines["bills"][row] if not math.isnan(amount)]


def note_hard_event(case: Case, signal: str, record: OrderRecord | CareRecord) -> HardEvent:
    """Count a record towards its hard signal, whatever the order in which records come."""
    severity = record.severity if isinstance(record, CareRecord) else 0
    expires_ms = (record.expires_ms or 0) if isinstance(record, OrderRecord) else 0
    event = case.hard.get(signal)
    if event is None:
        event = case.hard[signal] = HardEvent(record.ts_ms, record.ts_ms, 1, severity, expires_ms)
        return event
    event.first_ms = min(event.first_ms, record.ts_ms)
    event.last_ms = max(event.last_ms, record.ts_ms)
    event.count += 1
    event.severity = max(event.severity, severity)
    event.expires_ms = max(event.expires_ms, expires_ms)
    return event


def record_kind(record: OrderRecord | CareRecord) -> OrderKind | CareKind:
    """The kind by which the policy knows a record."""
    return record.kind
