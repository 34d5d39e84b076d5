"""The vault's retention on schedule: inside `churnwatch tasks` once an hour, or by hand."""

import time

import redis
from kafka import KafkaProducer

from alerts.store import TaskStore
from alerts.vault import VaultRetention
from churnwatch.clients import kafka_producer, redis_client
from churnwatch.seals import VAULT, SealedPublisher, sealed_view
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from churnwatch.topics import ensure_topics

EVERY_S = 3600.0
CLOSE_TIMEOUT_S = 5.0


class VaultKeeping:
    """Sweeps when an hour has passed since the last time. What it deletes it tells in each account's log."""

    def __init__(self, retention: VaultRetention, every_s: float = EVERY_S) -> None:
        self._retention = retention
        self._every_s = every_s
        self._swept_s = float("-inf")

    def sweep_when_due(self) -> int:
        """Returns how many numbers were deleted. Raises what Kafka and Redis raise; then it is due again."""
        if time.monotonic() - self._swept_s < self._every_s:
            return 0
        deleted = self._retention.sweep(time.time_ns() // 1_000_000)
        self._swept_s = time.monotonic()
        return deleted


def retention(settings: Settings, client: redis.Redis, store: TaskStore, producer: KafkaProducer) -> VaultRetention:
    """The retention of the settings."""
    publish = SealedPublisher(settings, producer, VAULT)
    return VaultRetention(sealed_view(settings, client, VAULT), store, publish, settings.privacy.vault_days)


def sweep_now(settings: Settings) -> tuple[int, int]:
    """Delete what is too old now; returns how many numbers were deleted and how many are left.

    Raises:
        UserError: Kafka or Redis is away.
    """
    ensure_topics(settings)
    client = redis_client(settings)
    producer = kafka_producer(settings)
    try:
        deleted = retention(settings, client, task_store(settings, client), producer).sweep(time.time_ns() // 1_000_000)
        return deleted, sealed_view(settings, client, VAULT).count()
    finally:
        producer.close(timeout=CLOSE_TIMEOUT_S)
        client.close()
