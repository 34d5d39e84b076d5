"""All gradual signals that the engine evaluates over many lines at once, and those that a record decides."""

from pipeline.signals.base import SoftSignal
from pipeline.signals.money import MONEY_SIGNALS
from pipeline.signals.network import CIRCLE_MOVE, COMPETITOR_HOTLINE, FORWARD_OFF_NET, OFF_NET_SHIFT
from pipeline.signals.relationship import RELATIONSHIP_SIGNALS, AccountSignal
from pipeline.signals.spend import spend_drop
from pipeline.signals.usage import DATA_MOVED, INCOMING_ONLY, ROAMING_AWAY, SILENCE, USAGE_DROP

SWEPT_SIGNALS: tuple[SoftSignal, ...] = (
    USAGE_DROP, SILENCE, INCOMING_ONLY, DATA_MOVED, ROAMING_AWAY, OFF_NET_SHIFT, CIRCLE_MOVE, COMPETITOR_HOTLINE, FORWARD_OFF_NET,
)  # fmt: skip
#: Also at the ticks between two sweeps.
TICK_SIGNALS: tuple[SoftSignal, ...] = tuple(signal for signal in SWEPT_SIGNALS if signal.may_speak is not None)
#: Of accounts, at the daily sweep.
ACCOUNT_SIGNALS: tuple[AccountSignal, ...] = (*RELATIONSHIP_SIGNALS, *MONEY_SIGNALS)
#: Decided at an invoice, not at a tick.
SPEND_DROP = "spend_drop"
RECORD_SIGNALS: dict[str, object] = {SPEND_DROP: spend_drop}

SOFT_SIGNAL_NAMES: frozenset[str] = frozenset(
    {signal.name for signal in SWEPT_SIGNALS} | {signal.name for signal in ACCOUNT_SIGNALS} | set(RECORD_SIGNALS)
)
