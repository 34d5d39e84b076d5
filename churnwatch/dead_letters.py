"""Records that were refused: read from their topic, and sent again where they can be taken now."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from churnwatch.topics import describe_topics
from pipeline.events import DeadLetter, RefusalReason, Stream
from pipeline.refusals import UNREADABLE, Refusal, decode_record
from pipeline.sources.port import DEAD_LETTERS

POLL_MS = 1000
SILENCE_POLLS = 10
SEND_TIMEOUT_S = 30.0
NOTES = "dlq.json"

_LETTERS = msgspec.json.Decoder(DeadLetter)


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter and where it lies; `received_ms` is when the broker took it."""

    offset: int
    received_ms: int
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; None means any."""

    stream: str | None = None
    reason: RefusalReason | None = None

    def takes(self, letter: DeadLetter) -> bool:
        return self.stream in (None, letter.stream) and self.reason in (None, letter.reason)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A refused record that can be taken now, and the topic (short name) and key it goes to."""

    offset: int
    topic: str
    key: str
    value: bytes


class Replayed(msgspec.Struct):
    """What a replay did. `still_refused` counts by reason what cannot be taken now either."""

    sent: int = 0
    sent_before: int = 0
    still_refused: dict[str, int] = {}


class ReplayNotes(msgspec.Struct):
    """Offsets that were sent again, so that a second replay sends nothing twice; of one topic, told by its id."""

    topic_id: str = ""
    offsets: set[int] = set()


def repeat_of(found: Found, max_bytes: int) -> Repeat | Refusal:
    """The record in a dead letter if it can be taken now, else why not.

    A dead letter of a native format holds no more than the shape of its line: its file is mended and ingested again.
    """
    letter = found.letter
    if letter.stream not in list(Stream):
        return Refusal(RefusalReason.UNKNOWN_FORMAT, "no input stream")
    raw = letter.raw.encode()
    record = decode_record(Stream(letter.stream), raw, max_bytes)
    if isinstance(record, Refusal):
        return record
    return Repeat(found.offset, letter.stream, record.account_id, raw)


def read_dead_letters(settings: Settings) -> Iterator[Found]:
    """All dead letters, oldest first, up to the end as it was at the first fetch.

    Raises:
        UserError: no broker, or one that falls silent.
    """
    partition = TopicPartition(settings.topic(DEAD_LETTERS), 0)
    if _topic_id(settings) is None:
        return
    consumer = kafka_consumer(settings)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        if consumer.end_offsets([partition])[partition] <= consumer.position(partition):
            return
        yield from _up_to_end(consumer, partition, settings)
    except KafkaError as error:
        raise UserError(f"cannot read the dead letters from {settings.kafka.bootstrap}: {error}") from error
    finally:
        consumer.close()


def replay(settings: Settings, selection: Selection, *, dry_run: bool = False) -> Replayed:
    """Send again what is selected, can be taken now and was not sent again before."""
    result = Replayed()
    still_refused: Counter[str] = Counter()
    notes = _read_notes(settings)
    repeats = []
    for found in read_dead_letters(settings):
        if not selection.takes(found.letter):
            continue
        repeat = repeat_of(found, settings.engine.max_record_bytes)
        if isinstance(repeat, Refusal):
            still_refused[repeat.reason.value] += 1
        elif found.offset in notes.offsets:
            result.sent_before += 1
        else:
            repeats.append(repeat)
    if repeats and not dry_run:
        _send(settings, repeats)
        notes.offsets.update(repeat.offset for repeat in repeats)
        _write_notes(settings, notes)
    result.sent = len(repeats)
    result.still_refused = dict(still_refused)
    return result


def _up_to_end(consumer: KafkaConsumer, partition: TopicPartition, settings: Settings) -> Iterator[Found]:
    end: int | None = None
    silent_polls = 0
    position = 0
    while end is None or position < end:
        records = consumer.poll(POLL_MS).get(partition, [])
        silent_polls = 0 if records else silent_polls + 1
        if silent_polls > SILENCE_POLLS:
            raise UserError(f"Kafka at {settings.kafka.bootstrap} accepts connections but does not answer a fetch")
        # The high watermark of a fetch is exact; an asked end offset is too low at the embedded broker.
        end = consumer.highwater(partition) if end is None else end
        for record in records:
            position = record.offset + 1
            yield Found(record.offset, record.timestamp, _letter(record.value))


def _letter(value: bytes | None) -> DeadLetter:
    """The dead letter; what is none, since anybody may write to the topic, is shown as one."""
    try:
        return _LETTERS.decode(value or b"")
    except UNREADABLE:
        return DeadLetter(stream="?", reason=RefusalReason.UNKNOWN_FORMAT, raw="", detail="not a dead letter")


def _send(settings: Settings, repeats: Iterable[Repeat]) -> None:
    producer: KafkaProducer = kafka_producer(settings)
    try:
        sent = [
            producer.send(settings.topic(repeat.topic), repeat.value, key=repeat.key.encode()) for repeat in repeats
        ]
        for future in sent:
            future.get(SEND_TIMEOUT_S)
    except KafkaError as error:
        raise UserError(f"Kafka at {settings.kafka.bootstrap} did not take the records: {error}; try again") from error
    finally:
        producer.close()


def _topic_id(settings: Settings) -> str | None:
    name = settings.topic(DEAD_LETTERS)
    state = next(state for state in describe_topics(settings) if state.plan.name == name)
    return None if state.partitions is None else state.topic_id


def _notes_path(settings: Settings) -> Path:
    return settings.ingest.state_dir / NOTES


def _read_notes(settings: Settings) -> ReplayNotes:
    topic_id = _topic_id(settings) or ""
    path = _notes_path(settings)
    try:
        notes = msgspec.json.decode(path.read_bytes(), type=ReplayNotes)
    except FileNotFoundError:
        return ReplayNotes(topic_id)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"cannot read {path}: {error}; remove it to replay everything again") from None
    return notes if notes.topic_id == topic_id else ReplayNotes(topic_id)


def _write_notes(settings: Settings, notes: ReplayNotes) -> None:
    path = _notes_path(settings)
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(notes))
        draft.replace(path)
    except OSError as error:
        raise UserError(f"the records were sent, but {path} cannot be written: {error.strerror}") from None
