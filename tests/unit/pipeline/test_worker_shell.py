"""The shell around the tasks, without a broker: what it sends in which order, and what it does when something is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.types import TP

from pipeline import agents
from pipeline.agents import Shell, Topics
from pipeline.blocks import BlockConsumer, Fetched
from pipeline.dead_letter_limit import DeadLetterLimit
from pipeline.events import Stream
from pipeline.feed_watch import FeedWatch
from pipeline.metrics import Metrics
from pipeline.outbox import Outbox
from pipeline.stall import StallWatch
from pipeline.worker_metrics import WorkerMetrics
from tests.fakes.pipeline_runs import Run, order, topics_of

CHANGELOG, WARNINGS = "changelog", "warnings"


class NoBroker(BlockConsumer):
    """Notes what is committed."""

    def __init__(self, log: list[str]) -> None:
        self.noted = log
        self.agrees = True

    def is_current(self, fetched: Fetched) -> bool:
        return True

    async def commit_durable(self, offsets: Any) -> bool:
        self.noted.append("commit")
        return self.agrees


class Producer:
    """Notes what is sent, and acknowledges when `answer` lets it."""

    def __init__(self, log: list[str]) -> None:
        self.noted = log
        self.answer: Callable[[str], Awaitable[None]] | None = None
        self.before_send: Callable[[], Awaitable[object]] | None = None

    async def send(self, topic: str, key: bytes, value: bytes | None, *_: Any) -> Awaitable[None]:
        if self.before_send is not None and topic == WARNINGS:
            await self.before_send()
        kind = "manifest" if topic == CHANGELOG and b"manifest" in key else topic
        self.noted.append(f"{kind} deleted" if value is None else kind)

        async def acknowledged() -> None:
            if self.answer is not None:
                await self.answer(kind)

        return acknowledged()


class Worker:
    """A shell with one real partition task."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.crashes: list[BaseException] = []
        self.producer, self.consumer = Producer(self.log), NoBroker(self.log)
        app = SimpleNamespace(producer=self.producer, consumer=self.consumer, should_stop=False, crash=self._crash)
        inputs = {stream.value: stream for stream in Stream}
        self.shell = Shell(
            cast(faust.App, app), Topics(inputs, WARNINGS, "views", "examples", "dead-letters"),
            make_task=lambda *_: Run().task, ready=self._ready, metrics=WorkerMetrics(Metrics()),
            limit=DeadLetterLimit(0.5, 1000), commit_interval_s=1.0, stall_timeout_s=1.0, feeds=FeedWatch(600.0),
        )  # fmt: skip
        self.shell.outbox = Outbox(cast(faust.App, app))
        self.shell.table = SimpleNamespace(
            data=SimpleNamespace(data={}), changelog_topic=SimpleNamespace(get_topic_name=lambda: CHANGELOG)
        )
        self.shell.tasks[0] = Run(idle_s=0.0).task

    async def take_an_order_to_leave(self) -> None:
        """A record that is decided at once: it leads to a warning."""
        topics = topics_of(orders=[order("termination")])
        for task in self.shell.tasks.values():
            task.poll(dict.fromkeys(Stream, 0), 0.0)
        block = topics[Stream.ORDERS].block(0, 1)
        await self.shell._guard(self.shell._take_block(TP("orders", 0), Fetched(block, 0), 0.0))
        await self.shell._publish(self.shell.tasks[0].poll({**dict.fromkeys(Stream, 0), Stream.ORDERS: 1}, 1e9))

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    async def _ready(self) -> None:
        return


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_warnings_go_before_pages_and_pages_before_the_manifest_and_that_before_the_commit(worker: Worker) -> None:
    async def story() -> None:
        await worker.take_an_order_to_leave()
        await worker.shell.flush()

    asyncio.run(story())
    firsts = [kind for kind in dict.fromkeys(worker.log) if kind in (WARNINGS, CHANGELOG, "manifest", "commit")]
    assert firsts == [WARNINGS, CHANGELOG, "manifest", "commit"]


@pytest.mark.parametrize(("together_bytes", "rounds"), [(1 << 30, 1), (0, 3)])
def test_partitions_are_saved_together_as_far_as_their_pages_may_be_in_memory_twice(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, together_bytes: int, rounds: int
) -> None:
    monkeypatch.setattr(agents, "TOGETHER_BYTES", together_bytes)
    waited: list[int] = []

    async def note(kind: str) -> None:
        waited.append(worker.log.count("commit"))
        await asyncio.sleep(0)
        assert worker.log.count("commit") == waited[-1], f"a commit did not wait for {kind}"

    async def story() -> None:
        worker.shell.tasks = {number: Run(idle_s=0.0).task for number in range(3)}
        await worker.take_an_order_to_leave()
        worker.producer.answer = note
        await worker.shell.flush()

    asyncio.run(story())
    assert worker.log.count("commit") == rounds
    saved = [kind for kind in worker.log if kind in (CHANGELOG, "manifest", "commit")]
    once = [kind for kind, _ in groupby(saved)]
    assert once == [CHANGELOG, "manifest", "commit"] * rounds
    assert saved.count("manifest") == 3


