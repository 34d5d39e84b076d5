"""`churnwatch dialer --simulate` as an operator runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
import redis

from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import OUTBOUND, TaskEvent, TaskEventKind
from churnwatch.clients import redis_client
from churnwatch.embedded import free_port
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from tests.fakes.alert_records import customer_record, warning

WAIT_S = 60.0
CALLS = 60


@pytest.fixture
def environment(test_environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **test_environment, "CHURNWATCH_TASKS__CLOCK": "stream"}


@pytest.fixture
def client(test_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(test_settings)
    yield connected
    connected.close()


@pytest.fixture
def store(environment: dict[str, str], client: redis.Redis) -> TaskStore:
    """Nothing to call yet."""
    made = task_store(read_settings(environ=environment), client)
    Rebuilder(client, made.keys, made.ledger).open_gate()
    return made


def give_calls(store: TaskStore) -> None:
    """Sixty calls to make, at noon."""
    store.directory.put([customer_record(f"a-{number}") for number in range(CALLS)], [], {})
    store.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in range(CALLS)])


def start(environment: dict[str, str], *options: str, metrics_port: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "churnwatch", "dialer", *options]
    own = {**environment, "CHURNWATCH_METRICS__PORT": str(metrics_port or free_port())}
    return subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def dialers_seen(client: redis.Redis, store: TaskStore) -> int:
    """How many have asked for calls; the group is made by the first."""
    return len(client.xinfo_consumers(store.keys.calls, "dialers")) if client.exists(store.keys.calls) else 0


def test_two_dialers_share_the_calls_and_tell_what_came_of_them(
    environment: dict[str, str], store: TaskStore, client: redis.Redis
) -> None:
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        dialers = [stack.enter_context(start(environment, "--simulate", "--json", metrics_port=port)) for port in ports]
        for dialer in dialers:
            stack.callback(dialer.kill)
        told = shared_calls(dialers, ports, store, client)
    assert [dialer.returncode for dialer in dialers] == [0, 0]
    assert sum(sum(one["rung"].values()) for one in told) == CALLS
    parcels = [parcel for parcel in store.outbox.pending(1000) if parcel.topic == "task-events"]
    events = [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in parcels]
    begun = [(event.task_id, event.attempt) for event in events if event.kind is TaskEventKind.DIAL_STARTED]
    assert len(begun) == len(set(begun)) == CALLS


def shared_calls(
    dialers: list[subprocess.Popen[str]], ports: list[int], store: TaskStore, client: redis.Redis
) -> list[dict[str, Any]]:
    """Give calls, the first dialer standing still until the second has had one; what each tells when it ends."""
    deadline = time.monotonic() + WAIT_S
    while not all(answers(port) for port in ports):
        assert time.monotonic() < deadline, "waited for the dialers"
        time.sleep(0.05)
    dialers[0].send_signal(signal.SIGSTOP)
    give_calls(store)
    while not dialers_seen(client, store):
        assert time.monotonic() < deadline, "waited for the second dialer"
        time.sleep(0.01)
    dialers[1].send_signal(signal.SIGSTOP)
    dialers[0].send_signal(signal.SIGCONT)
    while dialers_seen(client, store) < 2:
        assert time.monotonic() < deadline, "waited for the first dialer"
        time.sleep(0.01)
    dialers[1].send_signal(signal.SIGCONT)
    while any(task.attempts == 0 for task in store.open_tasks(OUTBOUND, limit=CALLS)):
        assert time.monotonic() < deadline, "waited for every call to be made"
        time.sleep(0.05)
    for dialer in dialers:
        dialer.send_signal(signal.SIGTERM)
    return [json.loads(dialer.communicate(timeout=WAIT_S)[0].splitlines()[-1]) for dialer in dialers]


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_without_a_telephone_system_the_dialer_says_what_to_do(environment: dict[str, str]) -> None:
    dialer = start(environment)
    _, said = dialer.communicate(timeout=WAIT_S)
    assert dialer.returncode == 2
    assert "--simulate" in said
    assert "Traceback" not in said


def test_without_redis_the_dialer_names_the_address_and_gives_up(environment: dict[str, str]) -> None:
    away = {**environment, "REDIS_URL": "redis://127.0.0.1:1/0", "CHURNWATCH_REDIS__CONNECT_TIMEOUT_S": "0.5"}
    dialer = start(away, "--simulate")
    _, said = dialer.communicate(timeout=WAIT_S)
    assert dialer.returncode == 1
    assert "127.0.0.1:1" in said
    assert "Traceback" not in said
