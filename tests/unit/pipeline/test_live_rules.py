"""Live rules in the engine: what an edition changes, from which tick on, also after a restart."""

import itertools

import pytest

from pipeline.events import Level, Stream
from pipeline.live_rules import Editions, PolicyInUse, RulesMessage, with_changes
from pipeline.policy import PolicyError, SignalPolicy
from tests.fakes.labels import RecordingLabels
from tests.fakes.pipeline_runs import (
    DAY_MS,
    HOUR_MS,
    MONDAY_MS,
    Run,
    Topics,
    call,
    care,
    customer,
    invoice,
    policy,
    topics_of,
)

NO_COMPLAINTS = {"hard.complaint.enabled": False}


def edition(version: int, counts_from_ms: int = 0, author: str = "eva") -> RulesMessage:
    return RulesMessage(version, counts_from_ms, 1, author, "supervisor", "because", {})


def run_with(*policies: tuple[SignalPolicy, int], **records: list[dict[str, object]]) -> Run:
    run = Run(RecordingLabels())
    for changed, counts_from_ms in policies:
        run.task.engine.use_policy(changed, counts_from_ms)
    run.fetch_all(topics_of(**records))
    return run


def complaints(*hours: int) -> Topics:
    days = [call(n, MONDAY_MS + n * HOUR_MS) for n in range(12)]
    told = [
        care("complaint", hour, MONDAY_MS + hour * HOUR_MS, account_id=f"a{hour}", line_id=f"a{hour}-1")
        for hour in hours
    ]
    return topics_of(cdr=days, care=told)


def warned(run: Run) -> set[str]:
    return {warning.account_id for warning in run.warnings if "complaint" in warning.reasons}


def test_a_switch_turns_a_signal_off_from_its_tick_on_and_another_edition_turns_it_on_again() -> None:
    run = Run(RecordingLabels())
    run.task.engine.use_policy(with_changes(policy(), NO_COMPLAINTS), MONDAY_MS + 4 * HOUR_MS)
    run.task.engine.use_policy(policy(), MONDAY_MS + 8 * HOUR_MS)
    run.fetch_all(complaints(1, 3, 5, 7, 9))
    assert warned(run) == {"a1", "a3", "a9"}


def test_a_switch_that_is_off_ends_what_was_on_and_forgets_no_record() -> None:
    run = run_with(
        (with_changes(policy(), NO_COMPLAINTS), MONDAY_MS + 4 * HOUR_MS),
        cdr=[call(n, MONDAY_MS + n * HOUR_MS) for n in range(40)],
        care=[care("complaint", 1, MONDAY_MS + HOUR_MS)],
    )
    case = run.state.lines.cases[run.state.lines.row_of["a1-1"]]
    assert "complaint" in case.hard
    assert "complaint" not in case.episodes


def test_a_lower_threshold_raises_the_level_of_what_is_seen_after_it() -> None:
    bills = [invoice(100.0 if n < 4 else 45.0, n, MONDAY_MS + n * DAY_MS) for n in range(5)]
    key = [customer(segment="key_account")]
    plain = run_with(customers=key, cdr=[call()], billing=bills)
    strict = run_with(
        (with_changes(policy(), {"soft.spend_drop.critical_at": 0.4, "soft.spend_drop.warn_at": 0.4}), MONDAY_MS),
        customers=key,
        cdr=[call()],
        billing=bills,
    )
    levels = [[warning.level for warning in run.warnings if "spend_drop" in warning.reasons] for run in (plain, strict)]
    assert levels[1] == [Level.CRITICAL] != levels[0]


@pytest.mark.parametrize("cut", [2, 4, 6, 8, 11])
def test_a_restart_changes_nothing_of_what_live_rules_decide(cut: int) -> None:
    changed = with_changes(policy(), NO_COMPLAINTS)
    topics = complaints(1, 3, 5, 7, 9)

    def prepared() -> Run:
        run = Run(RecordingLabels())
        rule(run)
        return run

    def rule(run: Run) -> None:
        run.task.engine.use_policy(changed, MONDAY_MS + 4 * HOUR_MS)
        run.task.engine.use_policy(policy(), MONDAY_MS + 8 * HOUR_MS)

    whole = prepared()
    whole.fetch_all(topics)
    parted = prepared()
    for stream in Stream:
        parted.fetch(topics, stream, cut)
    parted.save()
    kept = list(parted.warnings)
    parted.restart()
    rule(parted)
    parted.fetch_all(topics)
    assert [warning.warning_id for warning in parted.warnings] == [warning.warning_id for warning in whole.warnings]
    assert kept == whole.warnings[: len(kept)]


def test_of_two_editions_with_one_number_the_first_on_the_topic_counts_for_every_reader() -> None:
    first, slower, second = edition(1), edition(1, author="bob"), edition(2)
    editions = Editions()
    assert [editions.take(one) for one in (first, slower, edition(3), second, second)] == [
        True, False, False, True, False,
    ]  # fmt: skip
    assert editions.taken == [first, second]


def test_the_newest_edition_whose_tick_has_come_counts() -> None:
    editions = Editions([edition(1, 100), edition(2, 300), edition(3, 300)])
    assert [one and one.version for one in map(editions.at, (99, 100, 299, 300))] == [None, 1, 1, 3]


def test_policies_count_in_the_order_of_their_ticks_whatever_order_they_are_heard_in() -> None:
    low, high = (with_changes(policy(), {"score.on": value}) for value in (0.2, 0.4))
    for order in itertools.permutations([(low, 100), (high, 200)]):
        used = PolicyInUse(policy())
        for changed, tick in order:
            used.add(changed, tick)
        assert [used.at(tick).model_score_on for tick in (50, 100, 250)] == [policy().model_score_on, 0.2, 0.4]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"soft.silence.on": 1.5}, "soft.silence.on"),
        ({"soft.silence.on": "much"}, "soft.silence.on"),
        ({"soft.silence.weight": 0.5}, "no such rule"),
        ({"soft.nothing.on": 0.5}, "no such rule"),
        ({"soft.silence.on": 0.1}, "must be below"),
        ({"score.on": 0.9}, "model_score"),
        ({"score.on": True}, "from 0 to 1"),
        ({"hard.complaint.level": "loud"}, "hard.complaint.level"),
        ({"engine.tick": 1.0}, "no such rule"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_by_name(changes: dict[str, float | bool | str], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        with_changes(policy(), changes)


def test_rules_of_tasks_are_passed_over_by_the_engine() -> None:
    assert with_changes(policy(), {"tasks.create_from": "watch"}) == policy()
