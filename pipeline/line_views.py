"""What the customer page draws of a line, as it crosses processes (docs/adr/0022-line-views.md)."""

import msgspec

from pipeline.events import EpochMs, Id, Money, ScoreBasis, Share, SignalReport


class InvoiceView(msgspec.Struct, frozen=True):
    """One bill as the customer page draws it."""

    ts_ms: EpochMs
    amount: Money


class LineView(msgspec.Struct, frozen=True):
    """What the customer page draws of one line: its last days, bills and score (topic `churn.line-views`, compacted).

    Published beside each warning and at every daily sweep while a warning's episode lasts.
    `daily_activity`: 28 counts of calls, messages and data sessions, oldest first, the last one is `day_ms`.
    `baseline_per_day` with `baseline_low`/`baseline_high`: the line's own slow rate and the band of two standard deviations
    that Poisson noise alone would give. `active_signals`: what is on now for the line and its account; a task whose signals
    are gone from here may close itself. `prior`: what these signals alone would give, beside a model's score; None: not told.
    """

    account_id: Id
    line_id: Id
    ts_ms: EpochMs
    day_ms: EpochMs
    daily_activity: list[int]
    baseline_per_day: float
    baseline_low: float
    baseline_high: float
    invoices: list[InvoiceView]
    score: Share
    score_basis: ScoreBasis
    active_signals: list[SignalReport] = []
    prior: Share | None = None
