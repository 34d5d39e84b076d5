"""Who counts on a list, who is declared, how early a list held a churner, what a warning was worth."""

import numpy as np
import pytest

from models.evaluation.alarms import judge_alarms, warned_lines, warnings_hash
from models.evaluation.daily_lists import DAY_MS, DailyList, Lists
from models.evaluation.declared import OpenCases
from models.evaluation.lead_time import first_stay, lead_times
from models.evaluation.report_figures import judge
from models.evaluation.truth import TruthError, read_truth, truth_of
from models.evaluation.what_if import what_if
from pipeline.events import ChurnWarning, Level, OrderKind, OrderRecord, Origin, Truth

NEVER_MS = 1000 * DAY_MS


def churner(line: str, day: float, cause: str = "price") -> Truth:
    return Truth(account_id=f"a-{line}", line_id=line, churn_ms=int(day * DAY_MS), cause=cause)


def daily(day: int, scores: dict[int, float], declared: set[int] | None = None) -> DailyList:
    lines = list(scores)
    flags = np.array([line in (declared or set()) for line in lines], np.bool_)
    return DailyList(day * DAY_MS, np.array(lines), np.array(list(scores.values())), flags)


def warning(number: int, day: float, line: str | None, account: str = "a") -> ChurnWarning:
    return ChurnWarning(
        f"w{number}", int(day * DAY_MS), account, line, Level.WARN, 0.5, "prior", None, [], ["silence"], "none", "f"
    )  # fmt: skip


def order(kind: OrderKind, ts_ms: int, line: str | None = "l", expires_ms: int | None = None) -> OrderRecord:
    return OrderRecord("r", ts_ms, "acc", kind, Origin.CUSTOMER_TO_US, line_id=line, expires_ms=expires_ms)


def test_the_target_is_voluntary_churn_within_thirty_days_of_lines_that_are_still_here() -> None:
    ids = ["gone", "soon", "later", "forced", "forced-later", "stays"]
    truths = {
        truth.line_id: truth
        for truth in (
            churner("gone", 9), churner("soon", 40), churner("later", 40.5),
            churner("forced", 20, "involuntary"), churner("forced-later", 41, "involuntary"),
        )
    }  # fmt: skip
    lists = Lists(ids, [daily(10, dict.fromkeys(range(6), 0.5))], NEVER_MS)

    judged = next(lists.judged(truth_of(ids, truths)))

    told = {ids[line]: bool(left) for line, left in zip(judged.lines, judged.churned, strict=True)}
    assert told == {"soon": True, "later": False, "forced-later": False, "stays": False}


def test_equal_scores_are_ranked_by_line_id() -> None:
    ids = ["c", "a", "b"]
    lists = Lists(ids, [daily(1, {0: 0.5, 1: 0.5, 2: 0.9})], NEVER_MS)

    assert [ids[line] for line in next(lists.judged(truth_of(ids, {}))).lines] == ["b", "a", "c"]


def test_a_list_whose_thirty_days_are_not_over_is_not_judged() -> None:
    days = [daily(1, {0: 0.5}), daily(2, {0: 0.5})]
    lists = Lists(["l"], days, 31 * DAY_MS)

    assert [day.day_ms for day in lists.judged(truth_of(["l"], {}))] == [DAY_MS]


def test_a_stay_counts_from_its_start_when_the_list_held_the_line_half_of_the_time() -> None:
    assert first_stay([1, 2, 3, 4], [False, True, True, True]) == 2
    assert first_stay([1, 2, 3, 4, 5], [True, False, False, False, True]) == 5
    assert first_stay([1, 2, 3, 4], [True, True, False, False]) == 1
    assert first_stay([1, 2, 3, 4, 5], [True, True, False, False, False]) is None
    assert first_stay([], []) is None


def test_lead_times_of_all_churners_by_hand() -> None:
    ids = [f"l{number:03}" for number in range(100)]
    truths = {"l000": churner("l000", 4.5), "l001": churner("l001", 4), "l002": churner("l002", 3, "involuntary")}
    scores = dict.fromkeys(range(100), 0.01)
    days = [daily(day, {**scores, 0: 0.9, 50: 0.8}) for day in (1, 2, 3, 4)]
    lists = Lists(ids, days, 5 * DAY_MS)
    truth = truth_of(ids, truths)

    leads = lead_times((lists.judge(day, truth) for day in days), truth, DAY_MS, lists.end_ms)

    assert dict(zip(leads.lines, leads.days.tolist(), strict=True)) == {0: 3.5, 1: 0.0}
    assert list(leads.first_ms) == [DAY_MS, None]


