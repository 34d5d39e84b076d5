"""The label clock: what is learnt, when, and once."""

from collections.abc import Sequence

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from models.label_rules import DAY_MS, LabelRules
from models.labels import DelayedLabels
from pipeline.events import ChurnKind, Example

EVERY_DAY = LabelRules(snapshot_every_days=1)
LINES = ["a", "b", "c", "d"]


def sweep(keeper: DelayedLabels, day: int, lines: Sequence[str] = LINES) -> list[Example]:
    features = np.array([[float(day), float(len(line))] for line in lines]).reshape(len(lines), 2)
    keeper.snapshot(day * DAY_MS, lines, [f"account-{line}" for line in lines], features)
    return keeper.due(day * DAY_MS)


def labels(examples: list[Example]) -> dict[tuple[str, int], bool]:
    return {(example.line_id, example.snapshot_ms // DAY_MS): example.churned for example in examples}


def test_both_classes_wait_until_the_horizon_is_over() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    assert sweep(keeper, 100) == []
    keeper.churned("a", 105 * DAY_MS, 105 * DAY_MS, ChurnKind.PORT_OUT)

    early = keeper.due(130 * DAY_MS - 1)
    on_time = keeper.due(130 * DAY_MS)

    assert early == []
    assert labels(on_time) == {("a", 100): True, ("b", 100): False, ("c", 100): False, ("d", 100): False}
    assert keeper.due(131 * DAY_MS) == []


def test_a_leaving_that_was_told_after_its_tick_is_not_used_at_that_tick() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 129 * DAY_MS, 131 * DAY_MS, ChurnKind.PORT_OUT)

    assert labels(keeper.due(130 * DAY_MS)) == {("a", 100): False}


def test_a_line_that_was_gone_at_its_snapshot_is_left_out() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a", "b"])
    keeper.churned("a", 99 * DAY_MS, 103 * DAY_MS, ChurnKind.TERMINATION)

    assert labels(keeper.due(130 * DAY_MS)) == {("b", 100): False}


def test_an_involuntary_leaver_is_left_out_in_its_last_thirty_days() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    sweep(keeper, 120, ["a"])
    keeper.churned("a", 140 * DAY_MS, 140 * DAY_MS, ChurnKind.INVOLUNTARY)

    assert labels(keeper.due(160 * DAY_MS)) == {("a", 100): False}


def test_a_reconnect_within_thirty_days_takes_the_leaving_back() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 105 * DAY_MS, 105 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.returned("a", 110 * DAY_MS)

    assert labels(keeper.due(130 * DAY_MS)) == {("a", 100): False}


def test_a_leaving_taken_back_after_it_was_learnt_gives_one_correction() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 120 * DAY_MS, 120 * DAY_MS, ChurnKind.PORT_OUT)
    (learnt,) = keeper.due(130 * DAY_MS)
    keeper.returned("a", 140 * DAY_MS)

    (correction,) = keeper.due(140 * DAY_MS)

    assert learnt.churned
    assert not correction.churned
    assert correction.corrects == learnt.example_id != correction.example_id
    assert correction.features == learnt.features
    assert keeper.due(141 * DAY_MS) == []


