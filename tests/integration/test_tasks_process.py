"""The tasks process on a real broker and Redis: warnings in; tasks, events, outcomes out, whatever fails meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import pytest
import redis
from kafka import TopicPartition

from alerts.chain import verify
from alerts.store import TaskStore
from alerts.tasks import Purpose, Task, TaskEvent, TaskEventKind, TaskResult
from churnwatch.clients import kafka_consumer, kafka_producer, redis_client
from churnwatch.demo_staff import run_staff
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import TasksProcess, rebuild_inbox, tasks_process
from churnwatch.topics import ensure_topics
from pipeline.events import (
    CareKind,
    CareRecord,
    ChurnWarning,
    CustomerRecord,
    DeadLetter,
    Disposition,
    OrderKind,
    OrderRecord,
    Origin,
    OutcomeRecord,
)
from pipeline.line_views import LineView
from pipeline.metrics import Metrics
from tests.fakes import alert_records
from tests.fakes.alert_records import DAY_MS, MANAGER, NOON_MS, customer_record, line_view, managed, warning

pytestmark = pytest.mark.long

WAIT_S = 60.0
Read = TypeVar("Read")


@pytest.fixture
def stream_settings(test_environment: dict[str, str]) -> Settings:
    """Due times by stream time, frequent sweeps; the topics are there."""
    environment = {**test_environment, "CHURNWATCH_TASKS__CLOCK": "stream", "CHURNWATCH_TASKS__SWEEP_EVERY_S": "0.1"}
    made = read_settings(environ=environment)
    ensure_topics(made)
    return made


@pytest.fixture
def client(stream_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(stream_settings)
    yield connected
    connected.close()


@pytest.fixture
def store(stream_settings: Settings, client: redis.Redis) -> TaskStore:
    return task_store(stream_settings, client)


def send(
    settings: Settings, *records: ChurnWarning | CustomerRecord | LineView | OrderRecord | CareRecord | bytes
) -> None:
    topics: dict[type[Any], str] = {
        CustomerRecord: "customers", LineView: "line-views", OrderRecord: "orders", CareRecord: "care",
    }  # fmt: skip
    producer = kafka_producer(settings)
    for record in records:
        key = b"" if isinstance(record, bytes) else record.account_id.encode()
        value = record if isinstance(record, bytes) else msgspec.json.encode(record)
        producer.send(settings.topic(topics.get(type(record), "warnings")), key=key, value=value)
    producer.flush()
    producer.close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s for {what}"
        time.sleep(0.02)


def published(settings: Settings, topic: str, kind: type[Read], count: int) -> list[Read]:
    """The records of a topic, once there are at least `count`."""
    consumer = kafka_consumer(settings)
    name = settings.topic(topic)
    partitions = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or {0})]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found: list[Read] = []
    deadline = time.monotonic() + WAIT_S
    while len(found) < count or any(
        consumer.position(part) < end for part, end in consumer.end_offsets(partitions).items()
    ):
        assert time.monotonic() < deadline, f"waited {WAIT_S} s for {count} records of {name}, saw {len(found)}"
        for records in consumer.poll(timeout_ms=200).values():
            found += [msgspec.json.decode(record.value, type=kind) for record in records]
    consumer.close()
    return found


def handled(events: Sequence[TaskEvent]) -> dict[str, int]:
    """Warnings handled, by account, of a log whose chains hold; the plans of the day come in between."""
    verify(events)
    return dict(Counter(event.account_id for event in distinct(events) if event.warning_id is not None))


#: Delete everything under a prefix at once, unless a change was written since the caller looked, or waits to be sent.
LOSE = """
local last
local stream = redis.call("XINFO", "STREAM", KEYS[1])
for at = 1, #stream, 2 do
  if stream[at] == "last-generated-id" then last = stream[at + 1] end
