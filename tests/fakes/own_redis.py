"""A Redis of one test alone, with an append-only file, that can be killed and started again."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from churnwatch.embedded import _redis_binary

WAIT_S = 60.0


class OwnRedis:
    """A Redis of this test alone, with an append-only file, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [
            _redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--logfile", str(self._folder / "redis.log"),
        ]  # fmt: skip
        self._process = subprocess.Popen(command)
        probe = redis.Redis(port=self.port)
        wait_until(lambda: _pings(probe), "Redis")
        probe.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(WAIT_S)

    def keep(self) -> bytes:
        """What its file holds now."""
        return (self._folder / "appendonly.aof").read_bytes()

    def go_back_to(self, kept: bytes) -> None:
        """Kill it and start it again from what its file held then."""
        self.kill()
        (self._folder / "appendonly.aof").write_bytes(kept)
        self.start()


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def wait_until(holds: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.02)
