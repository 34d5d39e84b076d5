"""Which records set back, or move, what the call records before them add to: they must wait for these calls.

Each such record cuts the calls of an hour in two, and each cut costs as much as a hundred calls. An invoice closes the cycle of
one account: it need not wait for the calls of others.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import MergedBatch
from pipeline.columns import ThinRecord
from pipeline.events import BillingKind, BillingRecord, CustomerRecord, Record, Stream
from pipeline.state.partition import PartitionState

NOBODY = -1


class Resets:
    """Asked for the records of one batch, in their order, while it is applied to the state."""

    def __init__(self, state: PartitionState, batch: MergedBatch) -> None:
        self._state = state
        self._batch = batch

    def __call__(self, item: ThinRecord, start: int, stop: int) -> bool:
        """Whether this record waits for the calls from `start` to `stop`."""
        record = item.record
        if isinstance(record, CustomerRecord):
            return self._moves_lines(record)
        if isinstance(record, BillingRecord) and record.kind is not BillingKind.INVOICE:
            return False
        return item.stream is not Stream.CARE and self._concerns(record, start, stop)

    def _moves_lines(self, record: CustomerRecord) -> bool:
        lines, account = self._state.lines, self._state.accounts.row_of.get(record.account_id, NOBODY)
        rows = [lines.row_of.get(line_id) for line_id in record.lines]
        return any(row is None or int(lines["account"][row]) != account for row in rows)

    def _concerns(self, record: Record, start: int, stop: int) -> bool:
        """Whether one of these calls is of the record's account or line, or of a line that nobody knew before the batch."""
        if self._has_movers:
            return True
        rows, accounts = (column[start:stop] for column in self._calls)
        account = self._state.accounts.row_of.get(record.account_id, NOBODY)
        line_id = getattr(record, "line_id", None)
        line = NOBODY if line_id is None else self._state.lines.row_of.get(line_id, NOBODY)
        return bool(((rows == NOBODY) | (accounts == account) | (rows == line)).any())

    @cached_property
    def _has_movers(self) -> bool:
        """Whether a line may have another account later in the batch than at its start."""
        return any(isinstance(item.record, CustomerRecord) for item in self._batch.thin)

    @cached_property
    def _calls(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Line and account of each call as they were before the batch; `NOBODY` where the line was not known."""
        lines = self._state.lines
        rows = lines.row_of.rows_of(self._batch.cdr.line_hash)
        accounts = np.where(rows == NOBODY, NOBODY, lines["account"][np.maximum(rows, 0)] if len(lines) else NOBODY)
        return rows, accounts
