"""What happened to accounts lately (orders, tickets), for the customer page's time axis; all of it can be read again from Kafka.

Codes and times alone: what a customer said is not kept here. So many an account, for so long: docs/adr/0086.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

import msgspec
import redis

from alerts.policy import DAY_MS
from alerts.store.keys import Keys
from pipeline.events import CareRecord, OrderRecord

KEPT_MAX = 60
KEPT_DAYS = 190

Stream = Literal["order", "care"]


class Happening(msgspec.Struct, frozen=True):
    """One order or ticket. `code`: its kind. `severity`: of a ticket 1-5, 0 for an order. `mark` keeps repeats apart."""

    stream: Stream
    code: str
    mark: str
    line_id: str | None = None
    severity: int = 0

    def packed(self) -> str:
        """As Redis keeps it. Up to 64 bytes the server keeps a set of them in one piece, a fifth of the memory otherwise.

        >>> Happening("care", "complaint", "Qk1f", "l-1", 4).packed()
        'c4:complaint:Qk1f:l-1'
        """
        return f"{self.stream[0]}{self.severity}:{self.code}:{self.mark}:{self.line_id or ''}"


def unpacked(text: str) -> Happening:
    """The reverse.

    >>> unpacked("o0:renewal:Qk1f:")
    Happening(stream='order', code='renewal', mark='Qk1f', line_id=None, severity=0)
    """
    first, code, mark, line_id = text.split(":", 3)
    return Happening("order" if first[0] == "o" else "care", code, mark, line_id or None, int(first[1:]))


class Happened(msgspec.Struct, frozen=True):
    at_ms: int
    what: Happening


def happening(record: OrderRecord | CareRecord) -> Happening:
    """What is kept of a record."""
    mark = urlsafe_b64encode(blake2b(record.record_id.encode(), digest_size=6).digest()).decode()
    if isinstance(record, OrderRecord):
        return Happening("order", record.kind, mark, record.line_id)
    return Happening("care", record.kind, mark, record.line_id, record.severity)


class Happenings:
    """A sorted set an account, by when it happened."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def note(self, records: Iterable[OrderRecord | CareRecord]) -> None:
        """Take records in; the same again changes nothing, the oldest go where there are too many."""
        found: dict[str, dict[str, int]] = {}
        for record in records:
            found.setdefault(record.account_id, {})[happening(record).packed()] = record.ts_ms
        pipe = self._redis.pipeline(transaction=False)
        for account_id, members in found.items():
            key = self._keys.happened(account_id)
            pipe.zadd(key, members)
            pipe.zremrangebyrank(key, 0, -KEPT_MAX - 1)
            pipe.pexpire(key, KEPT_DAYS * DAY_MS)
        pipe.execute()

    def of(self, account_id: str, since_ms: int, until_ms: int) -> list[Happened]:
        """From `since_ms` to `until_ms`, the oldest first."""
        key = self._keys.happened(account_id)
        rows: list[tuple[str, float]] = self._redis.zrangebyscore(key, since_ms, until_ms, withscores=True)  # type: ignore[assignment]  # redis-py types sync and async alike
        return [Happened(int(score), unpacked(member)) for member, score in rows]
