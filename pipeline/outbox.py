"""What was sent to Kafka and is not acknowledged yet, and since when we wait for it."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import faust


class Outbox:
    """Sends through the app's producer; nothing counts as sent before its future is done."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._numbers = count()
        self._waits: dict[int, float] = {}

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None
    ) -> asyncio.Future[Any]:
        """Hand a record to the producer; the future is done when the broker has it, or fails."""
        with self.waiting():
            return asyncio.ensure_future(await self._app.producer.send(topic, key, value, partition, None, None))

    async def acknowledged(self, sent: Iterable[asyncio.Future[Any]]) -> None:
        """Wait until the broker has all of it; raises when it refused anything."""
        with self.waiting():
            await asyncio.gather(*sent)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the block runs, we wait for the broker."""
        number = next(self._numbers)
        self._waits[number] = time.monotonic()
        try:
            yield
        finally:
            del self._waits[number]

    def waiting_s(self) -> float:
        """For how long the oldest wait for the broker has lasted; 0: none."""
        return time.monotonic() - min(self._waits.values()) if self._waits else 0.0
