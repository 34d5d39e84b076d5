"""Has it fallen, and is it back? Two cumulative sums of log likelihood ratios a channel (E. S. Page, Biometrika 41, 1954)."""

import math
from collections.abc import Iterable

import msgspec

#: The drop that is looked for: to this share of what is expected. Less than about 20 % off never adds up.
FALLEN_TO = 0.6
#: Evidence (nats) that declares a drop. Each channel is a test every hour for years: exp(14) hours are 137 years.
DECLARED_AT = 14.0
#: A drop is dated back to the hour in which the evidence passed this: below it, it may be chance.
BEGINS_AT = 3.5
#: Shares of what is expected above this are no drop worth the name; with less than so many expected nobody can tell.
WORTH_THE_NAME, EXPECTED_MIN = 0.65, 2.0
#: No day is so quiet: of what falls below this share the hours are independent witnesses.
NO_QUIET_DAY = 0.2
#: Faults of an outage against the usual ones, and how long a report speaks for the hours after it.
MANY_FAULTS, FAULTS_KEPT_AN_HOUR = 20.0, 0.8
#: Evidence that ends one.
BACK_AT = 5.0
BACK_TO, STILL_AT = 0.8, 0.55
#: Counts spread more than Poisson: variance over mean, learnt, within these bounds.
SPREAD_START, SPREAD_MIN, SPREAD_MAX = 1.5, 1.0, 12.0
SPREAD_RATE = 1.0 / 168.0
#: Hours of a day are not independent: who rests, rests all day. Days spread more than hours would have it, learnt as well.
DAY_SPREAD_START, DAY_SPREAD_RATE, DAY_HOURS = 2.5, 1.0 / 21.0, 24
#: The last hours: an hour counts for so much of the one after it. So many accounts as usual stand beside what they say.
LATELY_KEPT, LATELY_USUAL = 0.9, 30.0


class Heard(msgspec.Struct):
    """What was heard of a crowd over some hours: accounts, expected and seen, faults reported and usual, late records."""

    expected: float = 0.0
    seen: float = 0.0
    faults: float = 0.0
    faults_usual: float = 0.0
    late: float = 0.0

    def add(self, other: "Heard") -> None:
        """Some more hours, or regions."""
        self.expected += other.expected
        self.seen += other.seen
        self.faults += other.faults
        self.faults_usual += other.faults_usual
        self.late += other.late

    @property
    def shrunk_ratio(self) -> float:
        """Seen over expected, shrunk towards as usual."""
        return (self.seen + LATELY_USUAL) / (self.expected + LATELY_USUAL)

    def beside(self, others_ratio: float) -> "Heard":
        """The same, expecting only as much of usual as is heard of others."""
        return msgspec.structs.replace(self, expected=self.expected * others_ratio)


