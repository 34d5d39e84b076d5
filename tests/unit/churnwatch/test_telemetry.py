"""The /metrics endpoint of a process."""

import socket
import urllib.request
from collections.abc import Iterator

import pytest

from churnwatch.embedded import free_port
from churnwatch.errors import UserError
from churnwatch.settings import Settings, read_settings
from churnwatch.telemetry import telemetry
from pipeline.metrics import Process


def settings_with_port(port: int, host: str = "127.0.0.1") -> Settings:
    environ = {"CHURNWATCH_METRICS__PORT": str(port), "CHURNWATCH_METRICS__HOST": host}
    return read_settings(files=[], environ=environ)


def fetch(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        text: str = response.read().decode()
    return text


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_process_tells_when_it_started_and_what_it_counts() -> None:
    port = free_port()

    with telemetry(settings_with_port(port), Process.WORKER, now_s=lambda: 1_700_000_000.0) as metrics:
        metrics.counter("churnwatch_records_total", stream="cdr").inc(500)
        lines = fetch(port).splitlines()

    assert 'churnwatch_started_timestamp_seconds{process="worker"} 1.7e+09' in lines
    assert 'churnwatch_records_total{stream="cdr"} 500.0' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_the_port_is_free_again_after_the_process_ends() -> None:
    port = free_port()

    for _ in range(2):
        with telemetry(settings_with_port(port), Process.TRAINER):
            assert "churnwatch_build_info" in fetch(port)


def test_a_taken_port_is_named_with_the_variable_that_changes_it(taken_port: int) -> None:
    with (
        pytest.raises(UserError, match=rf"port {taken_port} for metrics is taken .* CHURNWATCH_METRICS__PORT"),
        telemetry(settings_with_port(taken_port), Process.WORKER),
    ):
        pass


def test_an_address_that_is_not_ours_is_named() -> None:
    with (
        pytest.raises(UserError, match=r"cannot serve metrics at 192\.0\.2\.1:"),
        telemetry(settings_with_port(free_port(), host="192.0.2.1"), Process.WORKER),
    ):
        pass
