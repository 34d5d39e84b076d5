"""What a customer is worth: worked by hand, and laws that hold for every customer."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.tasks import Customer
from alerts.value.assess import assess
from alerts.value.explain import UnknownFigure, equivalents, equivalents_of, explain, figures
from alerts.value.facts import Known, gather
from alerts.value.policy import (
    VALUE_POLICY_FILE,
    Dimension,
    Indicator,
    ValuePolicyError,
    read_value_policy,
)
from alerts.value.segments import ValueSegment, grid_cell, monthly_margin, rfm, value_segment
from pipeline.line_views import InvoiceView, LineView
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer

POLICY = read_value_policy()
YEAR_MS = int(365.25 * DAY_MS)
JUDGED = (
    "brought_revenue", "operation_cost", "price_sensitivity", "social_influence", "business_condition", "demand_forecast",
    "value_chain_position", "telecom_dependence", "overall_satisfaction", "our_share_of_spend", "mutual_benefit",
)  # fmt: skip


def key_account(indicators: dict[str, float] | None = None, **changes: object) -> Customer:
    made = customer(segment="key_account", indicators=indicators, tenure_start_ms=None)
    return msgspec.structs.replace(made, **changes)


def view(line_id: str = "l-1", bills: tuple[float, ...] = (), activity: tuple[int, ...] = (0,) * 28) -> LineView:
    invoices = [InvoiceView(NOON_MS - (len(bills) - place) * 30 * DAY_MS, bill) for place, bill in enumerate(bills)]
    day_ms = NOON_MS - NOON_MS % DAY_MS
    return LineView("a-1", line_id, NOON_MS, day_ms, list(activity), 1.0, 0.0, 3.0, invoices, 0.1, "prior")


def test_there_are_seventeen_indicators_in_three_groups() -> None:
    groups = [rule.group for rule in POLICY.indicators.values()]
    assert {group: groups.count(group) for group in set(groups)} == {
        "contribution": 4,
        "character": 8,
        "relationship": 5,
    }
    assert {name for name, rule in POLICY.indicators.items() if not rule.measured} == set(JUDGED)


def test_potential_and_influence_worked_by_hand() -> None:
    given_by_manager = {"demand_forecast": 10.0, "business_condition": 5.5, "social_influence": 1.0}
    found = assess(gather(key_account(given_by_manager), [], POLICY, NOON_MS), POLICY)
    # Scores: 100, (5.5 - 1) / 9 = 50, 0. Potential: (4 x 100 + 2 x 50) / 6. Influence: 4 x 0 / 4.
    assert found.dimensions[Dimension.POTENTIAL].score == pytest.approx(500 / 6, abs=1e-5)
    assert found.dimensions[Dimension.INFLUENCE].score == 0
    assert found.dimensions[Dimension.CURRENT].score is None
    # Overall: (0.25 x 83.33 + 0.15 x 0) / 0.40.
    assert found.overall.score == pytest.approx(0.25 * 500 / 6 / 0.40, abs=1e-5)


def test_too_little_known_gives_no_stars() -> None:
    found = assess(gather(key_account({"demand_forecast": 10.0}), [], POLICY, NOON_MS), POLICY)
    assert found.known_share < POLICY.known_share_min
    assert (found.stars, found.level) == (None, None)
    assert assess(gather(key_account(), [], POLICY, NOON_MS), POLICY).overall.score is None


def test_an_average_customer_has_three_stars_and_the_best_has_five() -> None:
    middle = dict.fromkeys(JUDGED, 5.5)
    assert assess(gather(key_account(middle), [], POLICY, NOON_MS), POLICY).level == "3A"
    best = dict.fromkeys(JUDGED, 10.0) | {"operation_cost": 1.0, "price_sensitivity": 1.0}
    assert assess(gather(key_account(best), [], POLICY, NOON_MS), POLICY).stars == 5


def test_measured_indicators_come_from_bills_and_tenure() -> None:
    whose = key_account(
        {"tenure": 1.0, "overdue_days": 30.0}, tenure_start_ms=NOON_MS - 5 * YEAR_MS, lines=["l-1", "l-2"]
    )
    facts = gather(whose, [view("l-1", (100.0, 140.0, 120.0)), view("l-2")], POLICY, NOON_MS)
    # Only one of two lines has bills, 120 on average: the account is taken to pay twice that.
    assert facts.indicators[Indicator.MONTHLY_REVENUE] == Known(240.0, "measured", "bills of 1 of 2 lines")
    assert facts.indicators[Indicator.TENURE].value == pytest.approx(5.0)
    assert facts.indicators[Indicator.OVERDUE_DAYS] == Known(30.0, "record")
    scores = assess(facts, POLICY).scores
    assert scores[Indicator.TENURE] == pytest.approx(50.0)
    assert scores[Indicator.OVERDUE_DAYS] == pytest.approx(100 * 60 / 90, abs=1e-5)


def test_views_of_other_accounts_do_not_count() -> None:
    foreign = msgspec.structs.replace(view("l-9", (5000.0,)), account_id="a-9")
    assert Indicator.MONTHLY_REVENUE not in gather(key_account(), [foreign], POLICY, NOON_MS).indicators


values = st.dictionaries(
    st.sampled_from([str(name) for name in Indicator]), st.floats(-1e6, 1e6, allow_nan=False), max_size=17
)


@given(values)
def test_every_score_lies_within_its_bounds(indicators: dict[str, float]) -> None:
    found = assess(gather(key_account(indicators), [], POLICY, NOON_MS), POLICY)
    scores = [*found.scores.values(), *(mean.score for mean in found.dimensions.values()), found.overall.score]
    assert all(0 <= score <= 100 for score in scores if score is not None)
    assert found.stars is None or 1 <= found.stars <= 5
    assert 0 <= found.known_share <= 1


@given(values, st.sampled_from(list(Indicator)), st.floats(0, 100))
def test_more_of_a_good_thing_never_lowers_a_customer(
    indicators: dict[str, float], name: Indicator, more: float
) -> None:
    rule = POLICY.indicators[name]
    before = {**indicators, name: indicators.get(name, 5.0)}
    after = {**before, name: before[name] + (more if rule.best > rule.worst else -more)}
    low, high = (assess(gather(key_account(given), [], POLICY, NOON_MS), POLICY) for given in (before, after))
    assert (high.overall.score or 0) >= (low.overall.score or 0)
    for dimension in Dimension:
        assert (high.dimensions[dimension].score or 0) >= (low.dimensions[dimension].score or 0)
    assert (high.stars or 0) >= (low.stars or 0)


@given(values)
def test_the_arithmetic_of_an_explanation_gives_its_result(indicators: dict[str, float]) -> None:
    found = assess(gather(key_account(indicators), [], POLICY, NOON_MS), POLICY)
    for figure in ("overall", *Dimension):
        told = explain(found, POLICY, figure)
        if told.steps:
            assert told.result == pytest.approx(sum(step.points or 0 for step in told.steps), abs=1e-3)
            weights = sum(step.weight or 0 for step in told.steps)
            mean = sum((step.weight or 0) * float(step.value or 0) for step in told.steps) / weights
            assert told.result == pytest.approx(mean, abs=1e-4)


def test_why_four_stars_is_told_as_data() -> None:
    good = dict.fromkeys(JUDGED, 7.5) | {"operation_cost": 3.0, "price_sensitivity": 3.0}
    found = assess(gather(key_account(good), [], POLICY, NOON_MS), POLICY)
    told = explain(found, POLICY, "stars")
    assert told.result == 4
    steps = {step.name: step for step in told.steps}
    assert steps["overall"].value == found.overall.score
    assert (steps["4A"].value, steps["4A"].note, steps["5A"].note) == (65, "reached", "not reached")
    assert steps["missing_to_5A"].value == pytest.approx(80 - (found.overall.score or 0), abs=1e-3)


def test_every_figure_can_be_explained_and_an_unknown_one_is_named() -> None:
    found = assess(gather(key_account(dict.fromkeys(JUDGED, 6.0)), [view(bills=(50.0,))], POLICY, NOON_MS), POLICY)
    assert [explain(found, POLICY, figure).figure for figure in figures()] == figures()
    with pytest.raises(UnknownFigure, match="'karma'; there are stars"):
        explain(found, POLICY, "karma")


@pytest.mark.parametrize(
    ("indicators", "bills", "segment"),
    [
        # 100 x 0.45 - 120 = -75 a month.
        ({"brought_revenue": 10.0}, (100.0,), ValueSegment.BZC),
        ({"brought_revenue": 10.0, "operation_cost": 1.0}, (20_000.0,), ValueSegment.MVC),
        ({"demand_forecast": 10.0, "brought_revenue": 3.0}, (), ValueSegment.MGC),
        ({"demand_forecast": 3.0, "brought_revenue": 3.0}, (), ValueSegment.ORDINARY),
    ],
)
def test_segments(indicators: dict[str, float], bills: tuple[float, ...], segment: ValueSegment) -> None:
    found = assess(gather(key_account(indicators), [view(bills=bills)], POLICY, NOON_MS), POLICY)
    assert value_segment(found, POLICY) is segment


def test_margin_rfm_and_grid_worked_by_hand() -> None:
    whose = key_account(dict.fromkeys(JUDGED, 5.5), brand="enterprise", category="finance")
    used = (4,) * 26 + (0, 0)
    facts = gather(whose, [view(bills=(200.0, 400.0), activity=used)], POLICY, NOON_MS)
    assert monthly_margin(facts, POLICY) == pytest.approx(300 * 0.45 - 120)
    # Last used two days ago: class 4 of 1, 3, 7, 14. 26 x 4 / 28 = 3.7 a day: class 3. 300 a month: class 4.
    assert rfm(facts, POLICY).code == "434"
    assert grid_cell(assess(facts, POLICY), POLICY) == "enterprise|3A|finance|mid"


def test_the_record_may_name_the_cell_itself() -> None:
    found = assess(gather(key_account(grid="cell-7"), [], POLICY, NOON_MS), POLICY)
    assert grid_cell(found, POLICY) == "cell-7"


def test_nothing_known_makes_no_class_up() -> None:
    found = assess(gather(key_account(), [], POLICY, NOON_MS), POLICY)
    assert rfm(found.facts, POLICY).code == "000"
    assert grid_cell(found, POLICY) == "unknown|1A|unknown|unknown"
    assert value_segment(found, POLICY) is ValueSegment.ORDINARY


def test_a_lost_key_account_is_shown_as_those_who_must_replace_it() -> None:
    assert equivalents_of(key_account(), POLICY.replacement) == {"business": 79, "public": 338}
    assert equivalents_of(customer(), POLICY.replacement) == {}
    assert equivalents(3, POLICY.replacement) == {"business": 237, "public": 1014}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[indicators.tenure]", "[indicators.tenur]", "tenur"),
        ("level_from = [0, 35, 50, 65, 80]", "level_from = [0, 35, 35, 65, 80]", "level_from"),
        ("level_from = [0, 35, 50, 65, 80]", "level_from = [5, 35, 50, 65, 80]", "begin with 0"),
        ("worst = 90\nbest = 0", "worst = 0\nbest = 0", "overdue_days"),
        ('source = "lines"', 'source = "shoe_size"', "shoe_size"),
        ("weights = { loyalty = 3 }", "weights = { lojalty = 3 }", "lojalty"),
        ("business = 12", "bussiness = 12", "bussiness"),
        ("business = 79", "business = 0", "replacement"),
        ("influence = 0.15\n", "", "influence"),
    ],
)
def test_a_wrong_value_policy_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = VALUE_POLICY_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "value.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValuePolicyError, match=named) as caught:
        read_value_policy(path)
    assert "value.toml" in str(caught.value)
