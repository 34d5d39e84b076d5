"""Two workers share the partitions; whoever leaves, and however, the other goes on as if nothing had been."""

from pathlib import Path

import pytest

from churnwatch.embedded import EmbeddedServices
from tests.fakes.proxied_worker import proxied_history
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.worker_outcome import wait_for_shares

pytestmark = pytest.mark.long

#: Slow enough, and the history long enough, that every change of hands finds work half done: the first worker alone would
#: need more than a minute for it.
BYTES_PER_S = 60_000
CUSTOMERS, DAYS = 50, 24
TIMEOUT_S = 120.0


@pytest.mark.timeout(300)
def test_partitions_change_hands_with_their_state_when_a_second_worker_comes_leaves_and_dies(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = proxied_history(proxied_services, topic_prefix, CUSTOMERS, DAYS, seed=12)
    partitions = history.settings.kafka.partitions
    with history.worker(tmp_path / "a") as first:
        with history.proxy.slow(BYTES_PER_S):
            first.wait_for("churnwatch_records_total", 1)
            with history.worker(tmp_path / "b") as second:
                wait_for_shares(partitions, first, second)
                second.wait_for("churnwatch_records_total", 1)
                assert second.stop() == 0
            with history.worker(tmp_path / "c") as third:
                wait_for_shares(partitions, first, third)
                third.wait_for("churnwatch_records_total", 1)
                third.kill()
        first.wait_for("churnwatch_partitions", partitions)
        first.wait_until_through(TIMEOUT_S)
        assert first.stop() == 0
    history.assert_decided_and_saved_as_undisturbed()
