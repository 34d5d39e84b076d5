"""Watching the crowd hour by hour: has it fallen silent, where, and is it back?"""

from dataclasses import dataclass

import numpy as np

from pipeline.calm.chart import BACK_AT, DECLARED_AT, Heard, Standing, ratio_lately
from pipeline.calm.crowd import Crowd, Floats, HourSeen, Ints
from pipeline.calm.feeds import watch_feeds
from pipeline.calm.incidents import CALLS, EVERYWHERE, Incident
from pipeline.calm.rest_days import DAY_MS, hour_of_week, is_holiday, local_date, local_day

#: So few accounts of a region in this partition are no crowd.
ACCOUNTS_MIN = 25
#: Regions that are needed before a drop can be everywhere.
REGIONS_FOR_EVERYWHERE = 3
#: Regions wait with their own incident once the whole has this share of the evidence it needs.
SHARED_DROP = 0.5
#: Nothing is learnt from a region under this share of the evidence.
SUSPECTED = 0.5
#: A crowd that falls silent again so soon after it was known to be back never was: one incident for people, not two.
SAME_MS = DAY_MS
#: A crowd that is livelier than this, all regions together, makes up for quiet days: of one visit a week no more is learnt.
MOST_LIFT = 1.15
#: What lasts longer is the new normal.
LONGEST_MS = 21 * DAY_MS
FAULT_RATE_HOURS = 336.0


def watch_hour(crowd: Crowd, tick_ms: int, hour_ms: int, seen: HourSeen) -> list[Incident]:
    """Take in the hour from `hour_ms` to `tick_ms`; returns the incidents that began or ended with it."""
    hours = np.array([hour_of_week(hour_ms, zone) for zone in crowd.zones], np.int64)
    expected = crowd.baseline.expected(hours).sum(axis=1)
    usual_faults = crowd.fault_rate * crowd.accounts.astype(np.float64)
    hour = _Hour(expected, seen.accounts.sum(axis=1), seen.faults, usual_faults, seen.late)
    told = _end(crowd, tick_ms, hour_ms, hour)
    told += _begin(crowd, hour_ms, hour)
    told += watch_feeds(crowd, hour_ms, seen.feeds)
    _learn(crowd, hours, seen, hour, hour_ms)
    return told


@dataclass(frozen=True, slots=True)
class _Hour:
    """Accounts expected (NaN: nothing is yet) and seen, faults and late records, by region."""

    expected: Floats
    seen: Floats
    faults: Floats
    faults_usual: Floats
    late: Floats

    def of(self, codes: Ints | list[int]) -> Heard:
        """What was heard of these regions."""
        known = np.asarray(codes, np.int64)
        known = known[~np.isnan(self.expected[known])]
        parts = (self.expected, self.seen, self.faults, self.faults_usual, self.late)
        return Heard(*(float(part[known].sum()) for part in parts))

    def of_each(self, codes: list[int]) -> list[Heard]:
        """What was heard of each of these regions, of all of which something is expected."""
        parts = (self.expected, self.seen, self.faults, self.faults_usual, self.late)
        return [Heard(*numbers) for numbers in zip(*(part[codes].tolist() for part in parts), strict=True)]


def _end(crowd: Crowd, tick_ms: int, hour_ms: int, hour: _Hour) -> list[Incident]:
    """Count the hour towards every incident of calls; the ones whose crowd is back, or that last too long to be one."""
    ended = []
    for name, incident in list(crowd.incidents.items()):
        if incident.feed != CALLS:
            continue
        codes, standing = crowd.codes(incident.where), _standing(crowd, name)
        heard = hour.of(codes)
        standing.watch_return(hour_ms, heard)
        if standing.back == 0.0:
            incident.heard.add(heard)
        else:
            incident.heard.late += heard.late
        is_back = standing.back >= BACK_AT
        if is_back or tick_ms - incident.since_ms > LONGEST_MS:
            if not is_back:
                crowd.baseline.forget(codes)
            ended.append(_close(crowd, name, standing.back_ms if is_back else tick_ms, tick_ms))
    return ended


def _close(crowd: Crowd, name: str, over_ms: int, known_ms: int) -> Incident:
    incident = crowd.incidents.pop(name)
    incident.over_ms, incident.known_over_ms = over_ms, known_ms
    _standing(crowd, name).come_back()
    crowd.lately[name] = incident
    return incident