end
if last ~= ARGV[1] or redis.call("XLEN", KEYS[1]) > 0 then return 0 end
for _, key in ipairs(redis.call("KEYS", ARGV[2])) do redis.call("DEL", key) end
return 1
"""


def lose_everything(client: redis.Redis, store: TaskStore) -> list[Task]:
    """Empty Redis under a running process, at a moment at which Kafka has every change; returns the tasks of that moment."""
    lost: list[Task] = []

    def emptied() -> bool:
        nonlocal lost
        last = client.xinfo_stream(store.keys.outbox)["last-generated-id"]
        lost = store.open_tasks(limit=1000)
        return bool(client.eval(LOSE, 1, store.keys.outbox, last, f"{store.keys.prefix}:*"))

    wait_until(emptied, "a moment at which Kafka has every change")
    return lost


def latest(events: Sequence[TaskEvent]) -> dict[str, Task]:
    """Every task as the log last told it."""
    return {event.task.task_id: event.task for event in distinct(events) if event.task is not None}


def distinct(events: Sequence[TaskEvent]) -> list[TaskEvent]:
    return list({event.event_id: event for event in events}.values())


@contextmanager
def running(settings: Settings, metrics: Metrics | None = None) -> Iterator[TasksProcess]:
    """A tasks process in a thread, left cleanly at the end."""
    with tasks_process(settings, metrics or Metrics()) as process:
        thread = threading.Thread(target=process.run)
        thread.start()
        try:
            yield process
        finally:
            process.stop()
            thread.join(WAIT_S)
            assert not thread.is_alive()


def test_warnings_become_tasks_events_and_after_a_disposition_an_outcome(
    stream_settings: Settings, store: TaskStore
) -> None:
    metrics = Metrics()
    send(stream_settings, managed("a-1"), customer_record("a-2"), customer_record("a-3", call=False), line_view("l-1"))
    send(stream_settings, *(warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in (1, 2, 3)), b"no warning")
    with running(stream_settings, metrics):
        wait_until(lambda: store.counts().refused != {} and store.count_open() == 2, "two tasks")
        task = store.open_tasks("m-1")[0]
        store.accept(task.task_id, MANAGER, task.version)
        store.record_disposition(task.task_id, MANAGER, Disposition.REACHED_SAVED, "stays")
        outcomes = published(stream_settings, "outcomes", OutcomeRecord, 1)
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox")
    events = published(stream_settings, "task-events", TaskEvent, 5)
    assert handled(events) == {"a-1": 1, "a-2": 1, "a-3": 1}
    assert [event.kind for event in events].count(TaskEventKind.WARNING_REFUSED) == 1
    assert (outcomes[0].task_id, outcomes[0].disposition) == (task.task_id, Disposition.REACHED_SAVED)
    assert store.line_view("l-1") == line_view("l-1")
    (letter,) = published(stream_settings, "dead-letters", DeadLetter, 1)
    assert (letter.stream, letter.raw) == ("warnings", "no warning")
    assert metrics.counter("churnwatch_tasks_created_total", owner_kind="manager")._value.get() == 1
    assert metrics.counter("churnwatch_tasks_refused_total", reason="no_consent")._value.get() == 1


def test_a_second_process_stands_by_and_takes_over(stream_settings: Settings, store: TaskStore) -> None:
    send(stream_settings, managed("a-1"), warning("w-1"))
    with running(stream_settings) as survivor:
        wait_until(lambda: store.count_open() == 1, "a task")
        with running(stream_settings) as leaver:
            wait_until(lambda: leaver.joined and survivor.leading != leaver.leading, "one leader and one standby")
            send(stream_settings, warning("w-2", alert_records.signal("complaint")))
            wait_until(lambda: store.count_open() == 2, "a second task")
        wait_until(lambda: survivor.leading, "the survivor to lead")
        send(stream_settings, warning("w-3", alert_records.signal("spend_drop")))
        wait_until(lambda: store.count_open() == 3, "a third task")
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox")
    events = distinct(published(stream_settings, "task-events", TaskEvent, 3))
    assert [event.warning_id for event in events if event.warning_id] == ["w-1", "w-2", "w-3"]


def test_a_redis_that_lost_everything_is_rebuilt_without_a_task_lost_or_doubled(
    stream_settings: Settings, store: TaskStore, client: redis.Redis
) -> None:
    send(stream_settings, *(managed(f"a-{n}") for n in range(20)))
    send(stream_settings, *(warning(f"w-{n}", account_id=f"a-{n}") for n in range(20)))
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 20, "twenty tasks")
        before = lose_everything(client, store)
        send(stream_settings, warning("w-20", alert_records.signal("complaint"), account_id="a-0"))
        wait_until(lambda: store.count_open() == 21 and store.outbox.depth() == 0, "all tasks and one more")
    assert len(before) == 20
    after = {task.task_id: task for task in store.open_tasks(limit=100)}
    for task in before:
        # The plan of the day goes on meanwhile: what it did comes after what was, and nothing of that is missing.
        now = after[task.task_id]
        assert now == task or now.history[: len(task.history)] == task.history
        assert now.version - task.version == len(now.history) - len(task.history)
        assert (now.account_id, now.reason_group, now.warning_ids) == (
            task.account_id,
            task.reason_group,
            task.warning_ids,
        )
    events = published(stream_settings, "task-events", TaskEvent, 21)
    assert handled(events) == {f"a-{n}": 2 if n == 0 else 1 for n in range(20)}
    # What the process wrote last may still wait to be sent.
    waiting = [parcel for parcel in store.outbox.pending(1000) if parcel.topic == "task-events"]
    assert after == latest([*events, *(msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in waiting)])
    assert store.customer("a-7") is not None


def test_the_rebuild_command_brings_back_the_same_inbox(stream_settings: Settings, store: TaskStore) -> None:
    send(stream_settings, managed("a-1"), customer_record("a-2"))
    send(
        stream_settings,
        warning("w-1"),
        warning("w-2", account_id="a-2"),
        warning("w-3", alert_records.signal("complaint")),
    )
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 3 and store.outbox.depth() == 0, "three tasks, sent on")
    # A click after the process has ended waits in the outbox; the rebuild must not lose it.
    clicked = store.open_tasks("m-1")[0]
    store.accept(clicked.task_id, MANAGER)
    before = (store.open_tasks(), store.counts(), store.owners())
    logged = len(published(stream_settings, "task-events", TaskEvent, 3))
    waiting = [parcel.topic for parcel in store.outbox.pending(100)].count("task-events")
    assert waiting > 0
    assert rebuild_inbox(stream_settings) == logged + waiting
    assert (store.open_tasks(), store.counts(), store.owners()) == before


def test_a_rebuild_beside_a_running_process_loses_nothing(stream_settings: Settings, store: TaskStore) -> None:
    send(stream_settings, *(managed(f"a-{n}") for n in range(10)))
    send(stream_settings, *(warning(f"w-{n}", account_id=f"a-{n}") for n in range(10)))
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 10, "ten tasks")
        rebuild_inbox(stream_settings)
        send(
            stream_settings,
            *(warning(f"v-{n}", alert_records.signal("complaint"), account_id=f"a-{n}") for n in range(10)),
        )
        wait_until(lambda: store.count_open() == 20 and store.outbox.depth() == 0, "twenty tasks")
    assert handled(published(stream_settings, "task-events", TaskEvent, 20)) == {f"a-{n}": 2 for n in range(10)}


def test_what_happens_to_customers_makes_and_ends_tasks_once_whatever_is_read_again(
    stream_settings: Settings, store: TaskStore, client: redis.Redis
) -> None:
    send(stream_settings, managed("a-1"), warning("w-1"), line_view("l-9", NOON_MS, "a-9"))
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 1, "a task")
        send(
            stream_settings,
            CareRecord("c-1", NOON_MS, "a-1", CareKind.FAULT_CLOSED, 2, "hotline", line_id="l-1"),
            OrderRecord("o-1", NOON_MS, "a-1", OrderKind.PROVISIONING_DONE, Origin.CUSTOMER_TO_US, product="fibre"),
            OrderRecord("o-2", NOON_MS, "a-1", OrderKind.PORT_OUT_DONE, Origin.WHOLESALE_PORTING, line_id="l-1"),
            OrderRecord("o-3", NOON_MS + DAY_MS, "a-1", OrderKind.RECONNECT, Origin.CUSTOMER_TO_US, line_id="l-1"),
            OrderRecord("o-4", NOON_MS, "a-1", OrderKind.RENEWAL, Origin.CUSTOMER_TO_US),
        )
        wait_until(lambda: len(store.tasks_of("a-1")) == 3, "a visit and a win-back")
        tasks = {task.purpose: task for task in store.tasks_of("a-1")}
        assert tasks[Purpose.RETENTION].result is TaskResult.LOST
        assert sorted(tasks[Purpose.RETURN_VISIT].causes) == ["care:c-1", "orders:o-1"]
        assert tasks[Purpose.WIN_BACK].open, "the return lies in the future of the stream"
        lose_everything(client, store)
        send(stream_settings, line_view("l-9", NOON_MS + DAY_MS, "a-9"))
        wait_until(lambda: store.counts().closed == 2, "the win-back to end")
    happened = [one.what.code for one in store.happenings.of("a-1", 0, NOON_MS + DAY_MS)]
    assert sorted(happened) == ["fault_closed", "port_out_done", "provisioning_done", "reconnect", "renewal"]
    events = published(stream_settings, "task-events", TaskEvent, 5)
    verify(events)
    causes = Counter(event.warning_id for event in distinct(events) if event.warning_id)
    assert causes == {"w-1": 1, "care:c-1": 1, "orders:o-1": 1, "orders:o-2": 1, "orders:o-3": 1}


def test_tasks_close_themselves_when_stream_time_has_passed(stream_settings: Settings, store: TaskStore) -> None:
    send(stream_settings, managed("a-1"), managed("a-2"), warning("w-1"))
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 1, "a task")
        late = NOON_MS + 30 * DAY_MS
        send(stream_settings, line_view("l-2", late, "a-2"))
        wait_until(lambda: store.counts().closed == 1, "the task to close itself")
        assert store.now_ms() == late


def test_simulated_staff_and_callers_close_tasks(stream_settings: Settings, store: TaskStore) -> None:
    send(stream_settings, *(managed(f"a-{n}") for n in range(10)), *(customer_record(f"a-{n}") for n in range(10, 20)))
    send(stream_settings, *(warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in range(20)))
    stop = threading.Event()
    staff = threading.Thread(target=run_staff, args=(stream_settings, stop))
    with running(stream_settings):
        wait_until(lambda: store.count_open() == 20, "twenty tasks")
        staff.start()
        for day in range(1, 6):
            send(stream_settings, line_view("l-99", NOON_MS + day * DAY_MS, "a-99"))
            wait_until(lambda: store.now_ms() >= NOON_MS + day * DAY_MS, "the next day")  # noqa: B023 - used at once
        wait_until(lambda: store.counts().closed >= 5, "closed tasks")
        stop.set()
        staff.join(WAIT_S)
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox")
    outcomes = published(stream_settings, "outcomes", OutcomeRecord, 5)
    ids = [outcome.record_id for outcome in outcomes]
    assert len(ids) == len(set(ids))
    verify(published(stream_settings, "task-events", TaskEvent, 25))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def own_process(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`churnwatch tasks` as an operating system's process; gone at the end."""
    settings = {"CHURNWATCH_TASKS__CLOCK": "stream", "CHURNWATCH_METRICS__PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "churnwatch", "tasks"], env={**os.environ, **environment, **settings}
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT_S)


