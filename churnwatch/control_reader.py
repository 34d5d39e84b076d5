"""A control topic into one process: everything that is there at the start, then each message as it is published."""

import asyncio
from abc import ABC, abstractmethod

from aiokafka import AIOKafkaConsumer, TopicPartition

from churnwatch.settings import Settings

POLL_MS = 500


class ControlReader(ABC):
    """Reads a topic of one partition without a group, since every worker needs every message."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._caught_up: asyncio.Event | None = None
        self._reading: asyncio.Task[None] | None = None

    @abstractmethod
    def take(self, raw: bytes | None) -> None:
        """One message, in the topic's order; None: an old one was deleted. Must not raise."""

    async def ready(self) -> None:
        """Start reading, and wait until the messages that were there at the start are taken in.

        Faust starts an app's own tasks only after recovery, which waits for this; so the reader is a plain task.
        """
        if self._reading is None:
            self._caught_up = asyncio.Event()
            self._reading = asyncio.create_task(self._run(self._caught_up))
        assert self._caught_up is not None
        waiting = asyncio.create_task(self._caught_up.wait())
        await asyncio.wait({self._reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            await self._reading

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _run(self, caught_up: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            tp = TopicPartition(self._settings.topic(self._topic), 0)
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            while True:
                for messages in (await consumer.getmany(tp, timeout_ms=POLL_MS)).values():
                    for message in messages:
                        self.take(message.value)
                # The end as a fetch tells it: what Tansu answers when asked for it can be short of the last batch.
                end = consumer.highwater(tp)
                if end is not None and await consumer.position(tp) >= end:
                    caught_up.set()
        finally:
            await consumer.stop()
