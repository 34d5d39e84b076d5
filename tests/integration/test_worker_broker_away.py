"""The broker goes away while the worker runs: it waits and says so, and what it cannot save it does not acknowledge.

BROKER_AWAY_S=60 keeps the broker away for a whole minute; otherwise until the worker says that it waits.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from churnwatch.embedded import EmbeddedServices
from tests.fakes.proxied_worker import proxied_history
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.worker_runs import WorkerRun

pytestmark = pytest.mark.long

BYTES_PER_S = 60_000
LEAVE_TIMEOUT_S = 12.0
AWAY_S = float(os.environ.get("BROKER_AWAY_S", "0"))
#: More than one a second in a while would be noise.
LOG_LINES_MAX = 60


def wait_for_line(run: WorkerRun, text: str, timeout_s: float = 40.0) -> None:
    deadline = time.monotonic() + timeout_s
    while text not in run.log.read_text():
        assert run.process.poll() is None, f"the worker ended:\n{run.log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"no {text}:\n{run.log.read_text()[-3000:]}"
        time.sleep(0.1)


@pytest.mark.timeout(180 + 2 * int(AWAY_S))
def test_a_worker_waits_for_a_broker_that_is_away_and_stops_with_a_message_when_it_cannot_save(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = proxied_history(proxied_services, topic_prefix, customers=25, days_count=24, seed=13)
    with history.worker(tmp_path) as run:
        with history.proxy.slow(BYTES_PER_S):
            run.wait_for("churnwatch_records_total", history.records // 4)
            lines_before = len(run.log.read_text().splitlines())
            history.proxy.cut()
            cut_s = time.monotonic()
            wait_for_line(run, "broker.awaited")
            while time.monotonic() - cut_s < AWAY_S:
                assert run.process.poll() is None, f"the worker ended:\n{run.log.read_text()[-3000:]}"
                time.sleep(0.5)
            lines_away = len(run.log.read_text().splitlines()) - lines_before
            history.proxy.heal()
        run.wait_until_through()
        run.wait_until_saved()
        history.proxy.cut()
        run.process.send_signal(signal.SIGTERM)
        try:
            assert run.process.wait(LEAVE_TIMEOUT_S) == 1
        finally:
            history.proxy.heal()
    assert lines_away < LOG_LINES_MAX
    assert "Kafka has not taken the state" in run.log.read_text()
    history.assert_decided_and_saved_as_undisturbed()
