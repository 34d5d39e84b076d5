"""Lines whose leaving is declared: a case is open, so that naming them is no prediction (CONTRACT.md section 5)."""

from collections.abc import Iterable

from pipeline.events import OrderKind, OrderRecord

_OPENS = {OrderKind.TERMINATION, OrderKind.PORT_CODE_ISSUED, OrderKind.PORT_OUT_ORDER}
_CLOSES: dict[OrderKind, frozenset[OrderKind]] = {
    OrderKind.TERMINATION_CANCELLED: frozenset({OrderKind.TERMINATION}),
    OrderKind.TERMINATION_DONE: frozenset(_OPENS),
    OrderKind.PORT_CODE_EXPIRED: frozenset({OrderKind.PORT_CODE_ISSUED}),
    OrderKind.PORT_OUT_DONE: frozenset(_OPENS),
    OrderKind.RECONNECT: frozenset(_OPENS),
}
FOREVER_MS = 1 << 62


class OpenCases:
    """Open terminations, port codes and port orders by line; one without a line counts for every line of its account.

    A port code ends by itself at `expires_ms`, the others only by a record. An order acts on what happened before it:
    of two records received in the wrong order, the later `ts_ms` wins.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[str, OrderKind], tuple[int, int]] = {}

    def note(self, order: OrderRecord) -> None:
        """Take in one order record, in the order of reception."""
        subject = order.line_id or order.account_id
        if order.kind in _OPENS:
            until = order.expires_ms if order.kind is OrderKind.PORT_CODE_ISSUED else None
            self._set(subject, order.kind, order.ts_ms, FOREVER_MS if until is None else until)
        for kind in _CLOSES.get(order.kind, ()):
            self._set(subject, kind, order.ts_ms, order.ts_ms)

    def open_at(self, now_ms: int) -> set[str]:
        """Line ids and account ids with an open case at this moment."""
        return {subject for (subject, _), (_, until) in self._latest.items() if until > now_ms}

    def _set(self, subject: str, kind: OrderKind, ts_ms: int, until_ms: int) -> None:
        known = self._latest.get((subject, kind))
        if known is None or ts_ms >= known[0]:
            self._latest[subject, kind] = (ts_ms, until_ms)


def note_all(cases: OpenCases, orders: Iterable[OrderRecord]) -> None:
    """Take in several records."""
    for order in orders:
        cases.note(order)