def test_a_return_after_thirty_days_takes_nothing_back() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a"])
    keeper.churned("a", 105 * DAY_MS, 105 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.returned("a", 136 * DAY_MS)

    assert labels(keeper.due(137 * DAY_MS)) == {("a", 100): True}


def test_silence_is_a_proxy_that_activity_takes_back_for_ninety_days() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    sweep(keeper, 100, ["a", "b"])
    for line in ("a", "b"):
        keeper.churned(line, 101 * DAY_MS, 141 * DAY_MS, ChurnKind.SILENCE)
    assert [example.churned for example in keeper.due(141 * DAY_MS)] == [True, True]

    keeper.returned("a", 185 * DAY_MS)
    keeper.returned("b", 195 * DAY_MS)

    assert labels(keeper.due(195 * DAY_MS)) == {("a", 100): False}


def test_a_quiet_stayer_waits_until_it_shows_life_or_is_known_to_have_left() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY, waits_for_silence=True)
    lines, features = ["alive", "gone", "back"], np.zeros((3, 1))

    def sweep_with_activity(day: int, last_day: list[int]) -> dict[tuple[str, int], bool]:
        last_activity_ms = np.array(last_day, dtype=np.int64) * DAY_MS
        if day == 100:
            keeper.snapshot(day * DAY_MS, lines, lines, features, last_activity_ms)
        else:  # lines without a turn: only their activity counts
            keeper._note_quiet_lines(day * DAY_MS, lines, last_activity_ms)
        return labels(keeper.due(day * DAY_MS))

    assert sweep_with_activity(100, [99, 99, 99]) == {}
    assert sweep_with_activity(130, [129, 110, 110]) == {("alive", 100): False}
    assert sweep_with_activity(135, [135, 110, 134]) == {("back", 100): False}
    keeper.churned("gone", 110 * DAY_MS, 150 * DAY_MS, ChurnKind.SILENCE)
    assert sweep_with_activity(150, [150, 110, 150]) == {("gone", 100): True}
    assert len(keeper) == 0


def test_old_future_and_repeated_labels_are_refused_and_counted() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    keeper.churned("a", 100 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 901 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 900 * DAY_MS, 900 * DAY_MS, ChurnKind.PORT_OUT)
    keeper.churned("a", 901 * DAY_MS, 901 * DAY_MS, ChurnKind.TERMINATION)
    keeper.returned("nobody", 901 * DAY_MS)

    assert keeper.counts == {"refused_too_old": 1, "refused_from_the_future": 1, "refused_same_event": 1}


def test_a_contact_within_the_horizon_lowers_the_weight() -> None:
    keeper = DelayedLabels("schema", LabelRules(snapshot_every_days=1, treated_weight=0.25))
    sweep(keeper, 100)
    keeper.contacted("account-a", None, 110 * DAY_MS)
    keeper.contacted("account-b", "b", 110 * DAY_MS)
    keeper.contacted("account-c", None, 131 * DAY_MS)

    weights = {example.line_id: example.weight for example in keeper.due(130 * DAY_MS)}

    assert weights == {"a": 0.25, "b": 0.25, "c": 1.0, "d": 1.0}


def test_each_line_has_its_turn_once_in_seven_days() -> None:
    keeper = DelayedLabels("schema", LabelRules())
    lines = [f"line-{number}" for number in range(700)]
    for day in range(100, 107):
        sweep(keeper, day, lines)

    per_day = [keeper.due((day + 30) * DAY_MS) for day in range(100, 107)]

    assert sorted(example.line_id for examples in per_day for example in examples) == sorted(lines)
    assert min(map(len, per_day)) > 60


def test_sampling_keeps_the_sum_of_weights() -> None:
    keeper = DelayedLabels("schema", LabelRules(snapshot_every_days=1, rows_per_day_max=500))
    lines = [f"line-{number}" for number in range(10_000)]
    sweep(keeper, 100, lines)

    examples = keeper.due(130 * DAY_MS)

    assert len(examples) <= 500
    assert sum(example.weight for example in examples) == pytest.approx(10_000, rel=0.2)


def test_missing_values_travel_as_null_and_infinities_are_clipped() -> None:
    keeper = DelayedLabels("schema", EVERY_DAY)
    keeper.snapshot(0, ["a"], ["a"], np.array([[np.nan, np.inf, 0.5]]))

    (example,) = keeper.due(30 * DAY_MS)

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
    assert all(example.snapshot_ms + 30 * DAY_MS <= example.known_ms for _, example in told if not example.corrects)
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
    assert restored.due(30 * DAY_MS) == keeper.due(30 * DAY_MS)
