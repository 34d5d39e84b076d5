"""Rules published by the console reach a running worker and a running tasks process through Kafka, at their tick."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from alerts.console.ports import RulesAwayError
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import Actor, Role, TaskEvent, TaskEventKind
from churnwatch.clients import kafka_producer, redis_client
from churnwatch.embedded import free_port
from churnwatch.rule_book import KafkaRuleBook
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import tasks_process
from churnwatch.topics import ensure_topics
from pipeline.events import ChurnWarning, Level
from pipeline.metrics import Metrics
from tests.fakes.alert_records import DAY_MS, NOON_MS, customer_record, line_view, signal, warning
from tests.fakes.pipeline_runs import HOUR_MS, MONDAY_MS, call, care
from tests.fakes.topic_reader import read_topic
from tests.fakes.waiting import wait_until
from tests.fakes.worker_outcome import warnings_by_id
from tests.fakes.worker_runs import running_worker

EVA = Actor("eva", Role.SUPERVISOR)


@pytest.fixture
def test_environment(test_environment: dict[str, str]) -> dict[str, str]:
    return {**test_environment, "CHURNWATCH_TASKS__CLOCK": "stream", "CHURNWATCH_TASKS__SWEEP_EVERY_S": "0.1"}


@pytest.fixture
def client(test_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(test_settings)
    yield connected
    connected.close()


@pytest.fixture
def store(test_settings: Settings, client: redis.Redis) -> TaskStore:
    """Open for entries in the log, as after the start of a tasks process."""
    ensure_topics(test_settings)
    made = task_store(test_settings, client)
    Rebuilder(client, made.keys, made.ledger).open_gate()
    return made


@pytest.fixture
def book(test_settings: Settings, store: TaskStore) -> Iterator[KafkaRuleBook]:
    made = KafkaRuleBook(test_settings, store)
    yield made
    made.close()


def send(settings: Settings, topic: str, *records: object) -> None:
    producer = kafka_producer(settings)
    for record in records:
        value = msgspec.json.encode(record)
        account = str(msgspec.json.decode(value)["account_id"])
        producer.send(settings.topic(topic), key=account.encode(), value=value).get(10)
    producer.close()


def hours(first: int, last: int) -> list[dict[str, object]]:
    """Calls that move stream time on in the partition of account a1: one an hour."""
    return [call(n, MONDAY_MS + n * HOUR_MS) for n in range(first, last)]


def crisis(hour: int) -> dict[str, object]:
    """Somebody of account a1 who leaves: a hard signal of a line of its own."""
    return care("crisis_report", hour, MONDAY_MS + hour * HOUR_MS + 1, line_id=f"a1-{hour}", severity=5)


def test_a_running_worker_decides_by_an_edition_from_its_tick_on_and_a_replay_decides_the_same(
    test_environment: dict[str, str], test_settings: Settings, store: TaskStore, book: KafkaRuleBook, tmp_path: Path
) -> None:
    with running_worker(test_environment, tmp_path) as run:
        send(test_settings, "care", crisis(2))
        send(test_settings, "cdr", *hours(0, 4))
        run.wait_for("churnwatch_records_total", 5)
        store.clock.advance(MONDAY_MS + 3 * HOUR_MS)
        off = book.publish(0, {"hard.crisis_report.enabled": False}, EVA, "too many", None)
        assert off is not None
        assert off.counts_from_ms == MONDAY_MS + 5 * HOUR_MS
        store.clock.advance(MONDAY_MS + 9 * HOUR_MS)
        on = book.publish(1, {}, EVA, "missed", 0)
        assert on is not None
        assert on.counts_from_ms == MONDAY_MS + 11 * HOUR_MS
        run.wait_for("churnwatch_rules_version", 2)
        send(test_settings, "care", crisis(4), crisis(7), crisis(12))
        send(test_settings, "cdr", *hours(4, 15))
        # Records count when they are fetched, and the lag is told now and then: only what is decided says that all is.
        run.wait_for("churnwatch_warnings_total", 3)
        run.wait_until_through()
        assert run.stop() == 0
    decided = warnings_by_id(test_settings)
    lines = {
        line_id
        for record in read_topic(test_settings, "warnings")
        if (line_id := msgspec.json.decode(record.value, type=ChurnWarning).line_id) is not None
    }
    assert lines == {"a1-2", "a1-4", "a1-12"}
    with running_worker({**test_environment, "CHURNWATCH_WORKER__ID": "replay"}, tmp_path) as run:
        run.wait_for("churnwatch_warnings_total", 3)
        run.wait_until_through()
    assert warnings_by_id(test_settings) == decided
    assert {name for name, contents in decided.items() if len(contents) > 1} == set()


def test_the_tasks_process_admits_each_warning_by_the_edition_of_its_own_time(
    test_settings: Settings, store: TaskStore, book: KafkaRuleBook
) -> None:
    watched = {"level": Level.WATCH}
    send(test_settings, "customers", *(customer_record(f"a-{n}") for n in range(1, 4)))
    with tasks_process(test_settings, Metrics()) as process:
        thread = threading.Thread(target=process.run)
        thread.start()
        try:
            send(test_settings, "warnings", warning("w-1", account_id="a-1", **watched))
            wait_until(lambda: store.now_ms() == NOON_MS)
            made = book.publish(0, {"tasks.create_from": "watch"}, EVA, "a quiet week", None)
            assert made is not None
            later = {"ts_ms": made.counts_from_ms, **watched}
            earlier = {"ts_ms": made.counts_from_ms - 1, **watched}
            # A second passes until the topic is looked at again; what is sent before that is admitted by its own time too.
            wait_until(lambda: process.rules_version == 1)
            send(test_settings, "warnings", warning("w-2", account_id="a-2", **earlier))
            send(test_settings, "warnings", warning("w-3", account_id="a-3", **later))
            wait_until(lambda: store.count_open() == 1)
            wait_until(lambda: store.outbox.depth() == 0)
        finally:
            process.stop()
            thread.join(30)
    assert [task.account_id for task in store.open_tasks()] == ["a-3"]
    events = [msgspec.json.decode(record.value, type=TaskEvent) for record in read_topic(test_settings, "task-events")]
    (told,) = [event for event in events if event.kind is TaskEventKind.RULES_CHANGED]
    assert (told.actor, told.role, told.note) == ("eva", Role.SUPERVISOR, "1: a quiet week")
    assert told.hash


def test_a_preview_is_counted_from_the_topics_and_goes_on_where_it_stopped(
    test_settings: Settings, book: KafkaRuleBook
) -> None:
    send(test_settings, "warnings", *(warning(f"w-{n}", account_id=f"a-{n}") for n in range(3)), {"account_id": 7})
    send(test_settings, "line-views", line_view("l-9", NOON_MS, "a-9", signal()), line_view("l-8"))
    assert (book.observed().count, book.observed().unread) == (4, 0)
    send(test_settings, "warnings", warning("w-5", account_id="a-5", ts_ms=NOON_MS + 8 * DAY_MS))
    assert list(book.observed().accounts()) == ["a-5"]


def test_of_two_who_publish_at_once_one_is_told_that_he_was_slower(
    test_settings: Settings, store: TaskStore, book: KafkaRuleBook
) -> None:
    other = KafkaRuleBook(test_settings, store)
    assert other.editions() == book.editions() == []
    assert book.publish(0, {"score.on": 0.25}, EVA, "first", None) is not None
    assert other.publish(0, {"score.on": 0.35}, Actor("bob", Role.SUPERVISOR), "second", None) is None
    assert [one.why for one in other.editions()] == ["first"]
    other.close()


def test_without_kafka_the_rules_say_so_soon(test_settings: Settings, store: TaskStore) -> None:
    nowhere = test_settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{free_port()}"})
    book = KafkaRuleBook(test_settings.model_copy(update={"kafka": nowhere}), store)
    with pytest.raises(RulesAwayError):
        book.editions()
