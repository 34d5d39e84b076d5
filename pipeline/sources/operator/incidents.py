"""What happened to many at once, as the operator knows it: `incidents.jsonl`, for reports; the engine never reads it."""

from collections.abc import Iterator

import msgspec

from pipeline.events import EpochMs
from pipeline.sources.operator.clock import DAY_MS, day_start_ms
from pipeline.sources.operator.config import OperatorConfig


class KnownIncident(msgspec.Struct, frozen=True):
    """From when to when, what, and where; an empty region is everywhere."""

    start_ms: EpochMs
    end_ms: EpochMs
    kind: str
    region: str = ""


def known_incidents(config: OperatorConfig) -> Iterator[KnownIncident]:
    """The scenario's shocks that begin within the simulated days."""
    for shock in sorted(config.shocks, key=lambda one: one.day):
        if shock.day < config.days:
            start_ms = day_start_ms(shock.day)
            yield KnownIncident(start_ms, start_ms + round(shock.days * DAY_MS), shock.kind, shock.region)
