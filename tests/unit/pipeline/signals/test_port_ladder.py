"""The ladder to another operator: one place a line, clocks by country, and nothing that a late record could turn back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.law_pack import COUNTRIES_DIR
from pipeline.events import Level
from pipeline.ladder_pack import RUNGS, LadderError, LadderPack, RungClock, read_ladder
from pipeline.policy import PolicyError, policy_in_country
from pipeline.signals.ladder import CODE, EXCLUSIVE, HOUR_MS, LAPSED, ORDER, climb, lapse, step_off, time_is_up_ms
from pipeline.state.cases import Position
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, Run, call, customer, order, policy, run_of

NOON_MS = MONDAY_MS + 12 * HOUR_MS
PACK = LadderPack(code_life_hours=1.0)
QUERY = "port_eligibility_query"
TIMES = st.integers(1, 40)


def causes(run: Run) -> list[str]:
    return [warning.reasons[0] for warning in run.warnings]


def standing(run: Run) -> set[str]:
    case = run.state.lines.cases.get(run.state.lines.row_of["a1-1"])
    return set() if case is None else set(case.episodes)


@given(st.lists(st.tuples(st.sampled_from(RUNGS), TIMES), max_size=12))
def test_a_line_stands_on_one_place_that_some_record_told(records: list[tuple[str, int]]) -> None:
    position = None
    for rung, hour in records:
        position = climb(position, rung, hour * HOUR_MS, 0, PACK).position
    told = {(rung, hour * HOUR_MS) for rung, hour in records}
    assert (position is None) == (not records)
    assert position is None or (position.rung, position.since_ms) in told


@given(st.permutations([(CODE, 1), (LAPSED, 2), (CODE, 3), (ORDER, 4)]))
def test_the_order_in_which_records_come_does_not_matter_for_the_last_rungs(records: list[tuple[str, int]]) -> None:
    position = None
    for rung, hour in records:
        position = climb(position, rung, hour * HOUR_MS, 0, PACK).position
    assert position == Position(ORDER, 4 * HOUR_MS)


def test_a_new_code_is_not_ended_by_the_end_of_the_old_one() -> None:
    code = climb(None, CODE, 10 * HOUR_MS, 11 * HOUR_MS, PACK).position
    assert climb(code, LAPSED, 10 * HOUR_MS + 1, 10 * HOUR_MS + 1, PACK).position == code
    assert climb(code, LAPSED, 11 * HOUR_MS, 11 * HOUR_MS, PACK).ended == (CODE, ORDER)


def test_the_clock_of_a_code_runs_out_once() -> None:
    lapsed = lapse(Position(CODE, 0, HOUR_MS), 5 * DAY_MS)
    assert lapsed.position == Position(LAPSED, HOUR_MS)
    assert not lapse(lapsed.position, 6 * DAY_MS).moved
    assert not lapse(Position(CODE, 0, HOUR_MS), HOUR_MS - 1).moved


def test_who_signs_again_is_off_the_ladder_unless_it_climbed_on_after_that() -> None:
    assert step_off(Position(QUERY, 5), 6, PACK).position is None
    assert step_off(Position(QUERY, 7), 6, PACK).position == Position(QUERY, 7)


def test_the_time_to_act_by_hand() -> None:
    assert time_is_up_ms(Position(CODE, NOON_MS, NOON_MS + HOUR_MS), 2.0, 0) == NOON_MS + HOUR_MS
    assert time_is_up_ms(Position(ORDER, NOON_MS), 3.0, NOON_MS + 90 * DAY_MS) == NOON_MS + 3 * DAY_MS
    assert time_is_up_ms(Position(QUERY, NOON_MS), 7.0, NOON_MS + 90 * DAY_MS) == NOON_MS + 90 * DAY_MS


def test_the_rungs_of_one_line_come_and_go_with_their_records_and_clocks() -> None:
    kinds = [(QUERY, 0), ("port_code_issued", DAY_MS), ("port_out_order", DAY_MS + HOUR_MS)]
    orders = [order(kind, n, NOON_MS + later) for n, (kind, later) in enumerate(kinds)]
    run = run_of(orders=orders)
    assert causes(run) == [QUERY, CODE, ORDER]
    assert standing(run) == {QUERY, ORDER}
    assert [warning.signals[0].evidence["rung"] for warning in run.warnings] == [3.0, 7.0, 8.0]


def test_a_code_that_nobody_uses_lapses_by_its_clock_and_warns_of_that() -> None:
    code = order("port_code_issued", 1, NOON_MS, expires_ms=NOON_MS + HOUR_MS)
    run = run_of(orders=[code], cdr=[call(1, NOON_MS + DAY_MS)])
    assert causes(run) == [CODE, LAPSED]
    assert standing(run) == {LAPSED}
    told = run_of(orders=[code, order("port_code_expired", 2, NOON_MS + HOUR_MS)], cdr=[call(1, NOON_MS + DAY_MS)])
    assert causes(told) == [CODE, LAPSED]


def test_the_countdown_of_a_code_ends_with_the_code() -> None:
    (warning,) = run_of(orders=[order("port_code_issued", 1, NOON_MS, expires_ms=NOON_MS + 6 * HOUR_MS)]).warnings
    assert warning.days_left == 0.25
    assert warning.signals[0].evidence["hours_left"] == 6.0


def test_a_renewal_takes_the_line_off_the_ladder() -> None:
    orders = [order(QUERY, 1, NOON_MS), order("renewal", 2, NOON_MS + HOUR_MS)]
    assert standing(run_of(orders=orders)) == set()
    for_account = order("renewal", 2, NOON_MS + HOUR_MS, line_id=None)
    assert standing(run_of(orders=[orders[0], for_account], customers=[customer()])) == set()
    late = order("renewal", 2, NOON_MS - HOUR_MS, received_ms=NOON_MS + HOUR_MS)
    assert standing(run_of(orders=[orders[0], late])) == {QUERY}


def test_who_may_not_port_yet_has_time_until_he_may() -> None:
    pack = LadderPack(least_tenure_days=120.0)
    young = customer(tenure_start_ms=NOON_MS - 20 * DAY_MS)
    (warning,) = run_of(orders=[order(QUERY, 1, NOON_MS)], customers=[young], rules=policy().in_country(pack)).warnings
    assert warning.days_left == 100.0


@pytest.mark.parametrize("country", ["cn", "eu", "in", "uk", "us"])
def test_each_country_has_a_ladder_whose_clocks_are_its_own(country: str) -> None:
    pack = read_ladder(COUNTRIES_DIR / f"{country}.toml")
    assert pack.source
    assert pack.rungs[-1] == ORDER
    assert set(pack.clocks) <= set(pack.rungs)
    here = policy_in_country(policy(), COUNTRIES_DIR, country.upper())
    assert here.ladder == pack
    assert here.hard[ORDER].days_left == pack.clocks[ORDER].days_left
    assert here.hard[ORDER].level is Level.CRITICAL
    assert here.hard["termination"] == policy().hard["termination"]


def test_clocks_by_country_by_hand() -> None:
    days = {country: policy_in_country(policy(), COUNTRIES_DIR, country).hard for country in ("cn", "uk", "in")}
    assert {country: hard[ORDER].days_left for country, hard in days.items()} == {"cn": 0.04, "uk": 1.0, "in": 3.0}
    assert read_ladder(COUNTRIES_DIR / "in.toml").code_life_ms == 4 * DAY_MS
    assert read_ladder(COUNTRIES_DIR / "cn.toml").may_port_from_ms(NOON_MS) == NOON_MS + 120 * DAY_MS
    assert set(read_ladder(COUNTRIES_DIR / "cn.toml").rungs) >= EXCLUSIVE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ladder]\nrungs = ["port_code"]', "no rung 'port_code'; rungs are ownership_transfer"),
        ('[ladder]\nrungs = ["bundle_unbind", "bundle_unbind"]', "stands twice"),
        ("[ladder]\ncode_life_hours = 0", "code_life_hours"),
        ("[ladder.clocks.port_code_issued]\nday = 1", "day"),
        ("[ladder", "cn.toml"),
    ],
)
def test_a_wrong_ladder_is_named_with_its_file(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cn.toml").write_text(text)
    with pytest.raises(LadderError, match=r"cn\.toml") as caught:
        read_ladder(tmp_path / "cn.toml")
    assert words in str(caught.value)


def test_a_country_without_a_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"xx\.toml"):
        policy_in_country(policy(), tmp_path, "xx")


def test_what_a_pack_does_not_say_stays_as_the_policy_has_it() -> None:
    here = policy().in_country(LadderPack(clocks={CODE: RungClock(days_left=4.0)}))
    assert here.hard[CODE].days_left == 4.0
    assert here.hard[CODE].strength == policy().hard[CODE].strength
