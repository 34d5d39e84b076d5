"""A proxy before the broker: what the network does to a worker, on loopback."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from churnwatch.embedded import EmbeddedServices, free_port
from tests.fakes.refused_topic import RefusedTopic

CHUNK_BYTES = 65_536
#: Before each message of the protocol: its length, big-endian.
LENGTH_BYTES = 4
START_TIMEOUT_S = 10.0


class TcpProxy:
    """Forwards one loopback port to another; can be cut, healed and slowed down from the test's thread.

    Attributes:
        bytes_per_s: limit for each connection and direction; 0: none.
    """

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self.bytes_per_s = 0
        self._target_port = target_port
        self._refused_topic = ""
        self._refuses = [False]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._pumping: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self.heal()

    def stop(self) -> None:
        """Close everything and end the thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT_S)
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._run(self._cut())

    def heal(self) -> None:
        """Let connections through (again)."""
        self._run(self._listen())

    @contextlib.contextmanager
    def slow(self, bytes_per_s: int) -> Iterator[None]:
        """Limit each connection for a while."""
        self.bytes_per_s = bytes_per_s
        try:
            yield
        finally:
            self.bytes_per_s = 0

    @contextlib.contextmanager
    def able_to_refuse(self, topic: str) -> Iterator[Callable[[bool], None]]:
        """Connections that are made meanwhile can be told to refuse what is sent to a topic, by what this gives."""
        self._refused_topic, self._refuses = topic, [False]
        try:
            yield lambda refuse: self._refuses.__setitem__(0, refuse)
        finally:
            self._refused_topic = ""

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT_S)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        pumping = list(self._pumping)
        for task in pumping:
            task.cancel()
        await asyncio.gather(*pumping, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        if self._refused_topic:
            between = RefusedTopic(self._refused_topic, self._refuses)
            pumps = [
                self._pump_frames(reader, far_writer, between.request),
                self._pump_frames(far_reader, writer, between.answer),
            ]
        else:
            pumps = [self._pump(reader, far_writer), self._pump(far_reader, writer)]
        for pump in pumps:
            task = asyncio.create_task(pump)
            self._pumping.add(task)
            task.add_done_callback(self._pumping.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                if self.bytes_per_s:
                    await asyncio.sleep(len(chunk) / self.bytes_per_s)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _pump_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, through: Callable[[bytes], bytes]
    ) -> None:
        """Whole messages of the protocol, each by way of `through`."""
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
                frame = through(await reader.readexactly(length))
                if self.bytes_per_s:
                    await asyncio.sleep(len(frame) / self.bytes_per_s)
                writer.write(len(frame).to_bytes(LENGTH_BYTES, "big") + frame)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()


@contextlib.contextmanager
def services_behind_proxy() -> Iterator[tuple[EmbeddedServices, TcpProxy]]:
    """A broker of our own that is reached through a proxy only: its advertised address is the proxy's."""
    port = free_port()
    with EmbeddedServices(redis_url="unused", advertised_kafka_port=port) as services:
        proxy = TcpProxy(port, services.broker_port)
        proxy.start()
        try:
            yield services, proxy
        finally:
            proxy.stop()
