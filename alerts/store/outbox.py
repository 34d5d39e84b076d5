"""What still has to reach Kafka: written with each change, taken out only after the broker has it (at least once)."""

from typing import NamedTuple

import redis

from alerts.store.keys import Keys
from alerts.store.replies import entries

#: Name of the position that tells how far `churn.task-events` is known to be reflected here.
TASK_EVENTS_POSITION = "task-events:relayed"


class Parcel(NamedTuple):
    """One record to publish: topic name without prefix, key, JSON."""

    entry_id: str
    topic: str
    key: str
    value: str


class Outbox:
    """First in, first out. One relay at a time; two would only send the same events twice."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def pending(self, limit: int) -> list[Parcel]:
        """The oldest parcels."""
        rows = entries(self._redis.xrange(self._keys.outbox, count=limit))
        return [Parcel(entry_id, row["topic"], row["key"], row["value"]) for entry_id, row in rows if row is not None]

    def depth(self) -> int:
        return int(self._redis.xlen(self._keys.outbox))

    def settle(self, parcels: list[Parcel], relayed_position: int | None) -> None:
        """The broker has these. `relayed_position`: the task log's offset after the last of them."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.xdel(self._keys.outbox, *[parcel.entry_id for parcel in parcels])
        if relayed_position is not None:
            pipe.hset(self._keys.positions, TASK_EVENTS_POSITION, str(relayed_position))
        pipe.execute()

    def mark_relayed(self, position: int) -> None:
        """The task log is reflected here up to this offset."""
        self._redis.hset(self._keys.positions, TASK_EVENTS_POSITION, str(position))