def test_a_churner_outside_the_replay_has_no_lead_time() -> None:
    ids, truths = ["early", "late"], {"early": churner("early", 1), "late": churner("late", 9)}

    leads = lead_times([], truth_of(ids, truths), 2 * DAY_MS, 8 * DAY_MS)

    assert list(leads.lines) == []


def test_a_termination_is_open_until_it_is_cancelled_or_done() -> None:
    cases = OpenCases()
    cases.note(order(OrderKind.TERMINATION, 10))
    assert cases.open_at(10_000) == {"l"}
    cases.note(order(OrderKind.TERMINATION_CANCELLED, 20))
    assert cases.open_at(10_000) == set()


def test_a_port_code_is_open_until_it_expires() -> None:
    cases = OpenCases()
    cases.note(order(OrderKind.PORT_CODE_ISSUED, 10, expires_ms=100))

    assert cases.open_at(99) == {"l"}
    assert cases.open_at(100) == set()


def test_an_order_without_a_line_declares_the_account() -> None:
    cases = OpenCases()
    cases.note(order(OrderKind.PORT_OUT_ORDER, 10, line=None))

    assert cases.open_at(20) == {"acc"}


def test_a_late_termination_does_not_undo_a_cancellation_after_it() -> None:
    cases = OpenCases()
    cases.note(order(OrderKind.TERMINATION_CANCELLED, 20))
    cases.note(order(OrderKind.TERMINATION, 10))

    assert cases.open_at(30) == set()


def test_other_orders_declare_nothing() -> None:
    cases = OpenCases()
    cases.note(order(OrderKind.PORT_ELIGIBILITY_QUERY, 10))

    assert cases.open_at(20) == set()


def test_a_warning_is_false_when_nobody_it_names_leaves_in_time() -> None:
    truths = {"x": churner("x", 20), "i": churner("i", 20, "involuntary")}
    lists = Lists(["x", "y", "i"], [daily(day, {0: 0.1, 1: 0.1}) for day in range(7)], 40 * DAY_MS)
    warnings = [
        warning(1, 5, "x"), warning(2, 5, "y"), warning(3, 5, None), warning(4, 5, "i"), warning(5, 15, "y"),
    ]  # fmt: skip

    alarms = judge_alarms(warnings, {"a": ["x", "y"]}, truths, lists)

    assert (alarms.judged, alarms.false) == (3, 1)
    assert alarms.line_weeks == 2.0
    assert alarms.false_per_1000_line_weeks == 500.0


def test_the_hash_depends_on_the_warnings_and_not_on_their_order() -> None:
    first, second = warning(1, 1, "x"), warning(2, 2, None)

    assert warnings_hash([first, second]) == warnings_hash([second, first])
    assert warnings_hash([first]) != warnings_hash([first, second])


def test_an_account_warning_warns_all_its_lines() -> None:
    assert warned_lines([warning(1, 1, None), warning(2, 1, "z")], {"a": ["x", "y"]}) == {"x", "y", "z"}


def test_the_first_of_two_truths_of_a_line_counts_and_a_broken_one_is_told() -> None:
    lines = [b'{"account_id":"a","line_id":"l","churn_ms":%d,"cause":"price"}' % ms for ms in (9, 5)]

    assert read_truth([*lines, b""])["l"].churn_ms == 5
    with pytest.raises(TruthError, match="line 2: "):
        read_truth([lines[0], b'{"line_id":"l"}'])


def test_a_replay_that_is_too_short_tells_lead_times_only() -> None:
    lists = Lists(["x", "y"], [daily(1, {0: 0.9, 1: 0.1})], 3 * DAY_MS)

    figures = judge(lists, {"x": churner("x", 2)}, [], {}).as_dict()

    assert figures["lists_judged"] == 0
    assert figures["auc"] is None
    assert figures["ece"] is None
    assert figures["churners"] == 1
    assert figures["lead_time_days"] == {"p10": 1.0, "p50": 1.0, "p90": 1.0}


def test_what_another_threshold_would_have_meant_by_hand() -> None:
    ids, truths = ["x", "y"], {"x": churner("x", 20)}
    lists = Lists(ids, [daily(1, {0: 0.9, 1: 0.6}), daily(2, {0: 0.9, 1: 0.1})], NEVER_MS)

    row = what_if(list(lists.judged(truth_of(ids, truths))), thresholds=(0.5,))[0]

    assert row.listed_per_day == 1.5
    assert row.precision == pytest.approx(2 / 3)
    assert row.recall == 1.0
    assert row.new_per_1000_line_weeks == pytest.approx(2 / 4 * 7000)
