"""What the customer page draws of a line, taken from the state."""

import math

import numpy as np

from pipeline.features.facts import RHYTHM_DAYS, facts_of, recent_days
from pipeline.line_views import InvoiceView, LineView
from pipeline.policy import SignalPolicy
from pipeline.state.catalogue import SLOW
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState
from pipeline.warnings import report_episodes

#: Half-width of the baseline band in standard deviations of a Poisson count.
BAND_DEVIATIONS = 2.0


def view_of(state: PartitionState, row: int, now_ms: int, policy: SignalPolicy) -> LineView:
    """The line's last 28 days, its band, bills, score and what is on."""
    lines = state.lines
    rows = np.array([row], np.int64)
    facts = facts_of(lines, rows, now_ms, state.landmark.ms)
    rate = float(facts.activity(SLOW)[0])
    band = BAND_DEVIATIONS * math.sqrt(rate)
    account = int(lines["account"][row])
    cases = [case for case in (lines.cases.get(row), state.accounts.cases.get(account)) if case is not None]
    score = float(lines["score"][row])
    return LineView(
        account_id=state.accounts.ids[account],
        line_id=lines.ids[row],
        ts_ms=now_ms,
        day_ms=now_ms // DAY_MS * DAY_MS - DAY_MS,
        daily_activity=recent_days(lines["activity"][rows], now_ms, RHYTHM_DAYS)[0].tolist(),
        baseline_per_day=round(rate, 3),
        baseline_low=round(max(0.0, rate - band), 3),
        baseline_high=round(rate + band, 3),
        invoices=[
            InvoiceView(int(ts), round(float(amount), 2))
            for ts, amount in zip(lines["bills_ms"][row], lines["bills"][row], strict=True)
            if not math.isnan(amount)
        ],
        score=0.0 if math.isnan(score) else round(min(1.0, max(0.0, score)), 6),
        score_basis="model" if lines["by_model"][row] else "prior",
        active_signals=report_episodes(cases, policy),
    )
