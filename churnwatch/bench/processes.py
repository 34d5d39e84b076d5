"""The processes under test: started as production starts them, watched from outside."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from churnwatch.children import spawn
from churnwatch.embedded import free_port
from churnwatch.errors import UserError

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
#: Each look costs the process some milliseconds.
POLL_S = 0.25
POLL_S_MAX = 2.0
LOG_TAIL_CHARS = 2000
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Subject:
    """One process under test that serves /metrics at `port`."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def figure(self, name: str) -> float:
        """Sum of a metric over its labels; NaN while the process does not answer or does not know."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5.0) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return math.nan
        values = [line.rpartition(" ")[2] for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(map(float, values)) if values else math.nan

    def wait_for(self, name: str, at_least: float, timeout_s: float) -> float:
        """Wait until a metric has reached a value; returns the monotonic time at which it was seen.

        Raises:
            UserError: the process ended, or the time is over.
        """
        started_s, start = time.monotonic(), self.figure(name)
        value = start
        while not value >= at_least:
            self.check()
            elapsed_s = time.monotonic() - started_s
            if elapsed_s > timeout_s:
                raise UserError(
                    f"{self.name}: {name} is {value:g}, not {at_least:g}, after {timeout_s:g} s; {self._tail()}"
                )
            time.sleep(next_look_s(value - start, at_least - value, elapsed_s))
            value = self.figure(name)
        return time.monotonic()

    def last_before(self, name: str, at_least: float, timeout_s: float) -> tuple[float, float]:
        """Wait for a metric to reach a value; returns the look before that: wall time (epoch seconds) and CPU seconds.

        Raises:
            UserError: the process ended, or the time is over.
        """
        deadline = time.monotonic() + timeout_s
        before = this = time.time(), self.cpu_s()
        while not self.figure(name) >= at_least:
            self.check()
            if time.monotonic() > deadline:
                raise UserError(f"{self.name}: {name} is not {at_least:g} after {timeout_s:g} s; {self._tail()}")
            time.sleep(POLL_S)
            before, this = this, (time.time(), self.cpu_s())
        return before

    def check(self) -> None:
        """Raise when the process is gone."""
        if self.process.poll() is not None:
            raise UserError(f"{self.name} ended with code {self.process.returncode}; {self._tail()}")

    def cpu_s(self) -> float:
        """CPU seconds of all its threads since its start, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        """Resident memory now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE_BYTES

    def peak_rss_bytes(self) -> int:
        """The largest resident memory so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024

    def last_saved(self) -> tuple[float, float]:
        """Wall time (epoch seconds) of the last save that the process tells of in its log, and its CPU seconds by then."""
        saves = [line for line in self.log.read_text(errors="replace").splitlines() if '"state.saved"' in line]
        if not saves:
            raise UserError(f"{self.name} saved nothing; {self._tail()}")
        # Faust writes the codes that hide a terminal's cursor before the line.
        told = msgspec.json.decode(saves[-1][saves[-1].index("{") :])
        return datetime.fromisoformat(told["timestamp"]).timestamp(), float(told["cpu_s"])

    def stop(self) -> None:
        """Ask it to leave and wait.

        Raises:
            UserError: it does not leave, or not with code 0.
        """
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise UserError(f"{self.name} did not stop within {STOP_TIMEOUT_S:g} s; {self._tail()}") from None
        if code:
            raise UserError(f"{self.name} stopped with code {code}; {self._tail()}")

    def _tail(self) -> str:
        return f"its last words:\n{self.log.read_text(errors='replace')[-LOG_TAIL_CHARS:]}"


def next_look_s(done: float, left: float, elapsed_s: float) -> float:
    """When to look again: after half of what is left at the pace so far, since every look is at the process's expense.

    >>> next_look_s(done=500.0, left=1000.0, elapsed_s=1.0), next_look_s(done=0.0, left=1000.0, elapsed_s=1.0)
    (1.0, 0.25)
    """
    if not done > 0.0 or not left > 0.0:
        return POLL_S
    return min(max(elapsed_s * left / done / 2, POLL_S), POLL_S_MAX)


@contextlib.contextmanager
def running(name: str, command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[Subject]:
    """`python COMMAND...` as a process that is gone afterwards, whatever happened."""
    port = free_port()
    own = {
        "CHURNWATCH_METRICS__PORT": str(port),
        "CHURNWATCH_WORKER__ID": name,
        "CHURNWATCH_WORKER__DATA_DIR": str(folder / name),
    }
    log = folder / f"{name}-{port}.log"
    with open(log, "wb") as output:
        process = spawn([sys.executable, *command], output, {**os.environ, **environment, **own})
    try:
        yield Subject(name, process, port, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


WORKER = ["-m", "churnwatch", "worker"]
