"""What is on its way: records wait here until the day on which they are received, then leave in order."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.events import RefusalReason, Stream
from pipeline.sources.operator.calls import Calls
from pipeline.sources.operator.clock import day_of, day_start_ms
from pipeline.sources.operator.formatting import call_lines
from pipeline.sources.operator.mediation import reason_of, spoil
from pipeline.sources.operator.population import account_name


@dataclass(slots=True)
class Batch:
    """Records of one stream, ordered by `received_ms`: three columns of equal length, lines without their line end."""

    received_ms: list[int] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes]]:
        return zip(self.received_ms, self.keys, self.lines, strict=True)


@dataclass(slots=True)
class MediationCount:
    """What mediation did to the records of a batch. `malformed`: by the reason for which the contract refuses them."""

    duplicates: int = 0
    late: int = 0
    malformed: dict[RefusalReason, int] = field(default_factory=dict)


class Outbox:
    """Pending records by day of reception."""

    def __init__(self, account_of: NDArray[np.int64], n_accounts: int) -> None:
        self._account_of = account_of
        names = np.empty(n_accounts, object)
        names[:] = [account_name(i).encode() for i in range(n_accounts)]
        self._keys = names
        self._calls: dict[int, list[Calls]] = defaultdict(list)
        self._small: dict[tuple[int, Stream], list[tuple[int, bytes, bytes]]] = defaultdict(list)

    def put_calls(self, calls: Calls) -> None:
        """Keep call records until they are received."""
        day = (calls.received_ms - day_start_ms(0)) // (day_start_ms(1) - day_start_ms(0))
        for one in np.unique(day).tolist():
            self._calls[one].append(calls.take(day == one))

    def put(self, stream: Stream, received_ms: int, record: dict[str, Any]) -> None:
        """Keep a record of another stream until it is received."""
        line = (received_ms, str(record["account_id"]).encode(), msgspec.json.encode(record))
        self._small[day_of(received_ms), stream].append(line)

    def take(self, stream: Stream, day: int) -> Batch:
        """All records of a stream, except call records, received on this day, in order."""
        rows = sorted(self._small.pop((day, stream), []), key=lambda row: row[0])
        return Batch([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])

    def take_calls(self, day: int) -> tuple[Batch, MediationCount]:
        """All call records received on this day, in order, and what mediation did to them."""
        calls = Calls.concat(self._calls.pop(day, []))
        calls = calls.take(np.argsort(calls.received_ms, kind="stable"))
        lines = call_lines(calls, self._account_of)
        count = MediationCount(int(calls.duplicate.sum()), int(calls.late.sum()))
        for row in np.flatnonzero(calls.malformed).tolist():
            code = int(calls.malformed[row])
            lines[row] = spoil(lines[row], code)
            count.malformed[reason_of(code)] = count.malformed.get(reason_of(code), 0) + 1
        keys = self._keys[self._account_of[calls.line]].tolist()
        return Batch(calls.received_ms.tolist(), keys, lines), count
