"""Sealed records in Redis, as their topic has them: still encrypted, found by name, and by age for retention."""

from collections.abc import Iterable, Mapping

import msgspec
import redis

from alerts.sealed import SealedRecord
from alerts.store.replies import texts
from pipeline.refusals import UNREADABLE

_records = msgspec.json.Decoder(SealedRecord)


class SealedView:
    """The latest record of each name of one topic ("vault", "accounts") under the installation's prefix."""

    def __init__(self, client: redis.Redis, prefix: str, topic: str) -> None:
        self._redis = client
        self._prefix = f"{prefix}:{topic}"
        self._ages = f"{prefix}:{topic}-by-age"

    def get(self, name: str) -> SealedRecord | None:
        raw = self._redis.get(self._key(name))
        return None if raw is None else _records.decode(raw)

    def put(self, changes: Mapping[str, SealedRecord | None]) -> None:
        """Take in the latest records by name, None for a deleted one, in one transaction."""
        if not changes:
            return
        pipe = self._redis.pipeline(transaction=True)
        for name, record in changes.items():
            if record is None:
                pipe.delete(self._key(name))
                pipe.zrem(self._ages, name)
            else:
                pipe.set(self._key(name), msgspec.json.encode(record))
                pipe.zadd(self._ages, {name: record.ts_ms})
        pipe.execute()

    def written_before(self, ts_ms: int, limit: int) -> list[SealedRecord]:
        """The oldest records written before that time."""
        names = texts(self._redis.zrangebyscore(self._ages, "-inf", f"({ts_ms}", start=0, num=limit))
        return [record for name in names if (record := self.get(name)) is not None]

    def names(self, limit: int = 10_000) -> list[str]:
        """All names, the oldest records first."""
        return texts(self._redis.zrange(self._ages, 0, limit - 1))

    def count(self) -> int:
        return int(self._redis.zcard(self._ages))

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"


def decoded(values: Iterable[tuple[str, bytes | None]]) -> tuple[dict[str, SealedRecord | None], int]:
    """The latest record of each name, and how many values were unreadable. No value means deleted.

    >>> decoded([("a", None), ("b", b"no JSON")])
    ({'a': None}, 1)
    """
    changes: dict[str, SealedRecord | None] = {}
    refused = 0
    for name, value in values:
        try:
            changes[name] = None if value is None else _records.decode(value)
        except UNREADABLE:
            refused += 1
    return changes, refused