def _begin(crowd: Crowd, hour_ms: int, hour: _Hour) -> list[Incident]:
    """Regions, or the whole, of which far fewer are heard than usual."""
    held = crowd.is_held(np.arange(len(crowd.regions)))
    free = np.flatnonzero((crowd.accounts >= ACCOUNTS_MIN) & ~np.isnan(hour.expected) & ~held).tolist()
    each = hour.of_each(free)
    for code, heard in zip(free, each, strict=True):
        _region(crowd, code).remember(heard)
    for code, heard in zip(free, each, strict=True):
        _region(crowd, code).watch(hour_ms, heard.beside(_others_ratio(crowd, free, code)))
    whole = _watch_whole(crowd, free, hour_ms, hour)
    if whole is not None and whole.is_declared:
        told = [
            _close(crowd, name, hour_ms, hour_ms) for name, one in list(crowd.incidents.items()) if one.feed == CALLS
        ]
        for code in free:
            _region(crowd, code).come_back()
        return [*told, _declare(crowd, EVERYWHERE, EVERYWHERE, free)]
    if whole is not None and whole.evidence >= SHARED_DROP * DECLARED_AT:
        return []
    fallen = [code for code in free if _region(crowd, code).is_declared]
    return [_declare(crowd, _name(crowd, code), crowd.regions[code], [code]) for code in fallen]


def _others_ratio(crowd: Crowd, free: list[int], code: int) -> float:
    """How much of usual is heard of the other regions lately, at most all of it: a region has fallen when it fell below them.

    A quiet day everywhere, in which chance makes one region the quietest, is no incident of that region.
    """
    if len(free) < REGIONS_FOR_EVERYWHERE:
        return 1.0
    return min(1.0, ratio_lately(_region(crowd, other) for other in free if other != code))


def _watch_whole(crowd: Crowd, free: list[int], hour_ms: int, hour: _Hour) -> Standing | None:
    """Evidence that it is everywhere: of all regions but the worst one, which must not speak for the others."""
    if len(free) < REGIONS_FOR_EVERYWHERE:
        return None
    worst = max(free, key=lambda code: _region(crowd, code).evidence)
    others = [code for code in free if code != worst]
    whole = _standing(crowd, EVERYWHERE)
    heard = hour.of(others)
    # Faults of one region must not speak for all.
    heard.faults = heard.faults_usual = 0.0
    whole.watch(hour_ms, heard)
    return whole


def _declare(crowd: Crowd, name: str, where: str, codes: list[int]) -> Incident:
    standing = _standing(crowd, name)
    zone, (since_ms, heard) = crowd.zones[codes[0]], standing.began
    near = any(is_holiday(local_date(since_ms + shift * DAY_MS, zone), zone) for shift in (0, 1, 2))
    lines = int(crowd.lines[codes].sum())
    incident = Incident(where, CALLS, since_ms, local_day(since_ms, zone), lines, heard, near_holiday=near)
    before = crowd.lately.pop(name, None)
    if before is not None and since_ms - before.known_over_ms < SAME_MS:
        incident = before.goes_on(incident)
    standing.go_down()
    crowd.incidents[name] = incident
    return incident


def _learn(crowd: Crowd, hours: Ints, seen: HourSeen, hour: _Hour, hour_ms: int) -> None:
    """What is usual, from every region that is not in an incident, under suspicion, or on a holiday."""
    codes = np.arange(len(crowd.regions))
    suspected = np.array([_region(crowd, code).evidence >= SUSPECTED * DECLARED_AT for code in codes.tolist()])
    resting = np.array([is_holiday(local_date(hour_ms, zone), zone) for zone in crowd.zones])
    usable = ~(crowd.is_held(codes) | suspected | resting)
    known = np.flatnonzero(usable & ~np.isnan(hour.expected))
    for code in known.tolist():
        _region(crowd, code).learn_spread(float(hour.seen[code]), float(hour.expected[code]))
    if len(known) >= REGIONS_FOR_EVERYWHERE:
        _standing(crowd, EVERYWHERE).learn_spread(float(hour.seen[known].sum()), float(hour.expected[known].sum()))
    lively = max(ratio_lately(_region(crowd, code) for code in known.tolist()), hour.of(known).shrunk_ratio)
    crowd.baseline.learn(hours, seen.accounts * min(1.0, MOST_LIFT / lively), usable)
    if usable.all() and crowd.accounts.sum():
        crowd.fault_rate += (float(seen.faults.sum() / crowd.accounts.sum()) - crowd.fault_rate) / FAULT_RATE_HOURS


def _name(crowd: Crowd, code: int) -> str:
    return f"region:{crowd.regions[code]}"


def _region(crowd: Crowd, code: int) -> Standing:
    return _standing(crowd, _name(crowd, code))


def _standing(crowd: Crowd, name: str) -> Standing:
    return crowd.standings.setdefault(name, Standing())
