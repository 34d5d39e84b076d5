"""Everything that is remembered of one partition."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.crowd import Crowd
from pipeline.events import Stream
from pipeline.state.account_lines import AccountLines
from pipeline.state.catalogue import ACCOUNT_COLUMNS, LINE_COLUMNS
from pipeline.state.decay import Landmark
from pipeline.state.seen import SeenIds
from pipeline.state.table import ColumnTable

NO_CLOCK = -1


@dataclass(slots=True)
class PartitionState:
    """Lines, accounts, ids seen, and how far the partition has come.

    `clock_ms` is the last canonical tick that was decided, `NO_CLOCK` before the first record. `applied` holds for each input
    the offset of the next record to apply.
    """

    partition: int
    lines: ColumnTable
    accounts: ColumnTable
    seen: SeenIds
    landmark: Landmark
    clock_ms: int = NO_CLOCK
    newest_ms: int = 0
    applied: dict[Stream, int] = field(default_factory=dict)
    lines_of: AccountLines = field(default_factory=AccountLines)
    crowd: Crowd = field(default_factory=Crowd)

    @classmethod
    def empty(cls, partition: int, page_lines: int) -> "PartitionState":
        """A partition that has seen nothing."""
        lines = ColumnTable(LINE_COLUMNS, page_lines)
        accounts = ColumnTable(ACCOUNT_COLUMNS, page_lines)
        return cls(partition, lines, accounts, SeenIds(), Landmark(0))

    def line_row(self, line_id: str, account_id: str) -> int:
        """Row of a line; an unknown line, and an unknown account, is created."""
        row = self.lines.row_of.get(line_id)
        return self.create_line(line_id, account_id) if row is None else row

    def create_line(self, line_id: str, account_id: str) -> int:
        """Row of a new line of this account."""
        account = self.accounts.add(account_id)
        row = self.lines.add(line_id)
        self.lines["account"][row] = account
        self.lines_of.add(account, row)
        return row

    def create_lines(self, line_ids: Sequence[str], account_ids: Sequence[str]) -> None:
        """Distinct lines with their accounts, as `line_row` one after the other would: a tenth of its time a line."""
        known = len(self.lines)
        rows = self.lines.add_all(line_ids)
        new = np.flatnonzero(rows >= known)
        accounts = self.accounts.add_all([account_ids[place] for place in new.tolist()])
        self.lines["account"][rows[new]] = accounts
        self.lines_of.add_all(accounts, rows[new])

    def move_line(self, row: int, account_id: str) -> None:
        """A known line belongs to this account from now on."""
        account = self.accounts.add(account_id)
        before = int(self.lines["account"][row])
        if before == account:
            return
        self.lines_of.remove(before, row)
        self.lines_of.add(account, row)
        self.lines["account"][row] = account
        self.lines.touch(row)

    def rows_of_account(self, account_id: str) -> list[int]:
        """Rows of the lines of an account, in the order of their appearance."""
        account = self.accounts.row_of.get(account_id)
        return [] if account is None else self.lines_of.get(account, [])

    def live_rows(self) -> NDArray[np.int64]:
        """Rows of the lines that have not left."""
        return np.flatnonzero(self.lines["churned_ms"] == 0)

    def index_accounts(self) -> None:
        """Rebuild `lines_of` after pages were loaded."""
        self.lines_of = AccountLines.of(self.lines["account"])
