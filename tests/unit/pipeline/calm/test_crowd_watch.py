"""A crowd that falls silent: where, since when, why, and that nobody is blamed for chance, a holiday or one customer."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.calm.chart import BEGINS_AT, Heard, Standing
from pipeline.calm.crowd import CELLS, Crowd
from pipeline.calm.incidents import Cause, Incident, is_incident
from pipeline.calm.rest_days import DAY_MS, HOUR_MS, hour_of_week, is_holiday, local_day
from pipeline.calm.saved import dump_crowd, load_crowd
from pipeline.calm.watch import watch_hour
from pipeline.state.habits import Habits

#: Monday 2026-03-02, 00:00 UTC.
START_MS = 20_514 * DAY_MS
ZONE = "Asia/Shanghai"
REGIONS = ("north", "east", "south", "west")
#: Accounts of each region, and the share of them heard of in an hour by day.
ACCOUNTS, BY_DAY = 120, 0.15

Told = list[tuple[int, Incident]]
#: Share of what is usual, by region and hour since the start.
Shape = Callable[[str, int], float]


class Town:
    """A partition's crowd with four regions, fed hour by hour with Poisson counts."""

    def __init__(self, seed: int = 1) -> None:
        self.crowd = Crowd()
        for region in REGIONS:
            self.crowd.region_code(region, ZONE)
        size = len(self.crowd.regions)
        self.crowd.accounts = np.array([0] + [ACCOUNTS] * (size - 1))
        self.crowd.lines = self.crowd.accounts * 2
        self.rng = np.random.default_rng(seed)
        self.hour = 0
        self.told: Told = []

    def live(self, hours: int, shape: Shape = lambda region, hour: 1.0) -> None:
        """Pass some hours; `shape` says how busy a region is then."""
        for _ in range(hours):
            at = START_MS + self.hour * HOUR_MS
            local = hour_of_week(at, ZONE)
            busy = BY_DAY if 8 <= local % 24 < 22 else 0.01
            weekend = 0.7 if local // 24 >= 5 else 1.0
            counts = np.zeros((len(self.crowd.regions), CELLS))
            for code, region in enumerate(self.crowd.regions):
                if region:
                    mean = ACCOUNTS * busy * weekend * shape(region, self.hour) / CELLS
                    counts[code] = self.rng.poisson(mean, CELLS)
            seen = self.crowd.hour(counts)
            self.hour += 1
            told = watch_hour(self.crowd, at + HOUR_MS, at, seen)
            self.told += [(self.hour, incident) for incident in told]

    def fault(self, region: str, times: int) -> None:
        """So many customers report a fault in the coming hour."""
        for _ in range(times):
            self.crowd.note_feed("care", self.crowd.regions.index(region), fault=True)


def places(town: Town) -> set[tuple[str, str]]:
    return {(incident.where, incident.cause()) for _, incident in town.told}


def test_months_of_ordinary_days_with_their_holidays_make_no_incident() -> None:
    town = Town()
    town.live(24 * 80)
    assert is_holiday(datetime(2026, 5, 1, tzinfo=UTC).date(), ZONE)
    assert town.told == []


def test_a_region_that_falls_silent_is_one_incident_that_ends_when_it_is_back() -> None:
    town = Town()
    town.live(24 * 28)
    town.fault("east", 6)
    town.live(10, lambda region, hour: 0.0 if region == "east" else 1.0)

    assert town.crowd.is_held(np.arange(5)).tolist() == [False, False, True, False, False]
    assert town.crowd.learning_frozen(np.array([1, 2])).tolist() == [False, True]
    began, incident = town.told[0]
    assert (began - 24 * 28) <= 3
    assert (incident.where, incident.cause(), incident.lines) == ("east", Cause.OUTAGE, 2 * ACCOUNTS)

    town.live(24)
    assert [one for _, one in town.told] == [incident, incident]
    assert 24 * 28 + 9 <= (incident.over_ms - START_MS) // HOUR_MS <= 24 * 28 + 14
    assert not town.crowd.incidents
    assert incident.heard.seen / incident.heard.expected < 0.1


def test_silence_without_a_fault_reported_is_the_feed_and_late_records_prove_it() -> None:
    town = Town()
    town.live(24 * 30)
    town.live(40, lambda region, hour: 0.0 if region == "south" else 1.0)
    assert places(town) == {("south", Cause.FEED_SILENT)}

    town.crowd.note_late(np.full(900, town.crowd.regions.index("south")))
    town.live(12, lambda region, hour: 1.0)
    assert places(town) == {("south", Cause.FEED_SILENT)}
    assert town.told[-1][1].over_ms


def test_a_silence_over_which_nothing_came_late_was_an_outage_after_all() -> None:
    town = Town()
    town.live(24 * 30)
    town.live(10, lambda region, hour: 0.0 if region == "south" else 1.0)
    town.live(24)
    assert [incident.cause() for _, incident in town.told][-1] is Cause.OUTAGE


