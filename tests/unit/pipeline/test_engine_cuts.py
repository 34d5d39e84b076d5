"""The central promise: neither the sizes of fetches nor restarts change what is decided or what is remembered."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.events import ChurnWarning, Stream
from pipeline.partitioning import partition_of
from pipeline.sources.operator.config import MediationConfig, load_scenario
from pipeline.sources.operator.simulate import days
from tests.fakes.pipeline_runs import (
    DAY_MS,
    HOUR_MS,
    MONDAY_MS,
    Run,
    Topic,
    Topics,
    call,
    customer,
    invoice,
    outcome,
    topics_of,
    wire,
)

CUSTOMERS, DAYS = 60, 45
PARTITIONS = 2
#: Many more faults than in life: duplicates, late records, sessions in parts, malformed lines.
MEDIATION = MediationConfig(duplicate_share=0.05, late_share=0.1, partial_share=0.2, malformed_share=0.005)

Disturb = Callable[[Run, Topics, random.Random], None]


@pytest.fixture(scope="module")
def history() -> Topics:
    """One partition's topics of a small operator."""
    topics = {stream: Topic() for stream in Stream}
    config = load_scenario("price-war", customers=CUSTOMERS, days=DAYS, seed=5, mediation=MEDIATION)
    for day in days(config):
        for stream, batch in day.streams.items():
            for _, key, line in batch:
                if partition_of(key, PARTITIONS) == 0:
                    topics[stream].keys.append(key)
                    topics[stream].values.append(line)
    return topics


@pytest.fixture(scope="module")
def undisturbed(history: Topics) -> Run:
    run = Run()
    run.fetch_all(history)
    return run


def cut_up(history: Topics, dice: random.Random, largest: int, disturb: Disturb) -> Run:
    """The history in fetches of random sizes from random topics, disturbed after some of them."""
    run = Run()
    while any(run.position(stream) < len(topic.values) for stream, topic in history.items()):
        stream = dice.choice([stream for stream, topic in history.items() if run.position(stream) < len(topic.values)])
        run.fetch(history, stream, dice.randint(1, largest))
        disturb(run, history, dice)
    run.settle(history)
    return run


def nothing(run: Run, history: Topics, dice: random.Random) -> None:
    """Only cut."""


def save_and_die(run: Run, history: Topics, dice: random.Random) -> None:
    """Save at some moments, die at others: what was not saved is read again."""
    if dice.random() < 0.25:
        run.save()
    if dice.random() < 0.08:
        run.restart()


def test_the_history_is_worth_testing_with(history: Topics, undisturbed: Run) -> None:
    counts = undisturbed.effects.counts
    assert len(history[Stream.CDR].values) > 3000
    assert counts["duplicates"] > 100
    assert counts["late"] > 200
    assert undisturbed.refused
    causes = {warning.reasons[0] for warning in undisturbed.warnings}
    assert len(causes) >= 8
    assert {"complaint", "usage_drop"} <= causes
    assert undisturbed.state.clock_ms > 0
    assert undisturbed.state.lines.page_count > 1


@pytest.mark.parametrize(("seed", "largest"), [(1, 40), (2, 700), (3, 10_000)])
def test_the_sizes_of_fetches_change_no_warning_and_no_bit_of_the_state(
    history: Topics, undisturbed: Run, seed: int, largest: int
) -> None:
    run = cut_up(history, random.Random(seed), largest, nothing)
    assert wire(run.warnings) == wire(undisturbed.warnings)
    assert wire(run.effects.examples) == wire(undisturbed.effects.examples)
    assert run.effects.counts == undisturbed.effects.counts
    assert_same_state(run, undisturbed)


@pytest.mark.parametrize("seed", range(4))
def test_restarts_change_no_warning_and_no_bit_of_the_state(history: Topics, undisturbed: Run, seed: int) -> None:
    run = cut_up(history, random.Random(100 + seed), 800, save_and_die)
    assert by_id(run.warnings) == by_id(undisturbed.warnings)
    assert_same_state(run, undisturbed)
    again, once = ({item.example_id: item for item in each.effects.examples} for each in (run, undisturbed))
    assert again == once


def by_id(warnings: list[ChurnWarning]) -> dict[str, bytes]:
    """Warnings by id; one that was made again after a restart must be the same to the byte."""
    found: dict[str, bytes] = {}
    for warning, content in zip(warnings, wire(warnings), strict=True):
        assert found.setdefault(warning.warning_id, content) == content
    return found


def assert_same_state(run: Run, other: Run) -> None:
    pages, expected = run.pages(), other.pages()
    assert sorted(pages) == sorted(expected)
    assert [name for name in pages if pages[name] != expected[name]] == []
    assert run.task.merger.applied() == other.task.merger.applied()
    for name in ("clock_ms", "newest_ms"):
        assert getattr(run.state, name) == getattr(other.state, name)
    assert run.state.landmark == other.state.landmark
    assert run.state.lines_of == other.state.lines_of


