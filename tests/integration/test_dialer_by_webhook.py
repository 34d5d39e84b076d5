"""`churnwatch dialer --adapter webhook` as an operator runs it: numbers from the vault, each call once, ends recorded."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import OUTBOUND, TaskEventKind
from churnwatch.clients import redis_client
from churnwatch.embedded import free_port
from churnwatch.seals import VAULT, sealed_view, sealer
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from tests.fakes.alert_records import NOON_MS, customer_record, warning
from tests.fakes.telephone_system import telephone_system

WAIT_S = 60.0
CALLS = 5


@pytest.fixture
def environment(test_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    secret = tmp_path / "secret"
    secret.write_text("a secret of more than sixteen bytes\n")
    return {
        **test_environment,
        "CHURNWATCH_TASKS__CLOCK": "stream",
        "CHURNWATCH_DIALER__SECRET_FILE": str(secret),
        "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return read_settings(environ=environment)


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(settings)
    yield connected
    connected.close()


@pytest.fixture
def store(settings: Settings, client: redis.Redis) -> TaskStore:
    """Some calls at noon, their numbers in the vault."""
    made = task_store(settings, client)
    Rebuilder(client, made.keys, made.ledger).open_gate()
    made.directory.put([customer_record(f"a-{number}") for number in range(CALLS)], [], {})
    made.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in range(CALLS)])
    seal = sealer(settings, VAULT).seal
    numbers = {f"l-{n}": seal(f"l-{n}", f"+861380013800{n}".encode(), NOON_MS, f"a-{n}") for n in range(CALLS)}
    sealed_view(settings, client, VAULT).put(dict(numbers.items()))
    return made


def run(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "churnwatch", "dialer", *options]
    own = {**os.environ, **environment, "CHURNWATCH_METRICS__PORT": str(free_port())}
    return subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_every_call_reaches_the_telephone_once_with_its_number(environment: dict[str, str], store: TaskStore) -> None:
    with telephone_system((503, b""), (200, b'{"code": "SALE"}')) as system:
        dialer = run({**environment, "CHURNWATCH_DIALER__URL": system.url}, "--adapter", "webhook", "--json")
        deadline = time.monotonic() + WAIT_S
        while store.count_open(OUTBOUND):
            assert time.monotonic() < deadline, "waited for every call to be made"
            time.sleep(0.05)
        dialer.send_signal(signal.SIGTERM)
        said, _ = dialer.communicate(timeout=WAIT_S)
    assert dialer.returncode == 0
    assert json.loads(said.splitlines()[-1])["rung"] == {"reached_saved": CALLS}
    sent = [json.loads(got.body) for got in system.got]
    assert len(sent) == CALLS + 1
    assert {one["number"] for one in sent} == {f"+861380013800{number}" for number in range(CALLS)}
    assert {got.headers["idempotency-key"] for got in system.got} == {one["call"] for one in sent}
    rows = [json.loads(parcel.value) for parcel in store.outbox.pending(1000) if parcel.topic == "task-events"]
    read = [row for row in rows if row["kind"] == TaskEventKind.NUMBER_READ]
    assert sorted(row["line_id"] for row in read) == [f"l-{number}" for number in range(CALLS)]
    assert {(row["actor"], row["read_for"]) for row in read} == {("dialer-webhook", "dial")}
    assert "+8613800" not in json.dumps(rows) + said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"CHURNWATCH_DIALER__URL": "http://dialer.example/calls"}, "numbers would travel in the open"),
        ({"CHURNWATCH_DIALER__URL": ""}, "is no address of a telephone system"),
        (
            {"CHURNWATCH_DIALER__URL": "https://d.example", "CHURNWATCH_DIALER__CODES": "other"},
            "there is no table 'other'",
        ),
    ],
)
def test_a_wrong_setting_is_named_before_anything_rings(
    environment: dict[str, str], store: TaskStore, options: dict[str, str], said: str
) -> None:
    dialer = run({**environment, **options}, "--adapter", "webhook")
    _, told = dialer.communicate(timeout=WAIT_S)
    assert dialer.returncode == 1
    assert said in told
    assert "Traceback" not in told
