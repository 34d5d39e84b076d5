"""Telephone numbers -> pseudonyms, by a keyed hash whose key never leaves this machine.

All numbers of a country can be tried in seconds, so that an unkeyed or publicly salted hash hides nothing. The key's id
stands in the pseudonym: after a rotation old and new ones can be told apart. A pseudonym is still personal data.
"""

import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from pipeline.events import LineId

KEY_BYTES = 32
#: 128 bits: even a billion numbers collide with a probability below 1e-20.
PSEUDONYM_BYTES = 16
KEY_ID = re.compile(r"[a-z][a-z0-9]{0,15}")
PERSON = b"churnwatch.line"


class KeyFileError(Exception):
    """A key that cannot be used; says which file, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Makes pseudonyms under one key; the key is not shown in its representation."""

    key: "SecretKey"
    key_id: str

    def line(self, number: str) -> LineId:
        """The pseudonym of a normalised number: the key's id, a dash, 32 hexadecimal digits (BLAKE2b, RFC 7693, keyed).

        >>> Pseudonymiser(SecretKey(bytes(32)), "k1").line("+4930123456")
        'k1-d7f25fe3eafbabaa3fa515488ce3e0f4'
        """
        digest = hashlib.blake2b(number.encode(), key=self.key.value, digest_size=PSEUDONYM_BYTES, person=PERSON)
        return LineId(f"{self.key_id}-{digest.hexdigest()}")


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """32 random bytes that no log or traceback prints."""

    value: bytes

    def __repr__(self) -> str:
        return "SecretKey(...)"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key and whether its file was created just now."""

    key: SecretKey
    created: bool


def read_or_create_key(path: Path, what: str = "pseudonym key") -> KeyFile:
    """The key in this file; where there is none, a new one, readable by its owner only. `what`: its name in messages.

    Raises:
        KeyFileError: no access, a file that others can read, or one that holds no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return KeyFile(_create(path, what), created=True)
    except OSError as error:
        raise KeyFileError(f"cannot read the {what} {path}: {error.strerror}") from None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise KeyFileError(f"the {what} {path} can be read by others; run: chmod 600 {path}")
        return KeyFile(_parse(path, file.read(), what), created=False)


def pseudonymiser(key: SecretKey, key_id: str) -> Pseudonymiser:
    """A pseudonymiser with a checked key id.

    Raises:
        KeyFileError: an id that cannot stand in a pseudonym.
    """
    if not KEY_ID.fullmatch(key_id):
        raise KeyFileError(
            f"privacy.key_id = {key_id!r}: one small letter and up to 15 small letters or digits, please"
        )
    return Pseudonymiser(key, key_id)


def _parse(path: Path, text: str, what: str) -> SecretKey:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path} holds no {what} ({2 * KEY_BYTES} hexadecimal digits); restore it from a backup")
    return SecretKey(key)


def _create(path: Path, what: str) -> SecretKey:
    """Write a new key under another name first: a crash leaves a whole key or none, and of two creators one wins."""
    key = secrets.token_bytes(KEY_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        return read_or_create_key(path, what).key
    except OSError as error:
        raise KeyFileError(f"cannot create the {what} {path}: {error.strerror}") from None
    return SecretKey(key)
