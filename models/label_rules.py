"""When a line has churned, and what that makes of a snapshot taken before (CONTRACT.md section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from pipeline.events import ChurnKind

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The label clock. All times in milliseconds.

    `horizon_ms`: whole days. `return_ms`: a reconnect or win-back within this time takes a hard churn back.
    `silence_final_ms`: a silence that lasts this long is final; until then it is a proxy that activity takes back.
    `quiet_ms`: a line without activity for this long when it is to count as a stayer may be about to churn by silence: its
    snapshot waits, at most `silence_wait_ms` beyond the horizon.
    `treated_weight`: what an example counts for when a retention contact came before what it tells, and not longer than
    `treated_after_ms` before its snapshot; 0 leaves it out (it is censored at the contact). `rows_per_day_max`: limit of
    memory; beyond it lines are sampled by their hash and the others' weight rises. `label_age_max_ms`: a hard label older
    than this when it is told is refused. `silence_weight`: what a leaving by silence counts for; it is told as a proxy, and many
    come back (docs/adr/0061-stayers-are-told-after-a-drawn-time.md).
    """

    horizon_ms: int = 30 * DAY_MS
    return_ms: int = 30 * DAY_MS
    silence_final_ms: int = 90 * DAY_MS
    quiet_ms: int = 2 * DAY_MS
    silence_wait_ms: int = 45 * DAY_MS
    snapshot_every_days: int = 7
    rows_per_day_max: int = 4096
    treated_weight: float = 0.5
    treated_after_ms: int = 30 * DAY_MS
    label_age_max_ms: int = 120 * DAY_MS
    silence_weight: float = 0.5


class Departure(msgspec.Struct, array_like=True):
    """One leaving of a line: when, known since when, how; `returned_ms` is None while it is gone."""

    churn_ms: int
    known_ms: int
    kind: ChurnKind
    returned_ms: int | None = None


class Verdict(StrEnum):
    CHURNED = "churned"
    STAYED = "stayed"
    LEFT_OUT = "left_out"


class LabelRefusal(StrEnum):
    """Why a label was not taken. Closed: a metric label."""

    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    SAME_EVENT = "same_event"


def was_taken_back(departure: Departure, rules: LabelRules) -> bool:
    """True if the line came back so soon that it counts as never gone.

    >>> was_taken_back(Departure(0, 0, ChurnKind.PORT_OUT, returned_ms=29 * DAY_MS), LabelRules())
    True
    >>> was_taken_back(Departure(0, 0, ChurnKind.PORT_OUT, returned_ms=31 * DAY_MS), LabelRules())
    False
    """
    if departure.returned_ms is None:
        return False
    limit_ms = rules.silence_final_ms if departure.kind is ChurnKind.SILENCE else rules.return_ms
    return departure.returned_ms - departure.churn_ms <= limit_ms


def judge(
    snapshot_ms: int, until_ms: int, tick_ms: int, departures: Sequence[Departure], rules: LabelRules
) -> tuple[Verdict, Departure | None]:
    """What had become of a snapshot's line by `until_ms`, from what is known at `tick_ms`, and the departure that says so.

    A line already gone at its snapshot is left out, and so is one that left involuntarily by then.
    """
    for departure in departures:
        if departure.known_ms > tick_ms or was_taken_back(departure, rules):
            continue
        if departure.churn_ms <= snapshot_ms:
            if departure.returned_ms is None or departure.returned_ms > snapshot_ms:
                return Verdict.LEFT_OUT, departure
        elif departure.churn_ms <= until_ms:
            verdict = Verdict.LEFT_OUT if departure.kind is ChurnKind.INVOLUNTARY else Verdict.CHURNED
            return verdict, departure
    return Verdict.STAYED, None


def refusal_of(departure: Departure, earlier: Sequence[Departure], rules: LabelRules) -> LabelRefusal | None:
    """Why this departure adds nothing, or None. The first label wins; while a line is gone it cannot leave again."""
    if departure.churn_ms > departure.known_ms:
        return LabelRefusal.FROM_THE_FUTURE
    if departure.known_ms - departure.churn_ms > rules.label_age_max_ms:
        return LabelRefusal.TOO_OLD
    for other in earlier:
        still_gone = other.returned_ms is None
        if still_gone or (
            abs(departure.churn_ms - other.churn_ms) <= rules.return_ms and not was_taken_back(other, rules)
        ):
            return LabelRefusal.SAME_EVENT
    return None
