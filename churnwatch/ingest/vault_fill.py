"""Numbers of our lines on their way into the vault: sealed, and sent beside the records that named them."""

import time
from collections.abc import Callable

from alerts.sealed import Sealer
from churnwatch.seals import VAULT, as_values
from pipeline.sources.line_numbers import LineNumber
from pipeline.sources.port import Outgoing


class VaultFill:
    """Seals what was caught.

    A line's number is sent before, or with, the first record that names it: whoever finds a record finds its number.

    Args:
        sealer: of the topic "vault".
        caught: lines met since the last time, with their numbers.
    """

    def __init__(self, sealer: Callable[[], Sealer], caught: Callable[[], list[LineNumber]]) -> None:
        self._make_sealer = sealer
        self._sealer: Sealer | None = None
        self._caught = caught
        self.numbers = 0

    def take(self) -> Outgoing:
        """What to send now; empty when no line is new. The key is read, or made, at the first number."""
        caught = self._caught()
        if not caught:
            return Outgoing()
        if self._sealer is None:
            self._sealer = self._make_sealer()
        seal, now_ms = self._sealer.seal, time.time_ns() // 1_000_000
        records = [seal(each.line_id, each.number.encode(), now_ms, each.account_id) for each in caught]
        self.numbers += len(records)
        names = [record.name for record in records]
        return Outgoing([now_ms] * len(records), [VAULT] * len(records), names, as_values(records), range(len(records)))