@pytest.mark.parametrize("refused", [WARNINGS, CHANGELOG, "manifest"])
def test_what_kafka_refuses_ends_the_worker_without_a_commit_then_or_later(worker: Worker, refused: str) -> None:
    async def refuse(kind: str) -> None:
        if kind == refused:
            raise ValueError("too large")

    async def story() -> None:
        worker.producer.answer = refuse
        await worker.take_an_order_to_leave()
        await worker.shell._guard(worker.shell.flush())
        worker.producer.answer = None
        await worker.shell._guard(worker.shell.flush())
        await worker.shell.close(1.0)

    asyncio.run(story())
    assert "too large" in worker.shell.failure
    assert len(worker.crashes) == 1
    assert "commit" not in worker.log


def test_a_state_that_cannot_be_saved_in_time_is_a_failure_of_leaving(worker: Worker) -> None:
    async def never(kind: str) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        await worker.take_an_order_to_leave()
        worker.producer.answer = never
        await worker.shell.close(0.05)

    asyncio.run(story())
    assert "Kafka has not taken the state" in worker.shell.failure
    assert "commit" not in worker.log


def test_no_snapshot_falls_between_a_decision_and_the_sending_of_its_warning(worker: Worker) -> None:
    async def story() -> None:
        await worker.shell.flush()
        sent = asyncio.Event()
        worker.producer.before_send = sent.wait
        deciding = asyncio.create_task(worker.take_an_order_to_leave())
        await asyncio.sleep(0)
        flushing = asyncio.create_task(worker.shell.flush())
        for _ in range(20):
            await asyncio.sleep(0)
        sent.set()
        await asyncio.gather(deciding, flushing)

    asyncio.run(story())
    after_first = worker.log[worker.log.index("commit") + 1 :]
    assert after_first.index(WARNINGS) < after_first.index(CHANGELOG)


def test_nothing_is_deleted_until_the_broker_agrees_that_the_partition_is_ours(worker: Worker) -> None:
    async def story() -> None:
        await worker.take_an_order_to_leave()
        worker.shell.table.data.data[b"0|manifest|old"] = b""
        worker.shell._owed[0] = {b"0|manifest|old"}
        worker.consumer.agrees = False
        await worker.shell.flush()
        assert not any("deleted" in kind for kind in worker.log)
        worker.consumer.agrees = True
        await worker.shell.flush()

    asyncio.run(story())
    assert worker.log[-2:] == ["commit", "manifest deleted"]


def test_waiting_for_the_broker_for_too_long_ends_the_worker(worker: Worker) -> None:
    async def story() -> None:
        with worker.shell.outbox.waiting():
            await asyncio.sleep(0.01)
            worker.shell.stall_timeout_s = 0.01
            waiting_s = worker.shell.outbox.waiting_s()
            await worker.shell._guard(worker.shell._check_progress(cast(Any, None), waiting_s))

    asyncio.run(story())
    assert "Kafka has taken nothing" in worker.shell.failure


def test_being_behind_without_getting_further_ends_the_worker(worker: Worker) -> None:
    watch = StallWatch(0.01)
    worker.shell.tasks[0].poll({**dict.fromkeys(Stream, 0), Stream.CDR: 5}, 0.0)

    async def story() -> None:
        await worker.shell._guard(worker.shell._check_progress(watch, 0.0))
        assert not worker.shell.failure
        await asyncio.sleep(0.02)
        await worker.shell._guard(worker.shell._check_progress(watch, 0.0))

    asyncio.run(story())
    assert "although the topics hold more" in worker.shell.failure


@pytest.mark.parametrize(("restarted", "incomplete"), [(True, False), (False, True)])
def test_a_recovery_that_a_rebalance_cut_short_builds_nothing(
    worker: Worker, restarted: bool, incomplete: bool
) -> None:
    recovery = SimpleNamespace(
        signal_recovery_start=SimpleNamespace(is_set=lambda: restarted), need_recovery=lambda: incomplete
    )
    cast(Any, worker.shell.app).tables = SimpleNamespace(recovery=recovery)
    worker.shell.tasks.clear()
    asyncio.run(worker.shell._on_recovered())
    assert worker.shell.tasks == {}
    assert not worker.shell.failure
