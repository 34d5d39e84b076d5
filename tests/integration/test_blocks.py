"""What the block transport promises, on the real broker: commits follow the state, and a full buffer holds back, not away."""

import signal
import time
from pathlib import Path

import msgspec
import pytest

from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import Settings
from pipeline.events import Stream
from tests.fakes.committed import committed, saved
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, call, care
from tests.fakes.proxied_worker import history_of
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.worker_runs import WorkerRun

pytestmark = pytest.mark.long

BYTES_PER_S = 60_000
LEAVE_TIMEOUT_S = 10.0
#: Of each account; the care topic is read to its end long before the calls have reached its second day.
CALLS, CONTACTS = 2_000, 1_800


def thin_topic_far_ahead() -> dict[Stream, list[tuple[bytes, bytes]]]:
    """Two accounts with calls over sixty days, and with more contacts at the end of these days than may wait."""
    calls, contacts = [], []
    for account in ("a1", "b2"):
        names = {"account_id": account, "line_id": f"{account}-1"}
        for number in range(CALLS):
            at_ms = MONDAY_MS + number * 60 * DAY_MS // CALLS
            calls.append(call(number, at_ms, record_id=f"{account}-c{number}", **names))
        for number in range(CONTACTS):
            at_ms = MONDAY_MS + 30 * DAY_MS + number * 30 * DAY_MS // CONTACTS
            contacts.append(care("price_inquiry", number, at_ms, record_id=f"{account}-s{number}", **names))
    return {
        stream: [(str(record["account_id"]).encode(), msgspec.json.encode(record)) for record in records]
        for stream, records in ((Stream.CDR, calls), (Stream.CARE, contacts))
    }


def watch_commits(settings: Settings, run: WorkerRun, until_records: int) -> int:
    """Compare commits with snapshots while the worker works; returns how many commits beyond the start were seen."""
    seen = set()
    while not run.figure("churnwatch_records_total") >= until_records:
        assert run.process.poll() is None, f"the worker ended:\n{run.log.read_text()[-3000:]}"
        before = committed(settings)
        after = saved(settings)
        assert {
            place: (offset, after.get(place)) for place, offset in before.items() if offset > after.get(place, 0)
        } == {}
        seen.add(sum(before.values()))
    return len(seen)


def test_commits_never_overtake_the_state_and_a_signal_to_end_under_load_leaves_nothing_to_repeat(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = history_of(proxied_services, topic_prefix, [], thin_topic_far_ahead())
    small = {"CHURNWATCH_ENGINE__MERGE_BUFFER_RECORDS": "1000", "CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "0.5"}
    with history.proxy.slow(BYTES_PER_S), history.worker(tmp_path, **small) as run:
        assert watch_commits(history.settings, run, until_records=history.records // 3) > 1
        run.process.send_signal(signal.SIGTERM)
        sent_s = time.monotonic()
        assert run.process.wait(2 * LEAVE_TIMEOUT_S) == 0
        assert time.monotonic() - sent_s < LEAVE_TIMEOUT_S
    assert committed(history.settings) == saved(history.settings)
    left = history.records - sum(saved(history.settings).values())
    assert 0 < left < history.records
    with history.worker(tmp_path, **small) as run:
        run.wait_until_through()
        assert run.figure("churnwatch_records_total") == left
        assert run.stop() == 0
    history.assert_decided_and_saved_as_undisturbed()
