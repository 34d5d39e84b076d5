"""All gradual signals that the engine evaluates over many lines at once, and those that a record decides."""

from pipeline.signals.base import SoftSignal
from pipeline.signals.network import COMPETITOR_HOTLINE, OFF_NET_SHIFT
from pipeline.signals.usage import SILENCE, USAGE_DROP

SWEPT_SIGNALS: tuple[SoftSignal, ...] = (USAGE_DROP, SILENCE, OFF_NET_SHIFT, COMPETITOR_HOTLINE)
#: Decided at an invoice, not at a tick.
SPEND_DROP = "spend_drop"

SOFT_SIGNAL_NAMES: frozenset[str] = frozenset({signal.name for signal in SWEPT_SIGNALS} | {SPEND_DROP})