def test_when_all_regions_fall_together_it_is_one_incident_everywhere() -> None:
    town = Town()
    town.live(24 * 30)
    town.live(24 * 5, lambda region, hour: 0.45)
    town.live(36)
    assert places(town) == {("everywhere", Cause.HOLIDAY)}
    assert len({incident.incident_id() for _, incident in town.told}) == 1
    assert len(town.told) == 2


def test_a_quiet_day_everywhere_is_no_incident_of_the_region_that_is_the_quietest() -> None:
    town = Town()
    town.live(24 * 28)
    town.live(24, lambda region, hour: 0.62 if region == "east" else 0.78)
    assert town.told == []


def test_days_that_differ_as_a_whole_are_no_incidents_and_a_dead_network_among_them_is() -> None:
    level = np.random.default_rng(0).normal(1.0, 0.2, (60, len(REGIONS))).clip(0.4)

    def day_by_day(region: str, hour: int) -> float:
        return float(level[hour // 24, REGIONS.index(region)])

    town = Town(0)
    town.live(24 * 50, day_by_day)
    assert town.told == []
    town.fault("east", 6)
    town.live(10, lambda region, hour: 0.0 if region == "east" else day_by_day(region, hour))
    assert places(town) == {("east", Cause.OUTAGE)}


def test_a_region_that_falls_on_a_quiet_day_is_told_all_the_same() -> None:
    town = Town()
    town.live(24 * 28)
    town.live(14, lambda region, hour: 0.1 if region == "east" else 0.8)
    assert {where for where, _ in places(town)} == {"east"}


def test_one_lively_day_does_not_become_what_is_usual() -> None:
    def expected_on_mondays(town: Town) -> float:
        return float(sum(np.nansum(town.crowd.baseline.expected(np.full(5, hour))) for hour in range(8, 22)))

    town = Town()
    town.live(24 * 28)
    usual = expected_on_mondays(town)
    town.live(24, lambda region, hour: 2.0)
    assert expected_on_mondays(town) < 1.1 * usual


def test_a_crowd_that_is_back_for_some_hours_only_is_still_the_same_incident() -> None:
    town = Town()
    town.live(24 * 28)
    town.live(40, lambda region, hour: 0.2)
    town.live(12, lambda region, hour: 1.2)
    town.live(40, lambda region, hour: 0.2)
    town.live(48)

    assert len({incident.incident_id() for _, incident in town.told}) == 1
    assert [bool(incident.over_ms) for _, incident in town.told] == [True, True, True, True]
    assert len({incident.since_ms for _, incident in town.told}) == 1
    town.live(48)
    town.live(40, lambda region, hour: 0.2)
    assert len({incident.incident_id() for _, incident in town.told}) == 2


def test_a_crowd_of_which_it_takes_long_to_know_that_it_is_back_is_still_the_same_incident() -> None:
    """Half back on a Sunday, as before on Monday: more than a day after the first of it, less than a day after it was told."""
    town = Town()
    town.live(24 * 28)
    town.live(40, lambda region, hour: 0.4)
    while len(town.told) == 1:
        town.live(1, lambda region, hour: 0.69)
    over = town.told[-1][1]
    assert over.known_over_ms - over.over_ms >= 6 * HOUR_MS

    while START_MS + town.hour * HOUR_MS <= over.over_ms + DAY_MS:
        town.live(1, lambda region, hour: 0.69)
    town.live(30, lambda region, hour: 0.3)
    assert len(town.told) == 3
    assert len({incident.incident_id() for _, incident in town.told}) == 1
    assert town.crowd.incidents["everywhere"].known_over_ms == 0


def test_a_silence_after_a_slow_day_is_dated_from_the_silence() -> None:
    town = Town()
    town.live(24 * 30)
    town.live(16, lambda region, hour: 0.72 if region == "south" else 1.0)
    assert town.crowd.standings["region:south"].evidence >= BEGINS_AT
    assert town.told == []
    town.live(24, lambda region, hour: 0.0 if region == "south" else 1.0)

    (_, incident), *_ = town.told
    assert 24 * 30 + 16 <= (incident.since_ms - START_MS) // HOUR_MS <= 24 * 30 + 17
    assert incident.heard.seen == 0.0


def test_some_empty_hours_of_a_night_do_not_date_a_drop_that_is_no_silence() -> None:
    standing = Standing()
    for hour in range(12):
        standing.watch(hour, Heard(expected=9.0, seen=4.0))
    for hour in range(12, 16):
        standing.watch(hour, Heard(expected=1.0, seen=0.0))
    since, heard = standing.began
    assert since < 12
    assert heard.seen > 0


def test_partitions_that_see_the_same_incident_give_it_the_same_id() -> None:
    ids = set()
    for seed in range(6):
        town = Town(seed)
        town.live(24 * 28 + 1)
        town.live(15, lambda region, hour: 0.05 if region == "west" else 1.0)
        ids |= {incident.incident_id() for _, incident in town.told}
    assert len(ids) == 1


def test_what_stays_low_becomes_usual_and_is_judged_anew() -> None:
    town = Town()
    town.live(24 * 28)
    town.live(24 * 60, lambda region, hour: 0.4 if region == "north" else 1.0)
    assert [incident.where for _, incident in town.told] == ["north", "north"]
    assert not town.crowd.incidents


def test_too_few_accounts_are_no_crowd() -> None:
    town = Town()
    town.crowd.accounts[:] = 20
    town.live(24 * 28)
    town.live(48, lambda region, hour: 0.0)
    assert town.told == []


def test_a_feed_that_stops_is_an_incident_of_the_feed_and_freezes_learning() -> None:
    town = Town()
    for hour in range(24 * 40):
        if hour % 24 == 3 and not 24 * 30 <= hour < 24 * 35:
            for _ in range(12):
                town.crowd.note_feed("billing", 1, fault=False)
        town.live(1)
    assert [(incident.feed, incident.cause()) for _, incident in town.told] == [("billing", Cause.FEED_SILENT)] * 2
    began, ended = (hour / 24 for hour, _ in town.told)
    assert 31.0 < began < 33.0
    assert ended == pytest.approx(35.17, abs=0.05)
    assert not town.crowd.is_feed_silent("billing")


def test_a_feed_of_bad_days_only_does_not_raise_an_alarm_each_weekend() -> None:
    town = Town()
    for hour in range(24 * 60):
        if hour % 24 in range(2, 10) and hour // 24 % 7 < 5:
            town.crowd.note_feed("orders", 1, fault=False)
        town.live(1)
    assert town.told == []


def test_the_state_of_the_crowd_survives_a_restart_in_the_middle_of_an_incident() -> None:
    straight, restarted = Town(), Town()
    silent: Shape = lambda region, hour: 0.0 if region == "east" else 1.0  # noqa: E731  # a one-line stand-in for a table
    for town in (straight, restarted):
        town.crowd.habits = Habits(1.0, 2.0, 3.0, 4.0)
        town.live(24 * 28)
        town.live(6, silent)
        town.crowd.note_feed("orders", 2, fault=False)
        town.crowd.note_late(np.array([1, 1]))
    restarted.crowd = load_crowd(dump_crowd(restarted.crowd))
    for town in (straight, restarted):
        town.live(40, lambda region, hour: 1.0)
    assert dump_crowd(straight.crowd) == dump_crowd(restarted.crowd)
    assert [incident.incident_id() for _, incident in straight.told] == [
        incident.incident_id() for _, incident in restarted.told
    ]
    with pytest.raises(ValueError, match="layout"):
        load_crowd(dump_crowd(straight.crowd).replace(b"\x02", b"\x07", 1))


def test_the_warning_of_an_incident_names_a_place_and_no_customer() -> None:
    incident = Incident("north", "cdr", START_MS, 20_514, 340)
    incident.heard.expected, incident.heard.seen, incident.heard.faults = 80.0, 4.0, 5.0
    warning = incident.warning(START_MS + 5 * HOUR_MS)
    assert is_incident(warning)
    assert (warning.account_id, warning.line_id, warning.reasons) == ("crowd:north", None, ["crowd_outage"])
    assert warning.signals[0].evidence == {"lines": 340.0, "drop_ratio": 0.95, "hours": 5.0, "is_over": 0.0}
    later = incident.warning(START_MS + 9 * HOUR_MS)
    assert later.warning_id == warning.warning_id


def test_days_of_rest_count_as_sundays_and_days_worked_instead_as_weekdays() -> None:
    noon = {day: int(datetime(2026, *day, 4, tzinfo=UTC).timestamp() * 1000) for day in ((4, 6), (5, 9), (5, 16))}
    assert hour_of_week(noon[4, 6], ZONE) == 6 * 24 + 12
    assert hour_of_week(noon[5, 9], ZONE) == 2 * 24 + 12
    assert hour_of_week(noon[5, 16], ZONE) == 5 * 24 + 12
    assert hour_of_week(noon[4, 6], "Nowhere/Land") == 4
    assert local_day(START_MS + 17 * HOUR_MS, ZONE) == 20_515


def test_free_text_is_no_region_and_the_first_customer_tells_the_zone() -> None:
    crowd = Crowd()
    codes = [crowd.region_code(f"street {number}", "") for number in range(300)]
    assert max(codes) == 199
    assert codes[-1] == 0
    assert crowd.region_code("street 5", "Europe/London") == 6
    assert crowd.region_code("street 5", ZONE) == 6
    assert crowd.zones[6] == "Europe/London"
