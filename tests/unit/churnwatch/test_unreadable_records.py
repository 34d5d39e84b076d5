"""What the tasks process does with records of an operator that nobody can read: the worker dead-letters them."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition
from structlog.testing import capture_logs

from alerts.store import TaskStore
from alerts.store.directory import Directory
from churnwatch.seals import SEALED_TOPICS
from churnwatch.settings import Settings
from churnwatch.task_reference import ReferenceFeed
from churnwatch.task_triggers import TriggerFeed
from pipeline.events import Stream
from tests.fakes.pipeline_runs import customer, order

SETTINGS = Settings()


class Consumer:
    """Gives these values of one topic, once."""

    def __init__(self, stream: Stream, values: list[bytes]) -> None:
        records = [SimpleNamespace(offset=number, value=value) for number, value in enumerate(values)]
        self._batches = {TopicPartition(SETTINGS.topic(stream), 0): records}

    def poll(self, **_: Any) -> dict[TopicPartition, list[SimpleNamespace]]:
        batches, self._batches = self._batches, {}
        return batches

    def position(self, _: TopicPartition) -> int:
        return 0


class Remembering:
    """Stands for the directory, and for what happened to customers."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def put(self, customers: list[Any], *_: Any) -> None:
        self.taken += customers

    def note(self, happened: list[Any]) -> None:
        self.taken += happened


def unreadable(good: bytes) -> list[bytes]:
    """The same record cut, with text that is no UTF-8, and nested without end."""
    deep = b'{"deep":' + b"[" * 50_000 + b"]" * 50_000 + b"," + good[1:]
    return [good[:-9], good.replace(b'"account_id":"', b'"account_id":"\xff'), deep]


@pytest.mark.parametrize("stream", [Stream.CUSTOMERS, Stream.ORDERS])
def test_they_are_passed_over_and_the_next_is_taken(stream: Stream) -> None:
    good = msgspec.json.encode(customer() if stream is Stream.CUSTOMERS else order("renewal"))
    consumer, kept = cast(KafkaConsumer, Consumer(stream, [*unreadable(good), good])), Remembering()

    with capture_logs() as logs:
        if stream is Stream.CUSTOMERS:
            views: Any = dict.fromkeys(SEALED_TOPICS)
            ReferenceFeed(SETTINGS, cast(Directory, kept), consumer, views).read()
        else:
            store = SimpleNamespace(happenings=kept, measured=kept, directory=kept, policy=None)
            TriggerFeed(SETTINGS, cast(TaskStore, store), consumer)._read()

    assert [record.account_id for record in kept.taken if hasattr(record, "account_id")] == ["a1"]
    assert [entry["records"] for entry in logs] == [3]
