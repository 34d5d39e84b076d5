"""How many tasks there are, as lists and pages tell it."""

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """How many tasks there are. `closed` counts all ever closed, `overdue` the open ones whose due time has passed."""

    open: int
    closed: int
    overdue: int
    by_state: dict[str, int]
    by_group: dict[str, int]
    created: int
    refused: dict[str, int]


class OwnerCounts(msgspec.Struct, frozen=True):
    """One owner's open tasks."""

    owner: str
    open: int
    new: int
