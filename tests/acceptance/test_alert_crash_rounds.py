"""Tasks process, dialer and Redis are killed at random moments: no task lost or doubled, no attempt rung twice.

ALERT_CRASH_ROUNDS=20 runs the full bar; three rounds otherwise, one of each victim.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kafka import TopicPartition

from alerts.invariants import findings
from alerts.rules import read_rules
from alerts.store.directory import customer_of
from alerts.store.sweeps import Sweeps
from alerts.tasks import TaskEvent, TaskEventKind
from churnwatch.clients import kafka_consumer, kafka_producer, redis_client
from churnwatch.embedded import free_port
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from churnwatch.tasks_process import rebuild_inbox
from churnwatch.topics import ensure_topics
from tests.fakes.alert_records import DAY_MS, HOUR_MS, NOON_MS, customer_record, managed, warning
from tests.fakes.inbox_contents import contents
from tests.fakes.own_redis import OwnRedis, wait_until

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("ALERT_CRASH_ROUNDS", "3"))
SEED = 20261122
#: Caps, refusals and successes use people up: with 120, nobody is left for the dialer after 18 days.
ACCOUNTS = 90 + 10 * ROUNDS
WARNINGS_A_ROUND = 120
MOMENT_S_MAX = 0.5
#: The hour at which the plan likes to call people at home, so that every round has calls.
EVENING_MS = NOON_MS + 7 * HOUR_MS
REPOSITORY = Path(__file__).resolve().parents[2]


class Victims:
    """The processes that are killed and started again."""

    def __init__(self, environment: dict[str, str], folder: Path, own_redis: OwnRedis) -> None:
        self._environment = {**os.environ, **environment, "PYTHONPATH": str(REPOSITORY)}
        self._folder = folder
        self.rings = folder / "rings"
        self.own_redis = own_redis
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        module = {"tasks": ["churnwatch", "tasks"], "dialer": ["tests.fakes.ringing_dialer", str(self.rings), "1"]}[
            name
        ]
        with open(self._folder / f"{name}.log", "ab") as output:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *module],
                env={**self._environment, "CHURNWATCH_METRICS__PORT": str(free_port())},
                stdout=output,
                stderr=output,
            )

    def rung(self) -> int:
        """Calls that rang so far."""
        return len(self.rings.read_bytes().splitlines()) if self.rings.exists() else 0

    def kill(self, name: str) -> None:
        if name == "redis":
            self.own_redis.kill()
            self.own_redis.start()
            return
        self.end(name)
        self.start(name)

    def end(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()


@contextmanager
def victims(environment: dict[str, str], folder: Path) -> Iterator[Victims]:
    own_redis = OwnRedis(folder)
    made = Victims({**environment, "REDIS_URL": own_redis.url}, folder, own_redis)
    try:
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.wait()
        own_redis.kill()


def send(settings: Settings, topic: str, *records: msgspec.Struct) -> None:
    producer = kafka_producer(settings)
    for record in records:
        producer.send(settings.topic(topic), key=b"k", value=msgspec.json.encode(record))
    producer.flush()
    producer.close()


def logged(settings: Settings) -> list[TaskEvent]:
    consumer = kafka_consumer(settings)
    partition = TopicPartition(settings.topic("task-events"), 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    events: list[TaskEvent] = []
    while consumer.position(partition) < end:
        for records in consumer.poll(timeout_ms=200).values():
            events += [msgspec.json.decode(record.value, type=TaskEvent) for record in records]
    consumer.close()
    return list({event.event_id: event for event in events}.values())


@pytest.mark.timeout(120 + 25 * ROUNDS)
def test_killed_again_and_again_no_task_is_lost_or_doubled_and_no_attempt_rings_twice(
    test_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = {**test_environment, "CHURNWATCH_TASKS__CLOCK": "stream", "CHURNWATCH_TASKS__SWEEP_EVERY_S": "0.1"}
    with victims(environment, tmp_path) as running:
        settings = read_settings(environ={**environment, "REDIS_URL": running.own_redis.url})
        ensure_topics(settings)
        records = [managed(f"a-{n}") if n % 3 == 0 else customer_record(f"a-{n}") for n in range(ACCOUNTS)]
        send(settings, "customers", *records)
        chance = random.Random(SEED)
        sent = {"w-last"}
        for name in ("tasks", "dialer"):
            running.start(name)
        for number in range(ROUNDS):
            at_ms = EVENING_MS + number * DAY_MS
            told = [
                warning(f"w-{number}-{n}", account_id=f"a-{n}", line_id=f"l-{n}", ts_ms=at_ms)
                for n in (chance.randrange(ACCOUNTS) for _ in range(WARNINGS_A_ROUND))
            ]
            send(settings, "warnings", *told, *told[:20])
            sent |= {one.warning_id for one in told}
            rung = running.rung()
            wait_until(lambda rung=rung: running.rung() > rung, "a call of this round", 60.0)  # type: ignore[misc]  # mypy infers no default arguments of lambdas
            time.sleep(chance.uniform(0.0, MOMENT_S_MAX))  # the moment of the kill, not a wait for anything
            running.kill(("redis", "tasks", "dialer")[number % 3])
        client = redis_client(settings)
        store = task_store(settings, client)
        # What a killed dialer had in hand stays its own for the time of a lease; everything else is done soon.
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox", 90.0)
        last = warning("w-last", account_id="a-0", ts_ms=EVENING_MS + ROUNDS * DAY_MS)
        send(settings, "warnings", last)
        wait_until(lambda: client.zscore(store.keys.seen, "w-last") is not None, "the last warning", 90.0)
        running.end("dialer")
        wait_until(lambda: store.outbox.depth() == 0, "an empty outbox", 90.0)
        running.end("tasks")
        before_counts = store.counts()
        Sweeps(client, store).forget()
        before = contents(client, store)
        rebuild_inbox(settings)
        # What only the last days are asked about is dropped by the clock, not by an event.
        Sweeps(client, store).forget()
        assert contents(client, store) == before
        assert store.counts() == before_counts
        client.close()
        events = logged(settings)
    handled = Counter(event.warning_id for event in events if event.warning_id)
    assert set(handled.values()) == {1}
    assert set(handled) == sent
    known = {record.account_id: [customer_of(record)] for record in records}
    found = findings(events, known, read_rules())
    assert found.total == 0, found.examples
    rings = Counter(running.rings.read_text(encoding="utf-8").split())
    assert set(rings.values()) <= {1}
    begun = {f"{event.task_id}:{event.attempt}" for event in events if event.kind is TaskEventKind.DIAL_STARTED}
    assert set(rings) <= begun
    assert len(rings) > 5
