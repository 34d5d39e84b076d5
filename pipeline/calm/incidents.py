"""An incident: the crowd itself fell silent. What it probably is, and the one warning it makes."""

import hashlib
from enum import StrEnum

import msgspec

from pipeline.calm.chart import Heard
from pipeline.events import ChurnWarning, Level, Origin, SignalReport

HOUR_MS = 3_600_000
#: Less than this share of what is expected: the network or the feed is down, people do not just call less.
NEARLY_NOTHING = 0.15
#: Faults reported, against what is usual in so many hours, that speak of the network and not of the feed.
FAULTS_TIMES, FAULTS_MIN = 3.0, 2.0
#: Share of the missing accounts whose records came late after all: then it was the feed.
CAME_LATE, CAME_LATE_MIN = 0.3, 20.0
EVERYWHERE = "everywhere"
#: The feed of call records.
CALLS = "cdr"


class Cause(StrEnum):
    """What is probably behind an incident; the name of its signal and its reason code is `crowd_<cause>`."""

    OUTAGE = "outage"
    HOLIDAY = "holiday"
    FEED_SILENT = "feed_silent"


class Incident(msgspec.Struct):
    """What, where, since when, how many.

    `where`: a region, or everywhere. `feed`: the stream that fell silent. `day`: the local day of its start, by which all
    partitions name it: the night belongs to the day that follows, when the evidence comes. `heard`: what was, since it began and
    until it was over. `over_ms`: when it was, 0 while it lasts; `known_over_ms`: when there was evidence enough of that.
    """

    where: str
    feed: str
    since_ms: int
    day: int
    lines: int
    heard: Heard = msgspec.field(default_factory=Heard)
    near_holiday: bool = False
    over_ms: int = 0
    known_over_ms: int = 0

    @property
    def seen_ratio(self) -> float:
        """Share of what was expected that was seen."""
        return self.heard.seen / self.heard.expected if self.heard.expected > 0 else 0.0

    def cause(self) -> Cause:
        """The most probable cause by what is known so far.

        A feed other than calls, or calls that came late after all: the feed. Nearly nothing heard of: the network when
        customers report faults, else the feed. Less than usual everywhere, or around a holiday: a holiday. Else an outage.
        """
        if self.feed != CALLS or self.heard.late >= max(
            CAME_LATE_MIN, CAME_LATE * (self.heard.expected - self.heard.seen)
        ):
            return Cause.FEED_SILENT
        if self.seen_ratio < NEARLY_NOTHING:
            if self.over_ms:
                return Cause.OUTAGE
            reported = self.heard.faults >= max(FAULTS_MIN, FAULTS_TIMES * self.heard.faults_usual)
            return Cause.OUTAGE if reported else Cause.FEED_SILENT
        return Cause.HOLIDAY if self.where == EVERYWHERE or self.near_holiday else Cause.OUTAGE

    def goes_on(self, again: "Incident") -> "Incident":
        """This one, which seemed to be over, with what has been heard since it began `again`."""
        heard = msgspec.structs.replace(self.heard)
        heard.add(again.heard)
        near = self.near_holiday or again.near_holiday
        return msgspec.structs.replace(
            self, heard=heard, lines=again.lines, near_holiday=near, over_ms=0, known_over_ms=0
        )

    def incident_id(self) -> str:
        """The same in every partition that sees it."""
        text = f"incident\x00{self.feed}\x00{self.where}\x00{self.day}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def warning(self, now_ms: int) -> ChurnWarning:
        """The incident as a record of `churn.warnings`: an account that is a place, and no score."""
        name = f"crowd_{self.cause()}"
        evidence = {
            "lines": float(self.lines),
            "drop_ratio": round(min(1.0, max(0.0, 1.0 - self.seen_ratio)), 4),
            "hours": round(((self.over_ms or now_ms) - self.since_ms) / HOUR_MS, 2),
            "is_over": float(self.over_ms > 0),
        }
        report = SignalReport(name, Origin.OWN_USAGE, evidence["drop_ratio"], self.since_ms, evidence)
        return ChurnWarning(
            warning_id=self.incident_id(),
            ts_ms=now_ms,
            account_id=incident_account(self.where if self.feed == CALLS else f"{self.where}:{self.feed}"),
            line_id=None,
            level=Level.WATCH,
            score=0.0,
            score_basis="prior",
            days_left=None,
            signals=[report],
            reasons=[name],
            model_version="none",
            features_hash=hashlib.blake2b(repr(sorted(evidence.items())).encode(), digest_size=8).hexdigest(),
        )


def incident_account(where: str) -> str:
    """The account id of an incident's warning; no BSS numbers its accounts like that.

    >>> incident_account("north")
    'crowd:north'
    """
    return f"crowd:{where}"[:128]


def is_incident(warning: ChurnWarning) -> bool:
    """Whether a warning speaks of the crowd and not of a customer."""
    return warning.line_id is None and warning.account_id.startswith("crowd:")