def test_killed_at_any_moment_the_process_loses_and_doubles_nothing(
    stream_settings: Settings, store: TaskStore, test_environment: dict[str, str]
) -> None:
    send(stream_settings, *(managed(f"a-{n}") for n in range(300)))
    for round_number in range(3):
        with own_process(test_environment) as process:
            told = [warning(f"w-{round_number}-{n}-{k}", account_id=f"a-{n}") for n in range(300) for k in range(3)]
            send(stream_settings, *told)
            seen = store.counts().created
            wait_until(lambda seen=seen: store.outbox.depth() > 0 or store.counts().created > seen, "work")  # type: ignore[misc]  # mypy infers no default arguments of lambdas
            process.send_signal(signal.SIGKILL)
    with running(stream_settings):
        wait_until(
            lambda: sum(len(task.warning_ids) for task in store.open_tasks(limit=1000)) == 2700, "all evidence in"
        )
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox")
    assert store.count_open() == 300
    assert handled(published(stream_settings, "task-events", TaskEvent, 2700)) == {f"a-{n}": 9 for n in range(300)}


def test_sigterm_ends_the_process_cleanly(
    stream_settings: Settings, store: TaskStore, test_environment: dict[str, str]
) -> None:
    send(stream_settings, managed("a-1"), warning("w-1"))
    with own_process(test_environment) as process:
        wait_until(lambda: store.count_open() == 1, "a task")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
