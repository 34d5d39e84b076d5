"""Tokens of the API: shown once when made, kept as a digest only.

A token is `cwt_<id>_<secret>`; the secret has 256 random bits, so that a plain SHA-256 of it cannot be guessed back.
"""

import hashlib
import hmac
import re
import secrets
from typing import Protocol

import msgspec

from alerts.accounts.roles import StaffRole
from alerts.sealed import Opener, SealError
from alerts.sealed_view import SealedView

ID_BYTES, SECRET_BYTES = 6, 32
SHAPE = re.compile(r"cwt_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
HOLDER = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a token, sealed, under the name `token:<id>` in `churn.accounts`.

    `holder` is the staff or machine id in whose name it acts; `expires_ms` None: never.
    """

    token_id: str
    holder: str
    role: StaffRole
    digest: str
    created_ms: int
    expires_ms: int | None = None

    @property
    def name(self) -> str:
        return f"token:{self.token_id}"


class TokenKeeper(Protocol):
    """Finds what is kept of a token; may raise what Redis raises."""

    def token(self, token_id: str) -> Token | None: ...


class SealedTokens:
    """Tokens as `churn.accounts` has them, by way of Redis. A record that cannot be opened counts as none."""

    def __init__(self, view: SealedView, opener: Opener) -> None:
        self.view = view
        self._opener = opener

    def token(self, token_id: str) -> Token | None:
        return self._opened(f"token:{token_id}")

    def all(self) -> list[Token]:
        """All that can be opened, the oldest first."""
        names = [name for name in self.view.names() if name.startswith("token:")]
        return [token for name in names if (token := self._opened(name)) is not None]

    def _opened(self, name: str) -> Token | None:
        record = self.view.get(name)
        if record is None:
            return None
        try:
            return msgspec.json.decode(self._opener.open(record), type=Token)
        except SealError:
            return None


def new_token(holder: str, role: StaffRole, now_ms: int, expires_ms: int | None = None) -> tuple[str, Token]:
    """A fresh token as its holder needs it, and what to keep of it.

    Raises:
        ValueError: a holder that is no staff or machine id.
    """
    if not HOLDER.fullmatch(holder):
        raise ValueError(f"{holder!r} is no staff id: letters, digits, dot, dash and underscore, up to 64")
    token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)
    return f"cwt_{token_id}_{secret}", Token(token_id, holder, role, _digest(secret), now_ms, expires_ms)


def check(text: str, keeper: TokenKeeper, now_ms: int) -> Token | None:
    """The token that was shown, if it is one of ours and still good. Takes as long for a wrong secret as for a right one."""
    shape = SHAPE.fullmatch(text)
    if shape is None:
        return None
    kept = keeper.token(shape["id"])
    if kept is None or not hmac.compare_digest(kept.digest, _digest(shape["secret"])):
        return None
    return kept if kept.expires_ms is None or kept.expires_ms > now_ms else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
