"""What makes a task without any warning: a service opened, a fault closed, a customer who left or came back. Pure."""

from enum import StrEnum

import msgspec

from alerts.policy import DAY_MS, TaskPolicy, VisitCause
from pipeline.events import (
    CareKind,
    CareRecord,
    ChurnKind,
    OrderKind,
    OrderRecord,
    OutcomeKind,
    OutcomeRecord,
)

VISITS: dict[OrderKind | CareKind, VisitCause] = {
    OrderKind.PROVISIONING_DONE: "provisioning_done",
    CareKind.FAULT_CLOSED: "fault_closed",
}
LEFT: dict[OrderKind, ChurnKind] = {
    OrderKind.PORT_OUT_DONE: ChurnKind.PORT_OUT,
    OrderKind.TERMINATION_DONE: ChurnKind.TERMINATION,
}
#: Words one of which a record must have in it to be looked at; most orders and tickets have none.
TELLING = (
    OrderKind.PROVISIONING_DONE, CareKind.FAULT_CLOSED, OrderKind.PORT_OUT_DONE, OrderKind.TERMINATION_DONE,
    OrderKind.RECONNECT, f'"{OutcomeKind.CHURN}"', OutcomeKind.WIN_BACK,
)  # fmt: skip


class TriggerKind(StrEnum):
    VISIT = "visit"
    LEFT = "left"
    BACK = "back"


class Trigger(msgspec.Struct, frozen=True):
    """One happening.

    Attributes:
        cause: "<stream>:<record id>"; the same happening never counts twice.
        reason: a code for whoever has the task: `fault_closed`, `port_out`, `reconnect`.
        ts_ms: when it happened. `due_ms`: by when a visit has to be made; 0 for the others.
    """

    cause: str
    kind: TriggerKind
    reason: str
    account_id: str
    line_id: str | None
    ts_ms: int
    due_ms: int = 0


def order_trigger(record: OrderRecord, policy: TaskPolicy) -> Trigger | None:
    """What an order makes happen; None: nothing."""
    cause = f"orders:{record.record_id}"
    if record.kind in LEFT:
        return Trigger(cause, TriggerKind.LEFT, LEFT[record.kind], record.account_id, record.line_id, record.ts_ms)
    if record.kind is OrderKind.RECONNECT:
        return Trigger(cause, TriggerKind.BACK, record.kind, record.account_id, record.line_id, record.ts_ms)
    if record.kind in VISITS:
        return _visit(cause, VISITS[record.kind], record, policy)
    return None


def care_trigger(record: CareRecord, policy: TaskPolicy) -> Trigger | None:
    """What a ticket makes happen; None: nothing."""
    if record.kind not in VISITS:
        return None
    return _visit(f"care:{record.record_id}", VISITS[record.kind], record, policy)


def outcome_trigger(record: OutcomeRecord) -> Trigger | None:
    """What an outcome makes happen; None: nothing. Who was cut off for arrears did not leave."""
    cause = f"outcomes:{record.record_id}"
    if record.kind is OutcomeKind.CHURN and record.churn_kind not in {None, ChurnKind.INVOLUNTARY}:
        left_ms = record.churn_ms or record.ts_ms
        return Trigger(cause, TriggerKind.LEFT, str(record.churn_kind), record.account_id, record.line_id, left_ms)
    if record.kind is OutcomeKind.WIN_BACK:
        return Trigger(cause, TriggerKind.BACK, record.kind, record.account_id, record.line_id, record.ts_ms)
    return None


def _visit(cause: str, reason: VisitCause, record: OrderRecord | CareRecord, policy: TaskPolicy) -> Trigger:
    due_ms = record.ts_ms + int(policy.visits.due_days[reason] * DAY_MS)
    return Trigger(cause, TriggerKind.VISIT, reason, record.account_id, record.line_id, record.ts_ms, due_ms)
