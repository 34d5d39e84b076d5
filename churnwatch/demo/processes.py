"""The production processes as children: started, watched, started again when they die, ended in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from churnwatch.children import spawn
from churnwatch.embedded import free_port

STOP_TIMEOUT_S = 10.0
RESTARTS_MAX = 5

log = structlog.get_logger()


@dataclass(slots=True)
class Child:
    """One `churnwatch COMMAND` as a process of its own."""

    command: str
    arguments: tuple[str, ...]
    metrics_port: int
    process: subprocess.Popen[bytes]
    restarts: int = 0


class Processes:
    """Children of the demo, in the order in which they were started; ended in the opposite order."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = {**os.environ, **environment}
        self._folder = folder
        self.children: dict[str, Child] = {}

    def start(self, command: str, *arguments: str) -> None:
        """Start `churnwatch COMMAND ARGUMENTS` with a metrics port of its own."""
        port = free_port()
        self.children[command] = Child(command, arguments, port, self._spawn(command, arguments, port))

    def revive(self) -> list[str]:
        """Start again what died; returns the names of commands that died too often."""
        hopeless = []
        for name, child in self.children.items():
            code = child.process.poll()
            if code is None:
                continue
            if child.restarts >= RESTARTS_MAX:
                hopeless.append(name)
                continue
            log.warning("process.died", name=name, code=code, restarts=child.restarts)
            child.restarts += 1
            child.process = self._spawn(name, child.arguments, child.metrics_port)
        return hopeless

    def log_of(self, name: str) -> Path:
        """File with what a child printed."""
        return self._folder / f"{name}.log"

    def stop(self) -> None:
        """End all: ask, wait, then kill what does not go."""
        for child in reversed(self.children.values()):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in reversed(self.children.values()):
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("process.killed", name=child.command)
                child.process.kill()
                child.process.wait()

    def _spawn(self, command: str, arguments: tuple[str, ...], port: int) -> "subprocess.Popen[bytes]":
        with open(self.log_of(command), "ab") as output:
            return spawn(
                [sys.executable, "-m", "churnwatch", command, *arguments],
                output,
                {**self._environment, "CHURNWATCH_METRICS__PORT": str(port)},
            )
