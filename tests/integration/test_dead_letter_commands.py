import json
from pathlib import Path

import msgspec
import pytest

from churnwatch.clients import kafka_producer
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import DeadLetter, RefusalReason
from tests.fakes.command_line import run_command
from tests.fakes.topic_reader import read_topic

ORDER = json.dumps({"record_id": "o1", "ts_ms": 1, "account_id": "a1", "kind": "renewal", "origin": "customer_to_us"})
LETTERS = [
    DeadLetter("orders", RefusalReason.WRONG_KEY, ORDER, partition=3, offset=7),
    DeadLetter("cdr", RefusalReason.INVALID_JSON, '{"name": "Hans \x1b[31m', file="cdr.jsonl", line=9),
]


@pytest.fixture
def environment(test_environment: dict[str, str], test_settings: Settings, tmp_path: Path) -> dict[str, str]:
    ensure_topics(test_settings)
    producer = kafka_producer(test_settings)
    for letter in LETTERS:
        producer.send(test_settings.topic("dead-letters"), msgspec.json.encode(letter)).get(10)
    producer.send(test_settings.topic("dead-letters"), b"what is this").get(10)
    producer.close()
    return {**test_environment, "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state")}


def run(environment: dict[str, str], *arguments: str) -> str:
    done = run_command("dlq", *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_shows_where_and_why_but_raw_text_only_when_asked_and_harmless(environment: dict[str, str]) -> None:
    listed = run(environment, "list")
    assert "cdr.jsonl:9" in listed
    assert "partition 3 offset 7" in listed
    assert "3 dead letters" in listed
    assert "Hans" not in listed
    raw = run(environment, "list", "--raw", "--stream", "cdr")
    assert "Hans" in raw
    assert "\x1b" not in raw
    assert "partition 3" not in raw


def test_list_counts_all_and_shows_the_newest(environment: dict[str, str]) -> None:
    lines = run(environment, "list", "--limit", "1", "--json").splitlines()
    assert json.loads(lines[-1]) == {
        "dead_letters": 3,
        "by_reason": {"wrong_key": 1, "invalid_json": 1, "unknown_format": 1},
    }
    assert len(lines) == 2
    assert "not a dead letter" in lines[0]


def test_replay_sends_once_what_can_be_taken_now_under_its_right_key(
    environment: dict[str, str], test_settings: Settings
) -> None:
    still_refused = {"invalid_json": 1, "unknown_format": 1}
    tried = json.loads(run(environment, "replay", "--dry-run", "--json").splitlines()[-1])
    assert tried == {"sent": 1, "sent_before": 0, "still_refused": still_refused}
    assert read_topic(test_settings, "orders") == []
    first, second = (json.loads(run(environment, "replay", "--json").splitlines()[-1]) for _ in range(2))
    assert (first["sent"], first["sent_before"]) == (1, 0)
    assert (second["sent"], second["sent_before"], second["still_refused"]) == (0, 1, still_refused)
    (order,) = read_topic(test_settings, "orders")
    assert (order.key, order.value.decode()) == ("a1", ORDER)


def test_an_empty_topic_has_no_dead_letters(test_environment: dict[str, str], test_settings: Settings) -> None:
    assert "0 dead letters: none" in run(test_environment, "list")
    ensure_topics(test_settings)
    assert "0 dead letters: none" in run(test_environment, "list")
