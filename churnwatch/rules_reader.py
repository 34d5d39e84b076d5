"""Live rules from churn.rules into the engines of a worker (docs/adr/0083-live-rules.md)."""

from collections.abc import Callable

import msgspec
import structlog

from churnwatch.control_reader import ControlReader
from churnwatch.settings import Settings
from pipeline.live_rules import Editions, RulesMessage, with_changes
from pipeline.metrics import Metrics
from pipeline.policy import PolicyError, SignalPolicy
from pipeline.refusals import UNREADABLE

RULES = "rules"

log = structlog.get_logger()
_messages = msgspec.json.Decoder(RulesMessage)


def decoded_rules(raw: bytes | None) -> RulesMessage | None:
    """The edition in these bytes; None, and a line in the log, where they are none."""
    try:
        return _messages.decode(raw or b"")
    except UNREADABLE as error:
        log.warning("rules.unreadable", reason=type(error).__name__)
        return None


class RulesReader(ControlReader):
    """Tells each edition as a signal policy, with the tick from which it counts.

    Args:
        base: the policy of the files, which every edition changes anew.
        on_policy: gets the changed policy and `counts_from_ms`.
    """

    def __init__(
        self, settings: Settings, base: SignalPolicy, metrics: Metrics, on_policy: Callable[[SignalPolicy, int], None]
    ) -> None:
        super().__init__(settings, RULES)
        self._base = base
        self._version = metrics.gauge("churnwatch_rules_version")
        self._on_policy = on_policy
        self._editions = Editions()

    def take(self, raw: bytes | None) -> None:
        """One edition; one that this worker's own files do not allow is refused and told, and the one before stays."""
        message = decoded_rules(raw)
        if message is None or not self._editions.take(message):
            return
        try:
            policy = with_changes(self._base, message.changes)
        except PolicyError as error:
            log.error("rules.refused", version=message.version, problem=str(error))
            return
        self._on_policy(policy, message.counts_from_ms)
        self._version.set(message.version)
        log.info("rules.taken", version=message.version, counts_from_ms=message.counts_from_ms)
