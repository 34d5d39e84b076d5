"""What the customer page draws of a line, taken from the state."""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.features.facts import RHYTHM_DAYS, facts_of, recent_days
from pipeline.line_views import InvoiceView, LineView
from pipeline.policy import SignalPolicy
from pipeline.scoring import basis_of, episode_strengths, prior_score
from pipeline.state.catalogue import SLOW
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.warnings import report_episodes

#: Half-width of the baseline band in standard deviations of a Poisson count.
BAND_DEVIATIONS = 2.0


def views_of(state: PartitionState, rows: Sequence[int], now_ms: int, policy: SignalPolicy) -> list[LineView]:
    """The lines' last 28 days, their bands, bills, scores and what is on; in the order of `rows`."""
    if not rows:
        return []
    lines, places = state.lines, np.array(rows, np.int64)
    facts = facts_of(lines, places, now_ms, state.landmark.ms)
    days = recent_days(lines["activity"][places], now_ms, RHYTHM_DAYS).tolist()
    columns = zip(rows, facts.account_rows.tolist(), facts.activity(SLOW).tolist(), days, strict=True)
    return [_view(state, row, account, rate, counts, now_ms, policy) for row, account, rate, counts in columns]


def _view(
    state: PartitionState, row: int, account: int, rate: float, days: list[int], now_ms: int, policy: SignalPolicy
) -> LineView:
    lines = state.lines
    band = BAND_DEVIATIONS * math.sqrt(rate)
    cases = [case for case in (lines.cases.get(row), state.accounts.cases.get(account)) if case is not None]
    score = float(lines["score"][row])
    return LineView(
        account_id=state.accounts.ids[account],
        line_id=lines.ids[row],
        ts_ms=now_ms,
        day_ms=now_ms // DAY_MS * DAY_MS - DAY_MS,
        daily_activity=days,
        baseline_per_day=round(rate, 3),
        baseline_low=round(max(0.0, rate - band), 3),
        baseline_high=round(rate + band, 3),
        invoices=[
            InvoiceView(1000 * ts, round(amount, 2))
            for ts, amount in zip(lines["bills_s"][row].tolist(), lines["bills"][row].tolist(), strict=True)
            if not math.isnan(amount)
        ],
        score=0.0 if math.isnan(score) else round(min(1.0, max(0.0, score)), 6),
        score_basis=basis_of(int(lines["by_model"][row])),
        active_signals=report_episodes(cases, policy),
        prior=round(prior_score(episode_strengths(*cases), policy), 6),
    )
