"""Incidents of a replay: those that the engine saw, and those that the operator tells in `incidents.jsonl`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from churnwatch.backtest.directory import all_lines
from churnwatch.backtest.report.markup import day, table
from churnwatch.backtest.run import Backtest
from churnwatch.errors import UserError
from pipeline.calm.incidents import is_incident
from pipeline.refusals import UNREADABLE
from pipeline.sources.operator.incidents import KnownIncident


@dataclass(frozen=True, slots=True, order=True)
class Marked:
    """From when to when (ms), in words; `is_known`: told by the operator, not seen by the engine."""

    start_ms: int
    end_ms: int
    words: str
    is_known: bool


def incidents_of(result: Backtest) -> list[Marked]:
    """By their start.

    Raises:
        UserError: a line of `incidents.jsonl` is none.
    """
    return sorted({*_seen(result), *_known(result)})


def incident_table(incidents: Sequence[Marked]) -> str:
    """The numbers of the drawing; nothing when there are none."""
    rows = (
        (f"{number}", one.words, "known to the operator" if one.is_known else "seen by the engine", day(one.start_ms),
         day(one.end_ms))
        for number, one in enumerate(incidents, 1)
    )  # fmt: skip
    return table(("", "incident", "who tells", "from", "until"), rows) if incidents else ""


def _seen(result: Backtest) -> set[Marked]:
    """By the engine: partitions that see the same one are told once."""
    found: dict[str, Marked] = {}
    for warning in result.replayed.warnings:
        if not is_incident(warning):
            continue
        words = f"{warning.account_id.partition(':')[2]}: {warning.reasons[0].replace('_', ' ')}"
        one = Marked(warning.signals[0].since_ms, warning.ts_ms, words, is_known=False)
        known = found.get(warning.warning_id, one)
        found[warning.warning_id] = replace(
            one, start_ms=min(one.start_ms, known.start_ms), end_ms=max(one.end_ms, known.end_ms)
        )
    return set(found.values())


def _known(result: Backtest) -> set[Marked]:
    path = result.directory.path / "incidents.jsonl"
    if not path.is_file():
        return set()
    decode = msgspec.json.Decoder(KnownIncident).decode
    found: set[Marked] = set()
    for number, line in enumerate(all_lines(path), 1):
        try:
            told = decode(line)
        except UNREADABLE as error:
            raise UserError(f"{path}: line {number}: {error}; an incident has start_ms, end_ms, kind, region") from None
        words = f"{told.region or 'everywhere'}: {told.kind.replace('_', ' ')}"
        found.add(Marked(told.start_ms, told.end_ms, words, is_known=True))
    return found
