"""Attempts to sign in by the provider, in Redis between going there and coming back: each counts once, for one browser."""

import hashlib
import secrets

import msgspec
import redis

from alerts.accounts.oidc.provider import Question

#: Somebody who needs longer at the provider begins anew.
ATTEMPT_MS = 10 * 60_000
#: More within a minute are no people; together with `TYPED_BYTES_MAX` it bounds what strangers can make Redis hold.
BEGUN_MAX = 300
WINDOW_MS = 60_000
TYPED_BYTES_MAX = 16_384


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What must be remembered of whoever went to the provider.

    Attributes:
        browser: hash of the cookie of the browser that went.
        then: path of ours to go to afterwards.
        again, typed: a form whose session ended: it is offered again.
    """

    browser: str
    nonce: str
    verifier: str
    then: str
    again: str = ""
    typed: dict[str, str] = {}


class Attempts:
    """Keeps them. Redis errors propagate."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = f"{prefix}:oidc"

    def begin(self, browser: str, then: str, again: str, typed: dict[str, str]) -> Question | None:
        """A new one; None where too many were begun within a minute. What is too long to keep is left out."""
        window = f"{self._prefix}:begun"
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(window, 0, px=WINDOW_MS, nx=True)
            pipe.incr(window)
            _, begun = pipe.execute()
        if int(begun) > BEGUN_MAX:
            return None
        question = Question(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        kept = typed if sum(len(key) + len(value.encode()) for key, value in typed.items()) <= TYPED_BYTES_MAX else {}
        attempt = Attempt(
            browser=hashed(browser), nonce=question.nonce, verifier=question.verifier, then=then,
            again=again if kept else "", typed=kept,
        )  # fmt: skip
        self._redis.set(self._key(question.state), msgspec.json.encode(attempt).decode(), px=ATTEMPT_MS)
        return question

    def end(self, state: str, browser: str) -> Attempt | None:
        """The attempt that began with this state, once; None where there is none, or another browser began it."""
        stored = self._redis.getdel(self._key(state))
        attempt = None if stored is None else msgspec.json.decode(str(stored), type=Attempt)
        return attempt if attempt is not None and secrets.compare_digest(attempt.browser, hashed(browser)) else None

    def _key(self, state: str) -> str:
        return f"{self._prefix}:attempt:{hashed(state)}"


def hashed(secret: str) -> str:
    """What is stored instead of a state or a cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()
