"""Records that only the holder of a key can read: AES-256-GCM, bound to the topic, name and account they belong to.

A sealed record stands in a compacted topic and, as it is, in Redis: whoever copies either has nothing without the key.
Changing a byte, or moving a record to another name or account, makes it unreadable (NIST SP 800-38D).
"""

import base64
import os
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: 96 random bits, as the mode asks for: safe for some 2^32 records under one key.
NONCE_BYTES = 12


class SealError(ValueError):
    """A record that cannot be opened: of another key, or changed. The message names the record's key id, no content."""


class SealedRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record as it lies in Kafka and Redis.

    Attributes:
        name: what it is about, and its key in the topic: a line id, or `token:<id>`.
        key_id: which key opens it.
        nonce, body: base64; `body` is the encrypted content with its tag.
        ts_ms: when it was written, epoch ms; retention counts from here.
        account_id: whose it is; "" where it belongs to no account.
    """

    name: str
    key_id: str
    nonce: str
    body: str
    ts_ms: int
    account_id: str = ""


class Opener(Protocol):
    """Opens sealed records; raises `SealError`."""

    def open(self, record: SealedRecord) -> bytes: ...


@dataclass(frozen=True, slots=True, repr=False)
class Sealer:
    """Seals under one key and opens under that and older ones. Keys are 32 bytes each and are never shown."""

    topic: str
    key_id: str
    key: bytes
    older: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Sealer({self.topic!r}, {self.key_id!r}, ...)"

    def seal(self, name: str, content: bytes, ts_ms: int, account_id: str = "") -> SealedRecord:
        """The content under today's key and a fresh nonce.

        >>> sealer = Sealer("vault", "v1", bytes(32))
        >>> sealer.open(sealer.seal("k1-ab", b"+86138", 0))
        b'+86138'
        """
        nonce = os.urandom(NONCE_BYTES)
        body = AESGCM(self.key).encrypt(nonce, content, self._bound_to(name, account_id))
        return SealedRecord(name, self.key_id, _text(nonce), _text(body), ts_ms, account_id)

    def open(self, record: SealedRecord) -> bytes:
        """The content.

        Raises:
            SealError: we have no such key, or the record was changed or moved.
        """
        key = self.key if record.key_id == self.key_id else self.older.get(record.key_id)
        if key is None:
            raise SealError(f"sealed under key {record.key_id!r}, which is not here")
        try:
            nonce, body = base64.b64decode(record.nonce), base64.b64decode(record.body)
            return AESGCM(key).decrypt(nonce, body, self._bound_to(record.name, record.account_id))
        except (InvalidTag, ValueError):
            raise SealError(f"a record under key {record.key_id!r} was changed, or the key is another one") from None

    def _bound_to(self, name: str, account_id: str) -> bytes:
        return f"{self.topic}\x1f{name}\x1f{account_id}".encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
