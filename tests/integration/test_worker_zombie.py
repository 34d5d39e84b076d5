"""A worker that stands still for longer than the group waits, and wakes up when its partitions are somebody else's."""

import signal
from pathlib import Path

import pytest

from churnwatch.embedded import EmbeddedServices
from tests.fakes.proxied_worker import proxied_history
from tests.fakes.tcp_proxy import TcpProxy

pytestmark = pytest.mark.long

BYTES_PER_S = 60_000


def test_a_worker_that_slept_through_the_loss_of_its_partitions_does_not_harm_the_state(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = proxied_history(proxied_services, topic_prefix, customers=25, days_count=24, seed=16)
    often = {"CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "0.5"}
    with history.worker(tmp_path / "sleeper", **often) as sleeper, history.proxy.slow(BYTES_PER_S):
        sleeper.wait_for("churnwatch_records_total", history.records // 8)
        sleeper.process.send_signal(signal.SIGSTOP)
        with history.worker(tmp_path / "heir", **often) as heir:
            heir.wait_for("churnwatch_partitions", history.settings.kafka.partitions)
            heir.wait_for("churnwatch_records_total", 1)
            sleeper.process.send_signal(signal.SIGCONT)
            heir.wait_for_records(history.records // 2)
            sleeper.wait_for("churnwatch_rebalances_total", 2)
            heir.kill()
        history.proxy.bytes_per_s = 0
        sleeper.wait_for("churnwatch_partitions", history.settings.kafka.partitions)
        sleeper.wait_until_through()
        assert sleeper.stop() == 0
    history.assert_decided_and_saved_as_undisturbed()
