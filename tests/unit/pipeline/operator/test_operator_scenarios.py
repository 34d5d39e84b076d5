"""Scenarios are small declarative files; what they declare happens."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.events import Stream
from pipeline.sources.operator.calls import DATA, Calls
from pipeline.sources.operator.clock import DAY_MS, START_MS, generator
from pipeline.sources.operator.config import MediationConfig, ScenarioError, Shock, load_scenario, scenario_names
from pipeline.sources.operator.hidden import RESPONSE_TYPES, hidden_accounts
from pipeline.sources.operator.mediation import split_sessions
from pipeline.sources.operator.population import BUSINESS, KEY, PUBLIC, build_population
from pipeline.sources.operator.rhythm import Rhythm
from pipeline.sources.operator.simulate import OperatorDay, days


def calls_by_day(run: list[OperatorDay]) -> list[int]:
    return [len(day.streams[Stream.CDR]) for day in run]


def test_an_unknown_scenario_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(ScenarioError, match="no scenario `storm`; choose one of calm, feed-silent"):
        load_scenario("storm")


def test_a_wrong_key_names_the_file_and_the_key(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text("[churn]\nmonthy = 0.02\n")
    with pytest.raises(ScenarioError, match=r"odd\.toml: .*monthy"):
        load_scenario("odd", tmp_path)


def test_a_shock_in_an_unknown_region_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text('[[shocks]]\nkind = "outage"\nday = 3\nregion = "moon"\n')
    with pytest.raises(ScenarioError, match=r"region `moon`.*north"):
        load_scenario("odd", tmp_path)


def test_a_cause_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text("[churn.causes]\nboredom = 1.0\n")
    with pytest.raises(ScenarioError, match=r"cause `boredom`.*price"):
        load_scenario("odd", tmp_path)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_runs(name: str) -> None:
    run = list(days(load_scenario(name, customers=60, days=3)))
    assert sum(calls_by_day(run)) > 0


def test_equal_seeds_give_equal_lines_and_other_seeds_others() -> None:
    def lines(seed: int) -> list[list[bytes]]:
        run = days(load_scenario("calm", customers=80, days=5, seed=seed))
        return [batch.lines for day in run for batch in day.streams.values()]

    assert lines(4) == lines(4)
    assert lines(4) != lines(5)


def test_a_silent_feed_delivers_nothing_and_then_everything_late() -> None:
    shock = Shock("feed_silent", day=3, days=2.0)
    config = msgspec.structs.replace(load_scenario("calm", customers=150, days=8), shocks=[shock])
    run = list(days(config))
    counts = calls_by_day(run)
    assert counts[3] == counts[4] == 0
    assert counts[5] > 2 * counts[2]
    assert run[5].late > 1.5 * counts[2]


def test_a_festival_halves_the_usage_of_its_days() -> None:
    calm = load_scenario("calm", customers=300, days=6)
    quiet = msgspec.structs.replace(calm, shocks=[Shock("festival", day=4, days=1.0, factor=0.4)])
    usual, festive = calls_by_day(list(days(calm))), calls_by_day(list(days(quiet)))
    assert festive[4] < 0.6 * usual[4]
    assert festive[2] == usual[2]


def test_an_outage_silences_its_region_and_brings_faults() -> None:
    config = load_scenario("calm", customers=600, days=7)
    hit = msgspec.structs.replace(config, shocks=[Shock("outage", day=5, days=0.5, region="east", factor=2.0)])
    population = build_population(config)
    east = {
        f"A{i:07d}".encode()
        for i in np.flatnonzero(population.region == population.region_names.index("east")).tolist()
    }

    def day_of_outage(with_outage: bool) -> tuple[int, int]:
        run = list(days(hit if with_outage else config))
        keys = Counter(
            key in east
            for day in run
            for received, key, _ in day.streams[Stream.CDR]
            if START_MS + 5 * DAY_MS <= received < START_MS + 5.55 * DAY_MS
        )
        faults = sum(b'"kind":"fault"' in line for day in run for line in day.streams[Stream.CARE].lines)
        return keys[True], faults

    (calls_before, faults_before), (calls_hit, faults_hit) = day_of_outage(False), day_of_outage(True)
    assert calls_hit < 0.5 * calls_before
    assert faults_hit > faults_before


def test_business_rests_at_the_weekend_and_on_holidays_of_the_country() -> None:
    rhythm = Rhythm(load_scenario("calm"))
    monday, saturday, labour_day = (rhythm.profile(day) for day in (7, 12, 60))
    assert saturday.factor[BUSINESS] < 0.75 * monday.factor[BUSINESS]
    assert labour_day.is_holiday
    assert labour_day.factor[BUSINESS] < 0.5 * monday.factor[BUSINESS]
    assert monday.factor[PUBLIC] > 0.7


def test_the_population_has_key_accounts_of_many_sizes_each_with_a_manager_and_a_deputy() -> None:
    population = build_population(load_scenario("key-accounts", customers=3000))
    sizes = np.diff(population.first_line)
    key = population.segment == KEY
    assert sizes[key].max() > 60
    assert sizes.max() <= 400
    assert (population.manager[key] >= 0).all()
    assert population.star[key].min() >= 1
    assert not population.prepaid[key].any()


def test_hidden_answers_cover_all_types_and_every_hour() -> None:
    config = load_scenario("calm", customers=400)
    hidden = list(hidden_accounts(config, build_population(config)))
    assert {one.response_type for one in hidden} == set(RESPONSE_TYPES)
    assert all(len(one.reach) == 24 and 0 <= min(one.reach) <= max(one.reach) <= 0.95 for one in hidden)
    assert all((one.contact_effect > 1) == (one.response_type == "do_not_disturb") for one in hidden)


def test_split_sessions_add_up_to_the_whole() -> None:
    calls = Calls.empty(50)
    calls.service[:] = DATA
    calls.duration_s[:], calls.bytes_down[:], calls.charge[:] = 100, 1_000_001, 77
    parts = split_sessions(generator(1, "split"), calls, 0, MediationConfig(partial_share=1.0))
    assert len(parts) == 150
    assert (parts.duration_s.sum(), parts.bytes_down.sum(), parts.charge.sum()) == (5000, 50_000_050, 3850)
    assert len(set(parts.number.tolist())) == 150


def test_records_of_prepaid_silence_reach_the_learner_only_weeks_later() -> None:
    run = list(days(load_scenario("prepaid", customers=200, days=30, with_calls=False)))
    assert all(not day.streams[Stream.OUTCOMES].lines for day in run)
