"""One partition's crowd: who is heard of hour by hour, what is usual, and the incidents that stand.

The crowd of a partition is a hash sample of all customers, so that a replay needs no other partition. Counted are accounts,
not calls: one customer's machines, or a large customer that leaves with 400 lines, are one account.
"""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.calm.baseline import Baseline
from pipeline.calm.chart import Standing
from pipeline.calm.incidents import CALLS, EVERYWHERE, Incident
from pipeline.calm.relative import CrowdNow
from pipeline.state.habits import USUAL_HABITS, Habits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEGMENTS, SERVICES = 3, 3
CELLS = SEGMENTS * SERVICES
#: Regions, and categories, beyond so many count as unknown: free text is no region.
REGIONS_MAX = 200
UNKNOWN = 0
#: Feeds besides calls whose silence is noticed.
FEEDS = ("billing", "orders", "care")


class FeedRhythm(msgspec.Struct):
    """How regularly a feed brings records: since when it is watched, its last hour with one, the mean number an hour, and the
    longest pause of late (hours).
    """

    first_ms: int
    last_ms: int
    per_hour: float = 0.0
    longest_hours: float = 1.0


@dataclass(slots=True)
class HourSeen:
    """What one hour brought, by region: `accounts` heard of by cell (segment by service), `faults` reported, records that came
    `late`; and records of each feed of `FEEDS`.
    """

    accounts: Floats
    faults: Floats
    late: Floats
    feeds: Floats


@dataclass(slots=True)
class Crowd:
    """State of the crowd; `pipeline/calm/watch.py` takes hours in.

    `regions` with their `zones` (IANA) by code, 0 is unknown; `accounts` and `lines` live in each as of the last sweep. `trades`:
    categories of customers by code, 0 is unknown. `incidents` that stand, the last ones of `lately` that are over, and the
    evidence of every chart, by its name. `noted_*`: since the last tick.
    """

    regions: list[str] = field(default_factory=lambda: [""])
    zones: list[str] = field(default_factory=lambda: [""])
    accounts: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    lines: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    baseline: Baseline = field(default_factory=lambda: Baseline.empty(CELLS, 1))
    feeds: dict[str, FeedRhythm] = field(default_factory=dict)
    fault_rate: float = 0.0
    standings: dict[str, Standing] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    lately: dict[str, Incident] = field(default_factory=dict)
    now: CrowdNow = field(default_factory=CrowdNow)
    trades: list[str] = field(default_factory=lambda: [""])
    habits: Habits = USUAL_HABITS
    noted_faults: dict[int, int] = field(default_factory=dict)
    noted_late: dict[int, int] = field(default_factory=dict)
    noted_feeds: dict[str, int] = field(default_factory=dict)

    def region_code(self, name: str, zone: str) -> int:
        """Number of a region; beyond `REGIONS_MAX` it counts as unknown. Its first customer tells its time zone."""
        if name in self.regions:
            code = self.regions.index(name)
        elif len(self.regions) >= REGIONS_MAX:
            return UNKNOWN
        else:
            code = len(self.regions)
            self.regions.append(name)
            self.zones.append("")
            self.baseline.widen(len(self.regions))
            self.accounts, self.lines = np.append(self.accounts, 0), np.append(self.lines, 0)
        if zone and not self.zones[code]:
            self.zones[code] = zone
        return code

    def trade_code(self, name: str) -> int:
        """Number of a category of customers; beyond `REGIONS_MAX` it counts as unknown."""
        if name not in self.trades:
            if len(self.trades) >= REGIONS_MAX:
                return UNKNOWN
            self.trades.append(name)
        return self.trades.index(name)

    def note_feed(self, feed: str, region: int, *, fault: bool) -> None:
        """A record of a thin stream was taken in."""
        self.noted_feeds[feed] = self.noted_feeds.get(feed, 0) + 1
        if fault:
            self.noted_faults[region] = self.noted_faults.get(region, 0) + 1

    def note_late(self, regions: Ints) -> None:
        """Call records of these regions came more than an hour late."""
        for region, count in zip(*(part.tolist() for part in np.unique(regions, return_counts=True)), strict=True):
            self.noted_late[region] = self.noted_late.get(region, 0) + count

    def hour(self, accounts: Floats) -> HourSeen:
        """The hour that ends now, with what was noted in it; the next one begins."""
        faults, late = np.zeros(len(self.regions)), np.zeros(len(self.regions))
        for part, noted in ((faults, self.noted_faults), (late, self.noted_late)):
            for region, count in noted.items():
                part[region] = count
        feeds = np.array([float(self.noted_feeds.get(feed, 0)) for feed in FEEDS])
        self.noted_faults, self.noted_late, self.noted_feeds = {}, {}, {}
        return HourSeen(accounts, faults, late, feeds)

    def codes(self, where: str) -> Ints:
        """Regions of a place."""
        if where == EVERYWHERE:
            return np.arange(len(self.regions))
        return np.array([self.regions.index(where)] if where in self.regions else [], np.int64)

    def is_held(self, regions: Ints) -> NDArray[np.bool_]:
        """Whether soft signals about usage are held back in these regions: the crowd itself fell silent."""
        held = np.zeros(len(self.regions), bool)
        for incident in self.incidents.values():
            if incident.feed == CALLS:
                held[self.codes(incident.where)] = True
        return held[regions]

    def is_feed_silent(self, feed: str) -> bool:
        """Whether a feed other than calls has fallen silent."""
        return any(incident.feed == feed for incident in self.incidents.values())

    def learning_frozen(self, regions: Ints) -> NDArray[np.bool_]:
        """Where the features of now must not become examples: what is missing in them is still to come, or never happened.

        In every region while a feed is silent that bills or labels come from; else in those where the calls are missing.
        """
        frozen = self.is_held(regions)
        if any(incident.feed != CALLS for incident in self.incidents.values()):
            frozen[:] = True
        return frozen
