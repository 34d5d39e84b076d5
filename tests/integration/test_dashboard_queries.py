"""Every panel's query, asked of a real Prometheus that scrapes processes of ours, returns data."""

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.dashboards import all_queries
from churnwatch.embedded import free_port
from churnwatch.settings import read_settings
from churnwatch.telemetry import telemetry
from pipeline.metrics import CATALOGUE, METRICS_PORTS, Kind, Metrics, MetricSpec, Process

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0
RATE_INTERVAL = "10s"
#: What the code itself writes into labels that queries choose by.
LABEL_VALUES = {
    "stream": ("cdr",),
    "signal": ("silence", "termination"),
    "owner_kind": ("queue",),
    "disposition": ("reached_saved", "reached_refused"),
}


@pytest.fixture
def program() -> str:
    found = shutil.which("prometheus")
    if found is None:
        missing = "Prometheus is not installed: apt-get install prometheus"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture
def processes() -> Iterator[dict[Process, tuple[int, Metrics]]]:
    """Port and metrics of one process of each kind."""
    with ExitStack() as stack:
        started = {}
        for process in METRICS_PORTS:
            port = free_port()
            settings = read_settings(files=[], environ={"CHURNWATCH_METRICS__PORT": str(port)})
            started[process] = (port, stack.enter_context(telemetry(settings, process)))
        yield started


@pytest.fixture
def prometheus(program: str, processes: dict[Process, tuple[int, Metrics]], tmp_path: Path) -> Iterator[str]:
    """Address of a Prometheus that scrapes these processes every second."""
    jobs = [
        {"job_name": process.value, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for process, (port, _) in processes.items()
    ]
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={config}", f"--web.listen-address={address}"]
    command.append(f"--storage.tsdb.path={tmp_path / 'data'}")
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path)
        try:
            yield address
        finally:
            running.terminate()
            running.wait(10)


def report(spec: MetricSpec, metrics: Metrics) -> None:
    """Write one value for each choice of labels, as the process that owns the metric does."""
    for values in product(*(LABEL_VALUES.get(label, (f"some {label}",)) for label in spec.labels)):
        labels = dict(zip(spec.labels, values, strict=True))
        match spec.kind:
            case Kind.COUNTER:
                metrics.counter(spec.name, **labels).inc(3)
            case Kind.GAUGE:
                metrics.gauge(spec.name, **labels).set(1)
            case Kind.HISTOGRAM:
                metrics.histogram(spec.name, **labels).observe(spec.buckets[2])


def has_data(address: str, expression: str) -> bool:
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"http://{address}/api/v1/query?{query}", timeout=5) as response:
            samples: list[dict[str, Any]] = json.load(response)["data"]["result"]
    except OSError:  # it is still starting
        return False
    return any(sample["value"][1] != "NaN" for sample in samples)


def test_no_panel_is_without_data(prometheus: str, processes: dict[Process, tuple[int, Metrics]]) -> None:
    waiting = all_queries(RATE_INTERVAL)
    deadline = time.monotonic() + DEADLINE_S

    while waiting and time.monotonic() < deadline:
        for process, (_, metrics) in processes.items():
            for spec in CATALOGUE:
                if spec.process is process:
                    report(spec, metrics)
        waiting = {title: expression for title, expression in waiting.items() if not has_data(prometheus, expression)}
        time.sleep(0.5)  # Prometheus scrapes once a second

    assert waiting == {}