class Standing(msgspec.Struct):
    """One channel's evidence of a drop, and of faults that go with it.

    `since_ms`: since when it speaks of one, `heard`: what was heard since; `spread`: its variance over its mean. `lately_*`:
    what was expected and seen in the last hours, fading by a tenth each. `day_*`: the same spread of whole days, of which
    `day` is the one that runs. `silent_ms`, `silent`: the same as the first two, of the hours in a row that are silent.
    """

    evidence: float = 0.0
    fault_evidence: float = 0.0
    since_ms: int = 0
    heard: Heard = msgspec.field(default_factory=Heard)
    spread: float = SPREAD_START
    back: float = 0.0
    back_ms: int = 0
    lately_expected: float = 0.0
    lately_seen: float = 0.0
    day_spread: float = DAY_SPREAD_START
    day: Heard = msgspec.field(default_factory=Heard)
    day_hours: int = 0
    silent_ms: int = 0
    silent: Heard = msgspec.field(default_factory=Heard)

    @property
    def began(self) -> tuple[int, Heard]:
        """Since when, and what was heard since. Silence is dated from its first hour: a slow day before it is no part of it. Some
        empty hours of a night are no silence: it has to be evidence by itself.
        """
        if self.silent.expected * (1.0 - FALLEN_TO) >= BEGINS_AT * self.widest_spread:
            return self.silent_ms, self.silent
        return self.since_ms, self.heard

    @property
    def widest_spread(self) -> float:
        """Variance over mean that evidence is divided by: of hours, or of days where they spread more."""
        return max(self.spread, self.day_spread)

    @property
    def is_declared(self) -> bool:
        """Whether the evidence of calls, with that of faults, is enough, and it is a drop worth the name."""
        fell = self.heard.seen <= WORTH_THE_NAME * self.heard.expected and self.heard.expected >= EXPECTED_MIN
        by_hours = self.evidence * self.widest_spread / self.spread
        silent = self.heard.seen <= NO_QUIET_DAY * self.heard.expected
        evidence = by_hours if silent else self.evidence
        return self.evidence > 0.0 and fell and evidence + self.fault_evidence >= DECLARED_AT

    def watch(self, hour_ms: int, hour: Heard) -> None:
        """Count one hour towards a drop.

        With Poisson counts over the spread: (expected (1 - 0.6) + seen ln 0.6) / spread, never below 0. Faults: twenty times
        as many as usual, in the last hours.
        """
        if self.evidence < BEGINS_AT:
            self.since_ms, self.heard = hour_ms, Heard()
        self.heard.add(hour)
        if hour.seen > NO_QUIET_DAY * hour.expected:
            self.silent_ms, self.silent = 0, Heard()
        else:
            self.silent_ms = self.silent_ms or hour_ms
            self.silent.add(hour)
        gain = (hour.expected * (1.0 - FALLEN_TO) + hour.seen * math.log(FALLEN_TO)) / self.widest_spread
        self.evidence = max(0.0, self.evidence + gain)
        faults = hour.faults * math.log(MANY_FAULTS) - hour.faults_usual * (MANY_FAULTS - 1.0)
        self.fault_evidence = max(0.0, FAULTS_KEPT_AN_HOUR * self.fault_evidence + faults)

    def watch_return(self, hour_ms: int, hour: Heard) -> None:
        """Count one hour towards its end: 80 % of what is expected against 55 %."""
        if self.back == 0.0:
            self.back_ms = hour_ms
        gain = (hour.seen * math.log(BACK_TO / STILL_AT) - hour.expected * (BACK_TO - STILL_AT)) / self.widest_spread
        self.back = max(0.0, self.back + gain)

    def remember(self, hour: Heard) -> None:
        """Count one hour among the last ones."""
        self.lately_expected = LATELY_KEPT * self.lately_expected + hour.expected
        self.lately_seen = LATELY_KEPT * self.lately_seen + hour.seen

    def learn_spread(self, seen: float, expected: float) -> None:
        """Learn how far counts lie from what is expected in quiet hours."""
        if expected > 0:
            square = min((seen - expected) ** 2 / expected, 4.0 * SPREAD_MAX)
            self.spread = min(SPREAD_MAX, max(SPREAD_MIN, self.spread + SPREAD_RATE * (square - self.spread)))
        self.day.add(Heard(expected, seen))
        self.day_hours += 1
        if self.day_hours >= DAY_HOURS and self.day.expected > 0:
            square = min((self.day.seen - self.day.expected) ** 2 / self.day.expected, 4.0 * SPREAD_MAX)
            wider = self.day_spread + DAY_SPREAD_RATE * (square - self.day_spread)
            self.day_spread, self.day, self.day_hours = min(SPREAD_MAX, max(SPREAD_MIN, wider)), Heard(), 0

    def go_down(self) -> None:
        """Declared."""
        self.back, self.back_ms = 0.0, 0

    def come_back(self) -> None:
        """Over."""
        self.evidence, self.fault_evidence, self.back, self.heard = 0.0, 0.0, 0.0, Heard()
        self.silent_ms, self.silent = 0, Heard()


def ratio_lately(crowd: Iterable[Standing]) -> float:
    """What was heard of these in the last hours over what was expected, shrunk towards as usual.

    >>> ratio_lately([])
    1.0
    """
    heard = Heard()
    for one in crowd:
        heard.expected += one.lately_expected
        heard.seen += one.lately_seen
    return heard.shrunk_ratio
