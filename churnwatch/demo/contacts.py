"""Whom the demo's staff spoke to, read from the outcomes: what the synthetic operator's customers then do depends on it."""

from collections.abc import Iterable
from contextlib import suppress

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from churnwatch.clients import kafka_consumer
from churnwatch.settings import Settings
from pipeline.events import Disposition, OutcomeKind, OutcomeRecord, Stream
from pipeline.sources.operator.contacts import Reached

#: Ends of a contact after which the customer has heard us.
SPOKEN = {
    Disposition.REACHED_SAVED, Disposition.REACHED_REFUSED, Disposition.REACHED_CALLBACK, Disposition.OPT_OUT,
    Disposition.TRANSFERRED,
}  # fmt: skip
POLL_RECORDS = 5000

_outcomes = msgspec.json.Decoder(OutcomeRecord)


class SpokenTo:
    """Each call gives the contacts that were told since the last one, each once. Made in one thread, asked in another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = kafka_consumer(settings)
        name = settings.topic(Stream.OUTCOMES)
        partitions = [
            TopicPartition(name, number) for number in sorted(self._consumer.partitions_for_topic(name) or {0})
        ]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning(*partitions)
        self._seen: set[str] = set()

    def __call__(self) -> list[Reached]:
        return list(self._new())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _new(self) -> Iterable[Reached]:
        # A broker away is a day without news: the contacts are still there the day after.
        with suppress(KafkaError):
            while polled := self._consumer.poll(timeout_ms=10, max_records=POLL_RECORDS):
                for records in polled.values():
                    yield from self._spoken(record.value for record in records)

    def _spoken(self, values: Iterable[bytes | None]) -> Iterable[Reached]:
        for value in values:
            outcome = _decoded(value)
            if outcome is None or outcome.disposition not in SPOKEN or outcome.record_id in self._seen:
                continue
            self._seen.add(outcome.record_id)
            yield Reached(outcome.account_id, outcome.ts_ms)


def _decoded(value: bytes | None) -> OutcomeRecord | None:
    """None: nothing, or a record spoilt on purpose."""
    try:
        outcome = _outcomes.decode(value or b"")
    except msgspec.DecodeError:
        return None
    return outcome if outcome.kind is OutcomeKind.DISPOSITION else None
