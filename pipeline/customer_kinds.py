"""Kinds of customers that signals are told apart by: what says much of one says nothing of another."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.state.catalogue import SEGMENTS
from pipeline.state.table import ColumnTable

CustomerKind = Literal["public", "business", "key_account", "prepaid"]
#: By code. The first three are those of `SEGMENTS`, postpaid; prepaid is a kind whatever its segment.
KINDS: tuple[CustomerKind, ...] = ("public", "business", "key_account", "prepaid")
PREPAID = len(SEGMENTS)


def kind_codes(accounts: ColumnTable, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Place among `KINDS` of each of these accounts."""
    result: NDArray[np.int64] = np.where(accounts["prepaid"][rows] > 0, PREPAID, accounts["segment"][rows]).astype(
        np.int64
    )
    return result
