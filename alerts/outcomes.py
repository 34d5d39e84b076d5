"""What a contact brought, as the record from which the workers learn."""

import hashlib

from alerts.tasks import TaskEvent
from pipeline.events import OutcomeKind, OutcomeRecord


def disposition_outcome(event: TaskEvent) -> OutcomeRecord | None:
    """The `outcomes` record of an event that carries a disposition; None for all others.

    Its id depends on task and attempt alone: the same disposition sent twice is one record.
    """
    if event.disposition is None or event.task is None:
        return None
    cause = f"disposition|{event.task.task_id}|{event.attempt}"
    return OutcomeRecord(
        record_id=hashlib.sha256(cause.encode()).hexdigest()[:32],
        ts_ms=event.ts_ms,
        account_id=event.account_id,
        line_id=event.task.line_id,
        kind=OutcomeKind.DISPOSITION,
        task_id=event.task.task_id,
        disposition=event.disposition,
        note=event.note,
    )
