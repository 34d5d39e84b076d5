"""Facts and standing hard signals -> the feature matrix, one row a line, in the order of the catalogue."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.events import CareKind
from pipeline.features.catalogue import DENSE_FEATURES, MEASURED, PRIOR_COLUMN
from pipeline.features.circumstances import (
    FAULT_DAYS,
    FORWARDED_DAYS,
    account_fading,
    bill_fell,
    contract_ending,
    fading,
    is_key,
    lately,
    others_left,
    others_stirring,
)
from pipeline.features.companions import case_strengths, own_hard
from pipeline.features.facts import Facts, Floats
from pipeline.features.prior import prior_log_odds
from pipeline.policy import HardPolicy, SignalPolicy
from pipeline.signals.network import competitor_hotline, off_net_shares
from pipeline.signals.usage import silence, usage_drop
from pipeline.state.catalogue import FAST, MIDDLE, NEVER, SLOW
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.state.table import ColumnTable

CARE_KINDS = frozenset(CareKind)
BILL_DROP = [feature.name for feature in MEASURED].index("bill_drop")
#: Events a day added to both sides of a log ratio, so that a ratio of nearly nothing says nearly nothing.
RATIO_FLOOR_PER_DAY = 0.2
NOTHING_KNOWN: Mapping[str, Floats] = {}
RATIO_QUANTITIES = ("voice_out", "messages", "data_sessions", "charge")


def feature_matrix(
    facts: Facts,
    state: PartitionState,
    policy: SignalPolicy,
    strengths: Mapping[str, Floats] = NOTHING_KNOWN,
    own: Floats | None = None,
) -> Floats:
    """All features of these lines: dense ones, then hard signals; shape (n, len(features_for(policy.hard))).

    `strengths`: of the gradual signals of these very facts, by name, as far as somebody has worked them out already; `own`: what
    `own_hard` gives of them. What the policy bars is missing, and the prior knows nothing of it either.
    """
    own = own_hard(state, policy.hard, facts) if own is None else own
    hard = np.maximum(own, _shared_hard(facts, state.accounts, policy.hard))
    measured = _measured(facts, state.accounts, strengths)
    shaped = _shaped(facts, state, own.sum(axis=1), measured[:, BILL_DROP], strengths)
    circumstances = np.hstack([measured, shaped])
    if policy.barred:
        circumstances[:, [policy.is_barred(feature.reason) for feature in DENSE_FEATURES[:PRIOR_COLUMN]]] = np.nan
        hard = np.where([policy.is_barred(name) for name in policy.hard], 0.0, hard)
    prior = prior_log_odds(circumstances, DENSE_FEATURES[:PRIOR_COLUMN], hard, policy)
    return np.hstack([circumstances, prior[:, None], hard])


def _measured(facts: Facts, accounts: ColumnTable, strengths: Mapping[str, Floats]) -> Floats:
    """Columns of `MEASURED`; NaN is missing."""
    slow = facts.activity(SLOW)
    ratios = _log_ratios(facts, slow)
    off_net_now, off_net_usual = off_net_shares(facts)
    segment = accounts["segment"][facts.account_rows]
    columns = (
        np.log1p(slow),
        *ratios,
        strengths["usage_drop"] if "usage_drop" in strengths else usage_drop(facts),
        strengths["silence"] if "silence" in strengths else silence(facts),
        np.log1p(facts.gap_days),
        np.log1p(facts.own_gap_days),
        off_net_now,
        off_net_now - off_net_usual,
        _bill_drop(facts.bills),
        np.log1p(facts.age_days),
        _months_left(facts, accounts),
        accounts["prepaid"][facts.account_rows].astype(np.float64),
        (segment > 0).astype(np.float64),
        accounts["star"][facts.account_rows] / 5.0,
    )
    return np.column_stack(columns)


def _shaped(
    facts: Facts, state: PartitionState, own: Floats, bill_drop: Floats, strengths: Mapping[str, Floats]
) -> Floats:
    """Columns of `SHAPED`; never missing."""
    lines, accounts, now_ms = state.lines, state.accounts, facts.now_ms
    key = is_key(facts, accounts)
    ending, ended = contract_ending(facts, accounts)
    left, together = others_left(facts, accounts), account_fading(facts, accounts)
    columns = (
        fading(facts),
        strengths["competitor_hotline"] if "competitor_hotline" in strengths else competitor_hotline(facts),
        lately(lines["forwarded_ms"][facts.rows], now_ms, FORWARDED_DAYS),
        lately(lines["fault_ms"][facts.rows], now_ms, FAULT_DAYS) * (1.0 - key),
        bill_fell(bill_drop),
        ending,
        ended,
        (accounts["contract_end_ms"][facts.account_rows] == NEVER).astype(np.float64),
        others_stirring(facts, accounts, own) * (1.0 - key),
        left * (1.0 - key),
        together,
        key,
        left * key,
        together * key,
    )
    return np.column_stack(columns)


def _shared_hard(facts: Facts, accounts: ColumnTable, hard: Mapping[str, HardPolicy]) -> Floats:
    """Standing strengths of the hard signals of the lines' accounts, shape (n, len(hard)).

    What a company of many lines tells us in care without naming a line counts for each of them as its share: it has as many
    times the occasion. An order without a line speaks of all lines.
    """
    strengths = case_strengths(accounts, facts.account_rows, facts.now_ms, hard)
    told_in_care = [set(policy.started_by or (name,)) <= CARE_KINDS for name, policy in hard.items()]
    live = np.maximum(accounts["live_lines"][facts.account_rows].astype(np.float64), 1.0)
    return np.where(told_in_care, strengths / live[:, None], strengths)


def _log_ratios(facts: Facts, usual: Floats) -> Floats:
    """Activity of the last days, and of the last weeks, over `usual` activity; then some quantities of the last days over
    their own usual rates; shape (6, n).
    """
    pairs = [facts.fast_and_slow(name) for name in RATIO_QUANTITIES]
    now = np.array([facts.activity(FAST), facts.activity(MIDDLE), *(fast for fast, _ in pairs)])
    before = np.array([usual, usual, *(slow for _, slow in pairs)])
    result: Floats = np.log((now + RATIO_FLOOR_PER_DAY) / (before + RATIO_FLOOR_PER_DAY))
    return result


def _bill_drop(bills: Floats) -> Floats:
    """Drop of the last bill against the median of the earlier ones."""
    earlier = np.sort(bills[:, :-1], axis=1)
    count = np.sum(~np.isnan(earlier), axis=1)
    row = np.arange(len(bills))
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, earlier.shape[1] - 1)
    usual = np.where(count >= 1, (earlier[row, low] + earlier[row, high]) / 2.0, np.nan)
    drop = np.where((count >= 2) & (usual > 0), 1.0 - bills[:, -1] / np.where(usual > 0, usual, 1.0), np.nan)
    return np.clip(drop, -2.0, 1.0)


def _months_left(facts: Facts, accounts: ColumnTable) -> Floats:
    contract_end: NDArray[np.int64] = accounts["contract_end_ms"][facts.account_rows]
    months_left = np.where(contract_end != NEVER, (contract_end - facts.now_ms) / (30.0 * DAY_MS), np.nan)
    return np.clip(months_left, -3.0, 12.0)
