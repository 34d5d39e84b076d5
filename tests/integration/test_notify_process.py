"""The notifier on the real broker: messages leave once, a dead sink is tried again, a restart repeats nothing."""

import json
import time
from pathlib import Path

import msgspec
import pytest

from alerts.notify_policy import Contact
from alerts.tasks import Role, Task, TaskEvent, TaskEventKind, TaskState
from churnwatch.clients import kafka_producer
from churnwatch.errors import UserError
from churnwatch.notify_process import NotifyProcess, notify_process, send_by_apprise
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import ensure_topics
from pipeline.events import Level
from pipeline.metrics import Metrics
from tests.fakes.telephone_system import telephone_system

READY_S = 40.0


def settings_with_contacts(environment: dict[str, str], folder: Path, url: str) -> Settings:
    path = folder / "contacts.toml"
    path.write_text(f'[owners.m-1]\nurls = ["{url}"]\nlanguage = "en"\ntimezone = "UTC"\nquiet = "00:00-00:00"\n')
    path.chmod(0o600)
    return read_settings(environ={**environment, "CHURNWATCH_NOTIFY__CONTACTS_FILE": str(path)})


def put_task(settings: Settings, number: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    task = Task(
        f"task-{number}", "secret-account", "secret-line", "price", Level.CRITICAL, 0.5, "prior", None, [], [], "m-1", None,
        None, TaskState.NEW, now_ms, now_ms, now_ms,
    )  # fmt: skip
    event = TaskEvent(
        "secret-account", now_ms, TaskEventKind.CREATED, "engine", Role.SYSTEM, task=task, event_id=f"e-{number}"
    )
    producer = kafka_producer(settings)
    producer.send(settings.topic("task-events"), key=b"secret-account", value=msgspec.json.encode(event)).get(
        timeout=20
    )
    producer.close()


def step_until(process: NotifyProcess, sent: int) -> None:
    deadline = time.monotonic() + READY_S
    while sent > 0:
        assert time.monotonic() < deadline
        sent -= process.step(100)


def joined(process: NotifyProcess) -> None:
    """Wait for a place in the group; what comes from then on is told."""
    deadline = time.monotonic() + READY_S
    while not process._consumer.assignment():
        assert time.monotonic() < deadline
        process.step(100)
    process._consumer.position(process._partition)


def test_a_message_reaches_its_sink_once_also_over_a_restart(test_environment: dict[str, str], tmp_path: Path) -> None:
    with telephone_system((200, b"")) as sink:
        settings = settings_with_contacts(test_environment, tmp_path, sink.url.replace("http://", "json://"))
        ensure_topics(settings)
        with notify_process(settings, Metrics()) as process:
            joined(process)
            put_task(settings, 1)
            step_until(process, 1)
        with notify_process(settings, Metrics()) as process:
            joined(process)
            process._consumer.seek_to_beginning()
            put_task(settings, 2)
            step_until(process, 1)
        bodies = [json.loads(got.body) for got in sink.got]
    assert [body["message"].rpartition("/")[2] for body in bodies] == ["task-1", "task-2"]
    assert not any("secret" in json.dumps(body) for body in bodies)


def test_a_sink_that_is_down_is_tried_again_and_holds_up_nothing(
    test_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churnwatch.notify_process.RETRY_S", (0.0, 0.0))
    settings = settings_with_contacts(test_environment, tmp_path, "json://localhost:1")
    ensure_topics(settings)
    tries: list[str] = []

    def dead(contact: Contact, title: str, body: str) -> bool:
        tries.append(body)
        return False

    metrics = Metrics()
    with notify_process(settings, metrics, dead) as process:
        joined(process)
        put_task(settings, 1)
        deadline = time.monotonic() + READY_S
        while len(tries) < 3:
            assert time.monotonic() < deadline
            assert process.step(100) == 0
        assert process._notifier.waiting() == 0
    outcomes = {
        outcome: metrics.registry.get_sample_value("churnwatch_messages_total", {"outcome": outcome})
        for outcome in ("failed", "given_up")
    }
    assert outcomes == {"failed": 2.0, "given_up": 1.0}


def test_an_address_that_apprise_does_not_know_takes_nothing() -> None:
    assert not send_by_apprise(Contact(["nonsense"]), "title", "body")


def test_without_contacts_the_notifier_says_what_is_missing(test_settings: Settings) -> None:
    with pytest.raises(UserError, match=r"notify\.contacts_file is not set"), notify_process(test_settings, Metrics()):
        pass
