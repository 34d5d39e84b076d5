"""What workers decided and saved, to compare with what they should have."""

import time
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from churnwatch.settings import Settings
from pipeline.events import ChurnWarning
from tests.fakes.memory_replay import told_at
from tests.fakes.topic_reader import read_topic
from tests.fakes.worker_runs import WorkerRun

SHARE_TIMEOUT_S = 60.0


def warnings_by_id(settings: Settings) -> dict[str, set[bytes]]:
    """Every content that was ever published under an id and time; a repetition in the same bytes is one."""
    contents: dict[str, set[bytes]] = defaultdict(set)
    for record in read_topic(settings, "warnings"):
        contents[told_at(msgspec.json.decode(record.value, type=ChurnWarning))].add(record.value)
    return contents


def differing_pages(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    """Names of the pages of state that are not the same in both, bit for bit."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def wait_for_shares(partitions: int, *runs: WorkerRun) -> None:
    """Wait until every worker has some of the partitions, and none has all."""
    deadline = time.monotonic() + SHARE_TIMEOUT_S
    while sum(shares := [run.figure("churnwatch_partitions") for run in runs]) != partitions or not all(shares):
        for run in runs:
            assert run.process.poll() is None, f"a worker ended:\n{run.log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"the shares are {shares}"
        time.sleep(0.05)
