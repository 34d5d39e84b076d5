"""Facts of lines as signals and features see them, made from a few numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.features.facts import Facts
from pipeline.state.catalogue import BILLS_KEPT, HALF_LIVES_DAYS, QUANTITY_INDEX

NOW_MS = 20_600 * 86_400_000
#: Rates per day (fast, middle, slow) by quantity.
Rates = Mapping[str, tuple[float, float, float]]


def facts(
    rates: Rates | None = None,
    *,
    age_days: float = 200.0,
    gap_days: float = 0.0,
    active_days: float = 28.0,
    watched_days: float = 28.0,
    active_share: float = -1.0,
    bills: Sequence[float] = (),
) -> Facts:
    """One line at noon of no particular day."""
    table = np.zeros((1, len(QUANTITY_INDEX), len(HALF_LIVES_DAYS)))
    for name, values in (rates or {}).items():
        table[0, QUANTITY_INDEX[name]] = values
    row = np.zeros(1, np.int64)
    kept = np.full((1, BILLS_KEPT), np.nan)
    if bills:
        kept[0, -len(bills) :] = bills
    one: dict[str, Any] = {
        "age_days": age_days, "gap_days": gap_days, "own_gap_days": gap_days, "active_days": active_days,
        "watched_days": watched_days, "active_share": active_share,
    }  # fmt: skip
    columns: dict[str, Any] = {name: np.array([value]) for name, value in one.items()}
    return Facts(NOW_MS, row, row, table, bills=kept, **columns)
