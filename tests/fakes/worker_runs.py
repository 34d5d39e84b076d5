"""The worker as its users run it: a process with a metrics port, awaited by what it says of itself."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from churnwatch.embedded import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
#: Between two looks: each costs the worker some milliseconds.
LOOK_S = 0.1


class WorkerRun:
    """One running `churnwatch worker`."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"worker-{self.port}.log"
        settings = {
            "CHURNWATCH_METRICS__PORT": str(self.port),
            "CHURNWATCH_WORKER__DATA_DIR": str(folder / "data"),
            "CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "1",
        }
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "churnwatch", "worker"],
                env={**os.environ, **settings, **environment},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def figure(self, name: str) -> float:
        """Sum of a metric over its labels; NaN while the worker does not answer or does not know."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2.0) as answer:
                text = answer.read().decode()
        except OSError:
            return math.nan
        # A parser of the format would take more of the machine than the worker that is waited for.
        lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def wait_for(self, name: str, at_least: float, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until a metric has reached a value."""
        deadline = time.monotonic() + timeout_s
        while not self.figure(name) >= at_least:
            assert self.process.poll() is None, f"the worker ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, (
                f"{name} is {self.figure(name)}, not {at_least}:\n{self.log.read_text()[-3000:]}"
            )
            time.sleep(LOOK_S)

    def wait_for_records(self, at_least: int) -> None:
        """Wait until so many records were read, or there are no more."""
        while not self.figure("churnwatch_records_total") >= at_least and self.figure("churnwatch_lag_records") != 0.0:
            assert self.process.poll() is None, f"the worker ended:\n{self.log.read_text()[-3000:]}"
            time.sleep(LOOK_S)

    def wait_until_saved(self) -> None:
        """Wait until all that was read is decided and in a snapshot: until a commit had no page to write before it."""
        pages = math.nan
        while self.figure("churnwatch_pages_written_total") != pages:
            pages = self.figure("churnwatch_pages_written_total")
            for _ in range(2):
                self.wait_for("churnwatch_commit_timestamp_seconds", time.time())

    def wait_until_through(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until everything in the topics is applied, and saved."""
        self.wait_for("churnwatch_partitions", 1, timeout_s)
        deadline = time.monotonic() + timeout_s
        while self.figure("churnwatch_lag_records") != 0.0:
            assert self.process.poll() is None, f"the worker ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, (
                f"lag {self.figure('churnwatch_lag_records')}:\n{self.log.read_text()[-3000:]}"
            )
            time.sleep(LOOK_S)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running_worker(environment: dict[str, str], folder: Path) -> Iterator[WorkerRun]:
    """A worker that is gone afterwards, whatever happened."""
    run = WorkerRun(environment, folder)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()
