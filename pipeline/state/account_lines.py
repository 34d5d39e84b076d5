"""Which lines an account has: eight bytes where it is one, a list only where there are more."""

from array import array
from bisect import insort
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

NO_LINE = -1


class AccountLines(Mapping[int, list[int]]):
    """Rows of lines, ascending, by row of their account; accounts without lines are not in it."""

    def __init__(self) -> None:
        self._only = array("i")
        self._several: dict[int, list[int]] = {}

    @classmethod
    def of(cls, account_of: NDArray[np.int32]) -> "AccountLines":
        """From the account of each line."""
        lines = cls()
        lines.add_all(account_of, np.arange(len(account_of)))
        return lines

    def add(self, account: int, row: int) -> None:
        """The account has this line too."""
        while account >= len(self._only):
            self._only.append(NO_LINE)
        if account in self._several:
            insort(self._several[account], row)
        elif self._only[account] == NO_LINE:
            self._only[account] = row
        else:
            self._several[account] = sorted((self._only[account], row))

    def add_all(self, accounts: NDArray[np.int32] | NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Each account has this line too, as `add` one after the other would note it."""
        if not len(accounts):
            return
        self._only.extend([NO_LINE] * (int(accounts.max()) + 1 - len(self._only)))
        only = np.frombuffer(self._only, np.intc)
        _, first = np.unique(accounts, return_index=True)
        free = first[only[accounts[first]] == NO_LINE]
        only[accounts[free]] = rows[free]
        del only  # an array that is looked into cannot grow
        for place in np.setdiff1d(np.arange(len(accounts)), free, assume_unique=True).tolist():
            self.add(int(accounts[place]), int(rows[place]))

    def remove(self, account: int, row: int) -> None:
        """The account has this line no longer."""
        rows = self[account]
        rows.remove(row)
        self._several.pop(account, None)
        self._only[account] = rows[0] if rows else NO_LINE
        if len(rows) > 1:
            self._several[account] = rows

    def __getitem__(self, account: int) -> list[int]:
        if account in self._several:
            return list(self._several[account])
        if not 0 <= account < len(self._only) or self._only[account] == NO_LINE:
            raise KeyError(account)
        return [self._only[account]]

    def __iter__(self) -> Iterator[int]:
        return (account for account, row in enumerate(self._only) if row != NO_LINE)

    def __len__(self) -> int:
        return sum(row != NO_LINE for row in self._only)
