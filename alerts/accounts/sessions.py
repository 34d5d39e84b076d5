"""A session: how long it lasts and when its token changes. Pure; tokens are 256 random bits, kept only as a hash."""

import hashlib
import secrets

from msgspec import Struct
from msgspec.structs import replace

from alerts.accounts.people import Person

IDLE_MS = 60 * 60_000
LONGEST_MS = 12 * 3_600_000
#: A session in use is written back at most so often.
TOUCH_MS = 60_000


class Session(Struct, frozen=True, kw_only=True):
    """One signed-in browser. Times in epoch milliseconds."""

    login: str
    begun_ms: int
    seen_ms: int


def new_token() -> str:
    """Goes into the cookie; nobody keeps it."""
    return secrets.token_urlsafe(32)


def token_key(token: str) -> str:
    """What is stored instead of a token.

    >>> token_key("a") == token_key("a"), "a" in token_key("a")[:1]
    (True, False)
    """
    return hashlib.sha256(token.encode()).hexdigest()


def holds(session: Session, person: Person, now_ms: int) -> bool:
    """Whether a session still counts: not idle for an hour, not older than 12, its person neither out nor signed out."""
    fresh = now_ms < session.seen_ms + IDLE_MS and now_ms < session.begun_ms + LONGEST_MS
    return fresh and not person.disabled and session.begun_ms >= person.signed_out_ms


def touched(session: Session, now_ms: int) -> Session | None:
    """The session as seen now; None where that need not be written."""
    return replace(session, seen_ms=now_ms) if now_ms - session.seen_ms >= TOUCH_MS else None
