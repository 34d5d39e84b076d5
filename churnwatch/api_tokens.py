"""Tokens of the API, kept: sealed in `churn.accounts`, and in Redis so that they work at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from alerts.accounts.roles import StaffRole
from alerts.api.tokens import SealedTokens, Token, new_token
from alerts.policy import DAY_MS
from churnwatch.clients import kafka_producer, redis_client
from churnwatch.errors import UserError
from churnwatch.seals import ACCOUNTS, SealedPublisher, sealed_view, sealer
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics

CLOSE_TIMEOUT_S = 5.0


class TokenOffice:
    """Makes, lists and ends tokens. Kafka has a change before Redis shows it."""

    def __init__(self, settings: Settings, publish: SealedPublisher, tokens: SealedTokens) -> None:
        self._sealer = sealer(settings, ACCOUNTS)
        self._publish = publish
        self._tokens = tokens

    def create(self, holder: str, role: StaffRole, days: float | None) -> tuple[str, Token]:
        """A new token as its holder needs it, shown this once, and what is kept of it.

        Raises:
            UserError: a holder that is no staff or machine id.
        """
        now_ms = time.time_ns() // 1_000_000
        try:
            text, token = new_token(holder, role, now_ms, None if days is None else now_ms + int(days * DAY_MS))
        except ValueError as error:
            raise UserError(str(error)) from None
        changes = {token.name: self._sealer.seal(token.name, msgspec.json.encode(token), now_ms)}
        self._publish(changes)
        self._tokens.view.put(changes)
        return text, token

    def revoke(self, token_id: str) -> None:
        """End a token.

        Raises:
            UserError: there is no such token.
        """
        name = f"token:{token_id}"
        if self._tokens.view.get(name) is None:
            raise UserError(f"there is no token {token_id!r}; see `churnwatch token list`")
        self._publish({name: None})
        self._tokens.view.put({name: None})

    def all(self) -> list[Token]:
        """Every token that can be opened, the oldest first."""
        return self._tokens.all()


@contextmanager
def token_office(settings: Settings) -> Iterator[TokenOffice]:
    """Connected to Kafka and Redis.

    Raises:
        UserError: one of them is away, or the key of the vault cannot be used.
    """
    ensure_topics(settings)
    client = redis_client(settings)
    producer = kafka_producer(settings)
    try:
        tokens = SealedTokens(sealed_view(settings, client, ACCOUNTS), sealer(settings, ACCOUNTS))
        yield TokenOffice(settings, SealedPublisher(settings, producer, ACCOUNTS), tokens)
    finally:
        producer.close(timeout=CLOSE_TIMEOUT_S)
        client.close()
