"""People outlive Redis: sealed in Kafka, restored where Redis forgot them."""

import subprocess
from pathlib import Path

import pytest

from alerts.accounts.people import PersonError, new_person
from alerts.accounts.roles import StaffRole
from churnwatch.clients import redis_client
from churnwatch.settings import Settings, read_settings
from churnwatch.staff import people_store
from churnwatch.topics import ensure_topics
from tests.fakes.command_line import run_command
from tests.fakes.topic_reader import read_topic


@pytest.fixture
def settings(test_environment: dict[str, str], tmp_path: Path) -> Settings:
    environment = {**test_environment, "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key")}
    return read_settings(environ=environment)


def test_somebody_added_is_there_again_after_redis_forgot_the_people(settings: Settings) -> None:
    client = redis_client(settings)
    people = people_store(settings, client)
    people.add(new_person("ada", "Ada Lovelace", (StaffRole.MANAGER,), "m-17", 1))
    client.delete(*client.keys(f"{settings.kafka.topic_prefix}:*"))
    again = people_store(settings, client)
    assert [person.login for person in again.everybody()] == ["ada"]
    client.close()


def test_the_topic_holds_nobody_in_the_clear(settings: Settings) -> None:
    ensure_topics(settings)
    client = redis_client(settings)
    people_store(settings, client).add(new_person("ada", "Ada Lovelace", (StaffRole.MANAGER,), "m-17", 1))
    records = read_topic(settings, "accounts")
    assert [record.key for record in records] == ["person:ada"]
    assert b"Lovelace" not in records[0].value
    client.close()


def test_without_kafka_nothing_is_changed_and_the_message_says_so(settings: Settings) -> None:
    client = redis_client(settings)
    people_store(settings, client).add(new_person("ada", "", (StaffRole.MANAGER,), "", 1))
    away = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1", "connect_timeout_s": 0.5})}
    )
    people = people_store(away, client)
    with pytest.raises(PersonError, match="Kafka cannot be reached"):
        people.add(new_person("eve", "", (StaffRole.MANAGER,), "", 1))
    assert people.get("eve") is None
    client.close()


def test_an_operator_adds_and_lists_people_on_the_command_line(
    test_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = {
        **test_environment,
        "CHURNWATCH_PRIVACY__VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }

    def churnwatch(*words: str) -> subprocess.CompletedProcess[str]:
        return run_command("people", *words, environment=environment)

    added = churnwatch("add", "ada", "--role", "manager", "--inbox", "m-17")
    assert added.returncode == 0, added.stderr
    assert added.stdout.strip().splitlines()[-1].startswith("/welcome/")
    assert "ada" in churnwatch("list").stdout
    twice = churnwatch("add", "ada", "--role", "manager")
    assert (twice.returncode, "taken" in twice.stderr) == (1, True)
    nobody = churnwatch("link", "bob")
    assert (nobody.returncode, "there are: ada" in nobody.stderr) == (1, True)
