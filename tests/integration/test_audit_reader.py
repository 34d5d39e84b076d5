"""The audit follows the task log on the real broker: from its beginning, and on as it grows."""

import time

import msgspec

from churnwatch.audit_reader import followed_trail
from churnwatch.clients import kafka_producer
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from tests.fakes.console_office import events

DEADLINE_S = 30.0


def test_what_stands_in_the_log_and_what_comes_is_verified(test_settings: Settings) -> None:
    ensure_topics(test_settings)
    producer = kafka_producer(test_settings)
    chain = events("A1", ["m-1", "m-2", "m-3"])

    def write(part: list[object]) -> None:
        for event in part:
            producer.send(test_settings.topic("task-events"), key=b"A1", value=msgspec.json.encode(event))
        producer.flush()

    write([*chain[:2]])
    with followed_trail(test_settings) as trail:
        deadline = time.monotonic() + DEADLINE_S
        while trail.state().events < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        write([*chain[2:]])
        while trail.state().events < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert trail.state().broken == []
        assert [event.actor for event in trail.latest("", "A1", 5)] == ["m-3", "m-2", "m-1"]
    producer.close()