def test_a_restart_goes_on_at_the_record_after_the_last_applied_one(history: Topics) -> None:
    run = Run()
    for stream in Stream:
        run.fetch(history, stream, 500)
    run.settle({stream: Topic(topic.keys[:500], topic.values[:500]) for stream, topic in history.items()})
    snapshot = run.save()
    run.restart()
    assert {stream: run.position(stream) for stream in Stream} == snapshot.applied
    assert snapshot.applied[Stream.CDR] == 500


def test_no_warning_id_ever_has_two_contents(undisturbed: Run) -> None:
    assert len(by_id(undisturbed.warnings)) == len(undisturbed.warnings)


def test_the_sums_of_a_busy_hour_have_the_same_bits_however_it_is_cut() -> None:
    dice = random.Random(8)
    calls = [
        call(n, MONDAY_MS + n, line_id=f"a1-{n % 3}", charge=dice.random(), duration_s=600 * dice.random())
        for n in range(3000)
    ]
    sums = []
    for largest in (3000, 1000, 50):
        run, topics = Run(), topics_of(cdr=calls)
        while run.position(Stream.CDR) < len(calls):
            run.fetch(topics, Stream.CDR, dice.randint(largest // 2, largest))
            for _ in range(2):
                run.poll({stream: topic for stream, topic in topics.items() if stream is not Stream.CDR})
                run.now_s += 10.0
            assert run.task.merger.inputs[Stream.CDR].buffered < len(calls) / 2
        run.settle(topics)
        sums.append(run.state.lines["sums"].tobytes())
    assert sums[1:] == sums[:1] * 2


MINUTE_MS = 60_000


def calls_around(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Charged calls of one line, one every second minute of the hour in which the record comes."""
    hour_ms = record["ts_ms"] // HOUR_MS * HOUR_MS
    return [call(n, hour_ms + n * 2 * MINUTE_MS, record_id=f"r{n}-{hour_ms}", charge=1.0 + n / 3.0) for n in range(30)]


RESETS: dict[str, list[dict[str, Any]]] = {
    "billing": [invoice(20.0, ts_ms=MONDAY_MS + 3 * DAY_MS + 31 * MINUTE_MS)],
    "customers": [customer(ts_ms=MONDAY_MS + 31 * MINUTE_MS, account_id="b2", received_ms=MONDAY_MS + 31 * MINUTE_MS)],
    "outcomes": [
        outcome("churn", 1, MONDAY_MS + 31 * MINUTE_MS, churn_ms=MONDAY_MS, churn_kind="port_out"),
        outcome("win_back", 2, MONDAY_MS + 40 * DAY_MS + 31 * MINUTE_MS),
    ],
}


@pytest.mark.parametrize("stream", RESETS)
def test_what_calls_add_to_is_closed_between_the_calls_before_and_after_wherever_fetches_end(stream: str) -> None:
    records = RESETS[stream]
    calls = [each for record in records for each in calls_around(record)]
    topics = topics_of(cdr=calls, **{stream: records})
    whole, cut = Run(), Run()
    whole.fetch_all(topics)
    for record in records:
        before = sum(each["ts_ms"] < record["ts_ms"] for each in calls)
        cut.fetch(topics, Stream.CDR, before - cut.position(Stream.CDR))
        settle_early(cut)
        cut.fetch(topics, Stream(stream), 1)
        settle_early(cut)
    cut.fetch_all(topics)
    assert_same_state(cut, whole)


def settle_early(run: Run) -> None:
    """All inputs seem to be at their ends: everything so far is decided."""
    for _ in range(2):
        run.task.poll({stream: run.position(stream) for stream in Stream}, run.now_s)
        run.now_s += 10.0
    run.task.poll({stream: run.position(stream) for stream in Stream}, run.now_s)


def test_a_worker_that_takes_a_day_at_a_time_decides_and_keeps_the_same(history: Topics, undisturbed: Run) -> None:
    run, now_s = Run(), 0.0
    ends: dict[Stream, int | None] = {stream: len(topic.values) for stream, topic in history.items()}
    for stream, topic in history.items():
        block = topic.block(0, len(topic.values))
        if len(block):
            run._note(run.task.on_block(stream, block, now_s, DAY_MS))
    steps = 0
    while steps < 3 * DAYS:
        steps, now_s = steps + 1, now_s + 10.0
        before = run.state.clock_ms
        run._note(run.task.poll(ends, now_s, DAY_MS))
        assert run.state.clock_ms - before <= 2 * DAY_MS or before < 0
    assert run.task.is_through()
    assert wire(run.warnings) == wire(undisturbed.warnings)
    assert_same_state(run, undisturbed)
