"""A process's metrics and its /metrics endpoint, from start to end of the process."""

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.metrics import METRICS_PORTS, Metrics, Process, serve_metrics


@contextmanager
def telemetry(settings: Settings, process: Process, now_s: Callable[[], float] = time.time) -> Iterator[Metrics]:
    """Metrics of this process, served while the block runs.

    Args:
        settings: `metrics.host` and `metrics.port`; port 0 takes the process's default port.
        process: one of METRICS_PORTS.
        now_s: wall clock, epoch seconds.

    Raises:
        UserError: the port is taken, or the address is not ours.
    """
    port = settings.metrics.port or METRICS_PORTS[process]
    metrics = Metrics()
    metrics.gauge("churnwatch_started_timestamp_seconds", process=process.value).set(now_s())
    metrics.gauge("churnwatch_build_info", version=_version()).set(1)
    metrics.gauge("churnwatch_disk_free_bytes").set_function(lambda: disk_free(settings.worker.data_dir))
    try:
        server = serve_metrics(metrics, settings.metrics.host, port)
    except OSError as error:
        raise UserError(_explain(error, settings.metrics.host, port)) from None
    try:
        yield metrics
    finally:
        server.stop()


def disk_free(folder: Path) -> int:
    """Bytes that are free where `folder` is, or will be once it is made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} for metrics is taken on {host}; choose another with CHURNWATCH_METRICS__PORT"
    return f"cannot serve metrics at {host}:{port}: {error.strerror}; see CHURNWATCH_METRICS__HOST"


def _version() -> str:
    try:
        return version("churnwatch")
    except PackageNotFoundError:
        return "unknown"
