"""The label clock: what is learnt, when, and once."""

from collections import Counter
from collections.abc import Sequence

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from models.label_rules import DAY_MS, LabelRules
from models.labels import DelayedLabels
from models.snapshots import proof_days, stable_hashes
from pipeline.events import ChurnKind, Example

EVERY_DAY = LabelRules(snapshot_every_days=1)
LINES = ["a", "b", "c", "d"]


def sweep(keeper: DelayedLabels, day: int, lines: Sequence[str] = LINES) -> list[Example]:
    features = np.array([[float(day), float(len(line))] for line in lines]).reshape(len(lines), 2)
    keeper.snapshot(day * DAY_MS, lines, [f"account-{line}" for line in lines], features)
    return keeper.due(day * DAY_MS)


def labels(examples: list[Example]) -> dict[tuple[str, int], bool]:
    return {(example.line_id, example.snapshot_ms // DAY_MS): example.churned for example in examples}


def told_over(keeper: DelayedLabels, first_day: int, last_day: int) -> list[Example]:
    """Everything told from one day to another, both included."""
    return [example for day in range(first_day, last_day + 1) for example in keeper.due(day * DAY_MS)]


def proof_day(line: str, day: int) -> int:
    """The day on which a snapshot's line counts as a stayer."""
    return day + int(proof_days(stable_hashes([line]), day, 30)[0])


def test_a_leaver_is_told_when_it_is_known_and_a_stayer_on_its_drawn_day() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    assert sweep(keeper, 100) == []
    keeper.churned("a", 101 * DAY_MS - 1, 101 * DAY_MS, ChurnKind.PORT_OUT)

    told = {(example.line_id, example.churned): example.known_ms // DAY_MS for example in told_over(keeper, 101, 130)}

    assert told == {("a", True): 101, **{(line, False): proof_day(line, 100) for line in "bcd"}}
    assert told_over(keeper, 131, 140) == []
    assert len(keeper) == 0


def test_a_line_that_leaves_after_its_drawn_day_was_a_stayer_until_then() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    stayed = told_over(keeper, 101, 129)
    keeper.churned("a", 129 * DAY_MS + 1, 130 * DAY_MS, ChurnKind.PORT_OUT)
    left = keeper.due(130 * DAY_MS)

    assert proof_day("a", 100) < 130
    assert [example.churned for example in (*stayed, *left)] == [False, True]
    assert stayed[0].example_id != left[0].example_id


def test_every_day_of_the_horizon_is_drawn_as_often() -> None:
    drawn = proof_days(stable_hashes([f"line-{number}" for number in range(30_000)]), 20_000, 30)

    assert np.bincount(drawn, minlength=31)[1:] == pytest.approx(1000, rel=0.12)
    assert drawn.min() == 1


@pytest.mark.parametrize("monthly_rate", [0.02, 0.09])
def test_the_learnt_base_rate_is_the_true_one_from_the_second_month_on(monthly_rate: float) -> None:
    """Leavers come at once and stayers over a month: their odds must be the hazard of thirty days all the same."""
    random = np.random.default_rng(5)
    lines = [f"line-{number:05d}" for number in range(1500)]
    hazard = -np.log1p(-monthly_rate)
    leaves_on_day = random.exponential(30.0 / hazard, len(lines))
    keeper, told = DelayedLabels("schema", LabelRules(snapshot_every_days=1)), []
    for day in range(100):
        here = [line for line, leaves in zip(lines, leaves_on_day, strict=True) if leaves > day]
        for line, leaves in zip(lines, leaves_on_day, strict=True):
            if day - 1 < leaves <= day:
                keeper.churned(line, int(leaves * DAY_MS), day * DAY_MS, ChurnKind.PORT_OUT)
        keeper.snapshot(day * DAY_MS, here, here, np.zeros((len(here), 1)))
        told += [(day, example.churned, example.weight) for example in keeper.due(day * DAY_MS)]

    for first, last in ((30, 65), (65, 100)):
        months = [(churned, weight) for day, churned, weight in told if first <= day < last]
        left = sum(weight for churned, weight in months if churned)
        stayed = sum(weight for churned, weight in months if not churned)
        happened = np.mean((leaves_on_day > first) & (leaves_on_day <= last)) / np.mean(leaves_on_day > first)
        true_hazard = -np.log1p(-happened) * 30.0 / (last - first)
        assert left / stayed == pytest.approx(true_hazard, rel=0.05)


def test_a_line_that_was_gone_at_its_snapshot_is_left_out() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a", "b"])
    keeper.churned("a", 99 * DAY_MS, 103 * DAY_MS, ChurnKind.TERMINATION)

    assert labels(told_over(keeper, 101, 130)) == {("b", 100): False}


def test_an_involuntary_leaver_counts_for_nothing_from_its_leaving_on() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    for line in LINES:
        keeper.churned(line, 101 * DAY_MS, 101 * DAY_MS, ChurnKind.INVOLUNTARY)
    sweep(keeper, 100)

    assert all(proof_day(line, 100) > 101 for line in LINES)
    assert told_over(keeper, 101, 131) == []


def test_a_reconnect_within_thirty_days_corrects_what_was_told() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 101 * DAY_MS, 101 * DAY_MS, ChurnKind.PORT_OUT)
    (learnt,) = keeper.due(101 * DAY_MS)
    keeper.returned("a", 110 * DAY_MS)

    (correction,) = (example for example in keeper.due(110 * DAY_MS) if example.corrects)

    assert learnt.churned
    assert not correction.churned
    assert correction.corrects == learnt.example_id != correction.example_id
    assert correction.features == learnt.features
    assert all(not example.churned for example in told_over(keeper, 111, 131))


def test_a_return_after_thirty_days_takes_nothing_back() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 105 * DAY_MS, 105 * DAY_MS, ChurnKind.PORT_OUT)
    told = told_over(keeper, 101, 135)
    keeper.returned("a", 136 * DAY_MS)
    told += keeper.due(137 * DAY_MS)

    assert [example.churned for example in told if example.known_ms >= 105 * DAY_MS] == [True]


def with_activity(keeper: DelayedLabels, day: int, last_day: dict[str, int]) -> list[Example]:
    """A sweep on which no line has its turn: only when each was last active counts."""
    last_activity_ms = np.array(list(last_day.values()), dtype=np.int64) * DAY_MS
    keeper._note_quiet_lines(day * DAY_MS, list(last_day), last_activity_ms)
    return keeper.due(day * DAY_MS)


def test_a_leaving_by_silence_counts_half_and_so_does_what_takes_it_back() -> None:
    keeper, lines = DelayedLabels("schema", EVERY_DAY, waits_for_silence=True), ["silent", "ported"]
    keeper.snapshot(100 * DAY_MS, lines, lines, np.zeros((2, 1)), np.array([100, 100]) * DAY_MS)
    keeper.churned("ported", 101 * DAY_MS, 102 * DAY_MS, ChurnKind.PORT_OUT)
    told = [one for day in range(102, 141) for one in with_activity(keeper, day, {"silent": 101})]
    keeper.churned("silent", 101 * DAY_MS, 141 * DAY_MS, ChurnKind.SILENCE)
    told += with_activity(keeper, 141, {"silent": 101})
    keeper.returned("silent", 150 * DAY_MS)
    (correction,) = with_activity(keeper, 150, {})

    assert {one.line_id: one.weight for one in told if one.churned} == {"ported": 1.0, "silent": 0.5}
    assert (correction.line_id, correction.weight) == ("silent", 0.5)


def test_silence_is_a_proxy_that_activity_takes_back_for_ninety_days() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY, waits_for_silence=True)
    lines = ["a", "b"]
    keeper.snapshot(100 * DAY_MS, lines, lines, np.zeros((2, 1)), np.array([100, 100]) * DAY_MS)
    for day in range(103, 141):
        assert with_activity(keeper, day, {"a": 101, "b": 101}) == []
    for line in lines:
        keeper.churned(line, 101 * DAY_MS, 141 * DAY_MS, ChurnKind.SILENCE)
    assert [example.churned for example in with_activity(keeper, 141, {"a": 101, "b": 101})] == [True, True]

    keeper.returned("a", 185 * DAY_MS)
    keeper.returned("b", 195 * DAY_MS)

    assert labels(with_activity(keeper, 195, {})) == {("a", 100): False}


