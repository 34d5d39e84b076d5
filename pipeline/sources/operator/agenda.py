"""What is going to happen: records planned for later days, and lines that leave or come back on them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.events import ChurnKind, Stream
from pipeline.sources.operator.clock import day_of
from pipeline.sources.operator.population import account_name, line_name


class Planned(NamedTuple):
    """A record to come, without id and reception time."""

    stream: Stream
    ts_ms: int
    account: int
    fields: dict[str, Any]


class PlannedCall(NamedTuple):
    """A call that says something: to a rival's hotline (`forward` False), or call forwarding set to a rival's
    network.
    """

    ts_ms: int
    line: int
    operator: int
    forward: bool


class Departure(NamedTuple):
    """A line that leaves for good."""

    line: int
    ts_ms: int
    kind: ChurnKind
    cause: str
    decided_ms: int


class Episode(NamedTuple):
    """What only the simulator knows: a decision or a look-alike, and which traces it was given."""

    line: int
    day: int
    name: str
    decides: bool
    leaves: bool
    trace: str  # "full", "fade" (nothing but fading usage) or "none"


@dataclass(slots=True)
class Agenda:
    """All plans by day. Plans for days before day 0 are forgotten when that day is taken."""

    records: dict[int, list[Planned]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[int, list[PlannedCall]] = field(default_factory=lambda: defaultdict(list))
    departures: dict[int, list[Departure]] = field(default_factory=lambda: defaultdict(list))
    releases: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    reconnects: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, stream: Stream, ts_ms: int, account: int, line: int | None = None, **fields: Any) -> None:
        """Plan a record; fields with the value None are left out."""
        content = {name: value for name, value in fields.items() if value is not None}
        if line is not None:
            content["line_id"] = line_name(line)
        self.records[day_of(ts_ms)].append(Planned(stream, ts_ms, account, content))

    def call(self, ts_ms: int, line: int, operator: int, *, forward: bool = False) -> None:
        """Plan a call to a rival's hotline, or forwarding to its network."""
        self.calls[day_of(ts_ms)].append(PlannedCall(ts_ms, line, operator, forward))

    def leave(self, departure: Departure) -> None:
        """Plan a departure."""
        self.departures[day_of(departure.ts_ms)].append(departure)


def record_of(planned: Planned, record_id: str, received_ms: int) -> dict[str, Any]:
    """The record as it goes on the wire."""
    return {
        "record_id": record_id,
        "ts_ms": planned.ts_ms,
        "received_ms": received_ms,
        "account_id": account_name(planned.account),
        **planned.fields,
    }
