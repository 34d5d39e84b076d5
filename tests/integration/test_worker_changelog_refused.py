"""The changelog refuses the state: the worker stops before it acknowledges anything, and nothing is lost."""

from pathlib import Path

import pytest

from churnwatch.embedded import EmbeddedServices
from tests.fakes.committed import committed, saved
from tests.fakes.proxied_worker import proxied_history
from tests.fakes.tcp_proxy import TcpProxy

pytestmark = pytest.mark.long

BYTES_PER_S = 60_000
END_TIMEOUT_S = 60.0
#: The first partition is saved after an eighth of it: time to begin to refuse when the first records were taken.
SELDOM = {"CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "40"}


def test_a_worker_whose_changelog_refuses_a_page_stops_and_acknowledges_nothing_more(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = proxied_history(proxied_services, topic_prefix, customers=15, days_count=16, seed=17)
    with history.proxy.slow(BYTES_PER_S), history.worker(tmp_path / "first") as run:
        run.wait_for("churnwatch_records_total", history.records // 4)
        assert run.stop() == 0
    good = committed(history.settings)
    assert good == saved(history.settings)
    with (
        history.proxy.slow(BYTES_PER_S),
        history.proxy.able_to_refuse("pages-changelog") as refuse,
        history.worker(tmp_path / "refused", **SELDOM) as run,
    ):
        run.wait_for("churnwatch_records_total", 1)
        refuse(True)
        assert run.process.wait(END_TIMEOUT_S) == 1, run.log.read_text()[-3000:]
    assert "MessageSizeTooLarge" in run.log.read_text()
    assert committed(history.settings) == good
    with history.worker(tmp_path / "last") as run:
        run.wait_until_through()
        assert run.stop() == 0
    assert committed(history.settings) == saved(history.settings) != good
    history.assert_decided_and_saved_as_undisturbed()
