"""The keys of the vault, read from their files, and the sealed topics through Kafka and Redis."""

from collections.abc import Iterable, Mapping

import msgspec
import redis
import structlog
from kafka import KafkaProducer

from alerts.sealed import SealedRecord, Sealer, SealError
from alerts.sealed_view import SealedView
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.identity import KEY_ID, KeyFileError, read_or_create_key

#: Topics of sealed records, compacted: numbers by line id; tokens by `token:<id>`.
VAULT, ACCOUNTS = "vault", "accounts"
SEALED_TOPICS = (VAULT, ACCOUNTS)
KEY_NAME = "vault key"
SEND_TIMEOUT_S = 20.0

log = structlog.get_logger()


def sealer(settings: Settings, topic: str) -> Sealer:
    """Seals and opens records of this topic; the key is made where there is none.

    Raises:
        UserError: a key file that is wrong or that others can read, an older key that is not there, a bad key id.
    """
    privacy = settings.privacy
    for key_id in (privacy.vault_key_id, *privacy.vault_older_keys):
        if not KEY_ID.fullmatch(key_id):
            raise UserError(f"privacy: vault key id {key_id!r}: one small letter and up to 15 small letters or digits")
    try:
        today = read_or_create_key(privacy.vault_key_file, KEY_NAME)
        older = {}
        for key_id, path in privacy.vault_older_keys.items():
            if not path.exists():
                raise UserError(f"privacy.vault_older_keys: the key {key_id} should be in {path}, which does not exist")
            older[key_id] = read_or_create_key(path, KEY_NAME).key.value
    except KeyFileError as error:
        raise UserError(str(error)) from None
    if today.created:
        log.warning(
            "vault_key.created",
            file=str(privacy.vault_key_file),
            do="keep it secret and backed up, away from the data: without it numbers and tokens are lost",
        )
    return Sealer(topic, privacy.vault_key_id, today.key.value, older)


class KeyOnDemand:
    """Opens records of a topic with a key that is read at the first one, and never made: whoever only reads needs none before
    there is something to read.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._sealer: Sealer | None = None

    def open(self, record: SealedRecord) -> bytes:
        """Raises `SealError` also when there is no key here, or one that cannot be used."""
        if self._sealer is None:
            path = self._settings.privacy.vault_key_file
            if not path.exists():
                raise SealError(f"the vault key {path} is not here; see privacy.vault_key_file")
            try:
                self._sealer = sealer(self._settings, self._topic)
            except UserError as error:
                raise SealError(str(error)) from None
        return self._sealer.open(record)


def sealed_view(settings: Settings, client: redis.Redis, topic: str) -> SealedView:
    """The sealed records of this topic as Redis has them."""
    return SealedView(client, settings.kafka.topic_prefix, topic)


class SealedPublisher:
    """Puts sealed records into their topic; returns when the broker has them."""

    def __init__(self, settings: Settings, producer: KafkaProducer, topic: str) -> None:
        self._topic = settings.topic(topic)
        self._producer = producer

    def __call__(self, changes: Mapping[str, SealedRecord | None]) -> None:
        """None deletes. Raises KafkaError."""
        futures = [self._producer.send(self._topic, key=name.encode(), value=_value(record))
                   for name, record in changes.items()]  # fmt: skip
        self._producer.flush(timeout=SEND_TIMEOUT_S)
        for future in futures:
            future.get(timeout=SEND_TIMEOUT_S)


def as_values(records: Iterable[SealedRecord]) -> list[bytes]:
    """Records as their topic has them."""
    return [msgspec.json.encode(record) for record in records]


def _value(record: SealedRecord | None) -> bytes | None:
    return None if record is None else msgspec.json.encode(record)
