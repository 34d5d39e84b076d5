"""Facts and standing hard signals -> the feature matrix, one row a line, in the order of the catalogue."""

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Facts, Floats
from pipeline.policy import HardPolicy
from pipeline.signals.network import hotline_calls, off_net_shares
from pipeline.signals.usage import silence, usage_drop
from pipeline.state.cases import Case
from pipeline.state.catalogue import FAST, MIDDLE, SLOW
from pipeline.state.decay import DAY_MS
from pipeline.state.table import ColumnTable

#: Events a day added to both sides of a log ratio, so that a ratio of nearly nothing says nearly nothing.
RATIO_FLOOR_PER_DAY = 0.2


def dense_features(facts: Facts, accounts: ColumnTable) -> Floats:
    """Columns of `DENSE_FEATURES`, shape (n, len(DENSE_FEATURES)); NaN is missing."""
    fast, slow = facts.activity(FAST), facts.activity(SLOW)
    off_net_now, off_net_usual = off_net_shares(facts)
    bill_drop, bill_level = _bills(facts.bills)
    tenure, contract = _relationship(facts, accounts)
    segment = accounts["segment"][facts.account_rows]
    columns = (
        np.log1p(fast),
        np.log1p(slow),
        _log_ratio(fast, slow),
        _log_ratio(facts.activity(MIDDLE), slow),
        _log_ratio(*facts.fast_and_slow("voice_out")),
        _log_ratio(*facts.fast_and_slow("messages")),
        _log_ratio(*facts.fast_and_slow("data_sessions")),
        _log_ratio(*facts.fast_and_slow("charge")),
        usage_drop(facts),
        silence(facts),
        np.log1p(facts.gap_days),
        np.log1p(facts.own_gap_days),
        off_net_now,
        off_net_now - off_net_usual,
        hotline_calls(facts),
        bill_drop,
        bill_level,
        np.log1p(facts.age_days),
        tenure,
        contract,
        accounts["prepaid"][facts.account_rows].astype(np.float64),
        (segment > 0).astype(np.float64),
        accounts["star"][facts.account_rows] / 5.0,
    )
    return np.column_stack(columns)


def standing_strengths(case: Case, now_ms: int, hard: dict[str, HardPolicy]) -> dict[str, float]:
    """Strength of each hard signal that stands at `now_ms`, fading linearly to half over its days."""
    result = {}
    for name, event in case.hard.items():
        policy = hard.get(name)
        if policy is None:
            continue
        share = (now_ms - event.last_ms) / (policy.days * DAY_MS)
        if share < 1.0:
            fading = 1.0 - 0.5 * max(0.0, share)
            result[name] = policy.strength_of(event.count, event.severity) * fading
    return result


def hard_features(facts: Facts, lines: ColumnTable, accounts: ColumnTable, hard: dict[str, HardPolicy]) -> Floats:
    """Standing strengths of the lines' own hard signals and their accounts', shape (n, len(hard))."""
    column = {name: index for index, name in enumerate(hard)}
    result = np.zeros((len(facts.rows), len(hard)))
    for table, rows in ((lines, facts.rows), (accounts, facts.account_rows)):
        for place in np.flatnonzero(table.has_case(rows)).tolist():
            for name, strength in standing_strengths(table.cases[int(rows[place])], facts.now_ms, hard).items():
                result[place, column[name]] = max(result[place, column[name]], strength)
    return result


def _log_ratio(now: Floats, before: Floats) -> Floats:
    result: Floats = np.log((now + RATIO_FLOOR_PER_DAY) / (before + RATIO_FLOOR_PER_DAY))
    return result


def _bills(bills: Floats) -> tuple[Floats, Floats]:
    """Drop of the last bill against the median of the earlier ones, and log of that median."""
    earlier = np.sort(bills[:, :-1], axis=1)
    count = np.sum(~np.isnan(earlier), axis=1)
    row = np.arange(len(bills))
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, earlier.shape[1] - 1)
    usual = np.where(count >= 1, (earlier[row, low] + earlier[row, high]) / 2.0, np.nan)
    drop = np.where((count >= 2) & (usual > 0), 1.0 - bills[:, -1] / np.where(usual > 0, usual, 1.0), np.nan)
    return np.clip(drop, -2.0, 1.0), np.log1p(np.maximum(usual, 0.0))


def _relationship(facts: Facts, accounts: ColumnTable) -> tuple[Floats, Floats]:
    tenure_start: NDArray[np.int64] = accounts["tenure_start_ms"][facts.account_rows]
    contract_end: NDArray[np.int64] = accounts["contract_end_ms"][facts.account_rows]
    tenure = np.where(tenure_start != 0, np.maximum(facts.now_ms - tenure_start, 0) / DAY_MS, np.nan)
    months_left = np.where(contract_end != 0, (contract_end - facts.now_ms) / (30.0 * DAY_MS), np.nan)
    return np.log1p(tenure), np.clip(months_left, -3.0, 12.0)