def test_a_quiet_stayer_waits_until_it_shows_life_or_is_known_to_have_left() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY, waits_for_silence=True)
    lines = ["alive", "gone", "back"]
    keeper.snapshot(100 * DAY_MS, lines, lines, np.zeros((3, 1)), np.array([100, 100, 100]) * DAY_MS)

    told = [labels(with_activity(keeper, day, {"alive": day, "gone": 100, "back": 100})) for day in range(103, 135)]
    assert [one for one in told if one] == [{("alive", 100): False}]
    assert labels(with_activity(keeper, 135, {"alive": 135, "gone": 100, "back": 134})) == {("back", 100): False}
    keeper.churned("gone", 100 * DAY_MS + 1, 141 * DAY_MS, ChurnKind.SILENCE)
    assert labels(with_activity(keeper, 141, {"alive": 141, "gone": 100, "back": 141})) == {("gone", 100): True}
    assert len(keeper) == 0


def test_a_quiet_line_that_a_sweep_passes_over_is_not_told_as_a_stayer() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY, waits_for_silence=True)
    keeper.snapshot(100 * DAY_MS, ["gone"], ["gone"], np.zeros((1, 1)), np.array([100 * DAY_MS]))
    for day in range(101, 140):
        keeper.snapshot(day * DAY_MS, [], [], np.zeros((0, 1)), np.zeros(0, np.int64))  # records are missing everywhere
        keeper.passed_over(day * DAY_MS, ["gone"], np.array([100 * DAY_MS]))
        assert keeper.due(day * DAY_MS) == []

    assert len(keeper) == 1


