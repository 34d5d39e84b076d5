"""A feed that stops by the wall clock is told of, and nothing is decided from it."""

import pytest
from structlog.testing import capture_logs

from pipeline.events import Stream
from pipeline.feed_watch import FeedWatch
from pipeline.metrics import Metrics
from tests.fakes.pipeline_runs import DAY_MS, HOUR_MS, MONDAY_MS, Run, call, topics_of
from tests.unit.pipeline.test_worker_shell import Worker

LIMIT_S = 600.0
#: Three months by the wall clock.
LONG_S = 90 * 86_400.0


def test_nothing_is_said_of_a_feed_that_never_brought_anything() -> None:
    assert not FeedWatch(LIMIT_S).has_stopped(LONG_S)


def test_thin_streams_may_pause_for_as_long_as_they_like() -> None:
    watch = FeedWatch(LIMIT_S)
    watch.note(Stream.BILLING, 0.0)
    assert (watch.has_stopped(LONG_S), watch.silent_s(LONG_S)) == (False, {Stream.BILLING: LONG_S})


def test_the_log_says_once_that_calls_have_stopped_and_once_that_they_are_back() -> None:
    worker = Worker()
    feeds, shell = worker.shell.feeds, worker.shell
    with capture_logs() as logs:
        feeds.note(Stream.CDR, -LONG_S)
        told = shell._watch_feeds(told=False)
        told = shell._watch_feeds(told=told)
        assert told
        feeds.limit_s = 2 * LONG_S
        assert not shell._watch_feeds(told=told)
    assert [entry["event"] for entry in logs] == ["feed.stopped", "feed.resumed"]


def test_the_silence_of_a_feed_is_a_metric_of_its_stream() -> None:
    worker = Worker()
    metrics = Metrics()
    worker.shell.metrics._metrics = metrics
    worker.shell.feeds.note(Stream.CDR, -LONG_S)
    worker.shell._watch_feeds(told=True)
    assert metrics.gauge("churnwatch_feed_silent_seconds", stream="cdr")._value.get() > LONG_S


def test_a_feed_that_stands_still_for_months_of_wall_time_makes_nobody_silent() -> None:
    calls = [call(n, MONDAY_MS + n * HOUR_MS, record_id=f"c{n}") for n in range(40 * 24)]
    run = Run(idle_s=0.2)
    topics = topics_of(cdr=calls)
    end: dict[Stream, int | None] = {**dict.fromkeys(Stream, 0), Stream.CDR: len(calls)}
    run.task.poll(end, 0.0)
    run.task.on_block(Stream.CDR, topics[Stream.CDR].block(0, len(calls)), 0.0)
    before = run.task.poll(end, 1.0).effects
    clock_ms = run.state.clock_ms
    assert clock_ms == MONDAY_MS + 40 * DAY_MS - HOUR_MS
    for now_s in (LONG_S, 2 * LONG_S):
        effects = run.task.poll(end, now_s).effects
        assert (effects.warnings, effects.examples, run.state.clock_ms) == ([], [], clock_ms)
    assert before.counts["records_cdr"] == len(calls)


def test_the_same_silence_in_stream_time_is_found() -> None:
    mine = [call(n, MONDAY_MS + n * HOUR_MS, record_id=f"c{n}") for n in range(40 * 24)]
    others = [
        call(n, MONDAY_MS + n * HOUR_MS, record_id=f"d{n}", account_id="b2", line_id="b2-1") for n in range(100 * 24)
    ]
    run = Run(idle_s=0.0)
    topics = topics_of(cdr=sorted([*mine, *others], key=lambda record: record["ts_ms"]))
    count = len(mine) + len(others)
    end: dict[Stream, int | None] = {**dict.fromkeys(Stream, 0), Stream.CDR: count}
    run.task.poll(end, 0.0)
    first = run.task.on_block(Stream.CDR, topics[Stream.CDR].block(0, count), 0.0)
    found = [*first.effects.warnings, *run.task.poll(end, 1.0).effects.warnings]
    assert {"silence", "usage_drop"} & {warning.reasons[0] for warning in found if warning.line_id == "a1-1"}


@pytest.mark.parametrize("limit_s", [1.0, 1e6])
def test_a_rebalance_starts_the_watch_anew(limit_s: float) -> None:
    watch = FeedWatch(limit_s)
    watch.note(Stream.CDR, 0.0)
    watch.forget()
    assert not watch.has_stopped(2e6)