def test_old_future_and_repeated_labels_are_refused_and_counted() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    keeper.churned("a", 100 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 901 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 900 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 901 * DAY_MS, 901 * DAY_MS, ChurnKind.TERMINATION)
    keeper.returned("nobody", 901 * DAY_MS)

    assert keeper.counts == {"refused_too_old": 1, "refused_from_the_future": 1, "refused_same_event": 1}


def test_a_contact_before_what_an_example_tells_lowers_its_weight() -> None:
    keeper = DelayedLabels("schema", LabelRules(snapshot_every_days=1, treated_weight=0.25))
    sweep(keeper, 100)
    keeper.contacted("account-a", None, 100 * DAY_MS + 1)
    keeper.contacted("account-b", "b", 90 * DAY_MS)
    keeper.contacted("account-c", None, proof_day("c", 100) * DAY_MS + 1)

    weights = {example.line_id: example.weight for example in told_over(keeper, 101, 130)}

    assert weights == {"a": 0.25, "b": 0.25, "c": 1.0, "d": 1.0}


def test_with_no_weight_for_the_treated_a_snapshot_is_censored_at_the_contact() -> None:
    keeper = DelayedLabels("schema", LabelRules(snapshot_every_days=1, treated_weight=0.0))
    sweep(keeper, 100)
    keeper.contacted("account-a", None, 100 * DAY_MS + 1)
    keeper.churned("b", 101 * DAY_MS, 101 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.contacted("account-b", None, 102 * DAY_MS)

    told = labels(told_over(keeper, 101, 130))

    assert told == {("b", 100): True, ("c", 100): False, ("d", 100): False}


def test_each_line_has_its_turn_once_in_seven_days() -> None:
    keeper = DelayedLabels("schema", LabelRules())
    lines = [f"line-{number}" for number in range(700)]
    for day in range(100, 107):
        sweep(keeper, day, lines)

    told = told_over(keeper, 107, 137)
    per_day = Counter(example.snapshot_ms for example in told)

    assert len(told) > 0.85 * len(lines)  # what was told in the first week, `sweep` has swallowed
    assert len({example.line_id for example in told}) == len(told)
    assert min(per_day.values()) > 45


def test_sampling_keeps_the_sum_of_weights() -> None:
    keeper = DelayedLabels("schema", LabelRules(snapshot_every_days=1, rows_per_day_max=500))
    lines = [f"line-{number}" for number in range(10_000)]
    sweep(keeper, 100, lines)

    examples = told_over(keeper, 101, 130)

    assert len(examples) <= 500
    assert sum(example.weight for example in examples) == pytest.approx(10_000, rel=0.2)


def test_missing_values_travel_as_null_and_infinities_are_clipped() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    keeper.snapshot(0, ["a"], ["a"], np.array([[np.nan, np.inf, 0.5]]))

    (example,) = told_over(keeper, 1, 30)

    assert example.features == [None, float(np.float32(1e30)), 0.5]
    assert msgspec.json.decode(msgspec.json.encode(example), type=Example) == example


EVENTS = st.lists(
    st.tuples(
        st.integers(100, 200),
        st.sampled_from(["churn", "silence", "involuntary", "return", "contact"]),
        st.sampled_from(LINES),
        st.integers(0, 10),
    ),
    max_size=25,
).map(sorted)


def run(events: list[tuple[int, str, str, int]], restart_days: set[int]) -> list[tuple[int, Example]]:
    """Sweep days 100-260; on the restart days a new keeper takes over from the pages of the old one."""
    keeper = DelayedLabels("schema", EVERY_DAY)
    pages: dict[str, bytes] = {}
    out: list[tuple[int, Example]] = []
    for day in range(100, 261):
        for _, kind, line, delay in (event for event in events if event[0] == day):
            if kind == "return":
                keeper.returned(line, day * DAY_MS)
            elif kind == "contact":
                keeper.contacted(f"account-{line}", None, day * DAY_MS)
            elif kind == "silence":
                keeper.churned(line, (day - 40) * DAY_MS, day * DAY_MS, ChurnKind.SILENCE)
            else:
                churn_kind = ChurnKind.PORT_OUT if kind == "churn" else ChurnKind.INVOLUNTARY
                keeper.churned(line, (day - delay) * DAY_MS, day * DAY_MS, churn_kind)
        out.extend((day * DAY_MS, example) for example in sweep(keeper, day))
        for name, page in keeper.changed_pages().items():
            if page is None:
                pages.pop(name, None)
            else:
                pages[name] = page
        if day in restart_days:
            keeper = DelayedLabels("schema", EVERY_DAY)
            keeper.restore(pages)
    return out


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_nothing_is_learnt_before_its_label_could_be_known_and_each_example_once(
    events: list[tuple[int, str, str, int]],
) -> None:
    told = run(events, set())

    assert all(example.known_ms <= tick_ms for tick_ms, example in told)
    left_ms = {(line, (day - (40 if kind == "silence" else delay)) * DAY_MS) for day, kind, line, delay in events
               if kind in ("churn", "silence")}  # fmt: skip
    for tick_ms, example in told:
        if example.churned:
            assert any(line == example.line_id and left <= example.known_ms for line, left in left_ms)
        elif not example.corrects:
            assert example.known_ms - example.snapshot_ms >= DAY_MS
            assert proof_day(example.line_id, example.snapshot_ms // DAY_MS) * DAY_MS <= tick_ms
    ids = [example.example_id for _, example in told]
    assert len(ids) == len(set(ids))
    positives = [example for _, example in told if example.churned]
    left = {(line, day - delay) for day, kind, line, delay in events if kind == "churn"}
    left |= {(line, day - 40) for day, kind, line, _ in events if kind == "silence"}
    for example in positives:
        snapshot_day = example.snapshot_ms // DAY_MS
        assert any(line == example.line_id and 0 < day - snapshot_day <= 30 for line, day in left)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.sets(st.integers(100, 259), max_size=4))
def test_a_restored_keeper_goes_on_as_the_undisturbed_one(
    events: list[tuple[int, str, str, int]], restart_days: set[int]
) -> None:
    assert run(events, restart_days) == run(events, set())


def test_equal_histories_give_equal_pages() -> None:
    keepers = [DelayedLabels("schema", EVERY_DAY), DelayedLabels("schema", EVERY_DAY)]
    for keeper, lines in zip(keepers, (LINES, LINES[::-1]), strict=True):
        sweep(keeper, 100, lines)
        for line in lines:
            keeper.churned(line, 100 * DAY_MS, 101 * DAY_MS, ChurnKind.PORT_OUT)

    assert keepers[0].changed_pages() == keepers[1].changed_pages()
    assert keepers[0].changed_pages() == {}


def test_a_page_of_a_great_day_stays_below_what_a_message_holds() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    lines = [f"line-{number:06d}" for number in range(4000)]
    features = np.random.default_rng(1).normal(size=(4000, 60))
    keeper.snapshot(0, lines, lines, features)

    pages = keeper.changed_pages()
    restored = DelayedLabels("schema", EVERY_DAY)
    restored.restore({name: page for name, page in pages.items() if page is not None})

    assert len(pages) > 1
    assert max(len(page or b"") for page in pages.values()) < 500_000
    assert told_over(restored, 1, 30) == told_over(keeper, 1, 30)
