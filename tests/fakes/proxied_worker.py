"""A history in the topics behind the proxy, read in small bites, and what undisturbed reading of it must come to."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from churnwatch.embedded import EmbeddedServices
from churnwatch.settings import Settings, read_settings
from pipeline.events import Stream
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.simulate import OperatorDay, days
from tests.fakes.memory_replay import Replayed, replay_one_by_one
from tests.fakes.saved_state import saved_pages
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.topic_filling import fill_topics
from tests.fakes.worker_outcome import differing_pages, warnings_by_id
from tests.fakes.worker_runs import WorkerRun, running_worker


@dataclass(frozen=True, slots=True)
class History:
    """`records` in the topics of `settings`; workers that get `environment` read them through `proxy`."""

    proxy: TcpProxy
    environment: dict[str, str]
    settings: Settings
    records: int
    expected: Replayed

    @contextlib.contextmanager
    def worker(self, folder: Path, **settings: str) -> Iterator[WorkerRun]:
        """A worker on this history."""
        with running_worker({**self.environment, **settings}, folder) as run:
            yield run

    def assert_decided_and_saved_as_undisturbed(self) -> None:
        """Every warning in the same bytes whenever it was published, and every page of state bit for bit."""
        decided = warnings_by_id(self.settings)
        wrong = {name: found for name, found in decided.items() if found != {self.expected.warnings.get(name)}}
        assert not wrong, f"warnings that were to be otherwise: {wrong}"
        missing = self.expected.warnings.keys() - decided.keys()
        assert not missing, f"warnings that are missing: {missing}"
        found, expected = saved_pages(self.settings), self.expected.pages
        differing = differing_pages(found, expected)
        told = {
            name: (found.get(name), expected.get(name)) for name in differing if name.endswith(("applied", "times"))
        }
        assert not differing, f"pages that were to be otherwise: {differing}; {told}"


def proxied_history(
    running: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, customers: int, days_count: int, seed: int
) -> History:
    """A small operator's days, all in the topics."""
    scenario = load_scenario("calm", customers=customers, days=days_count, seed=seed)
    return history_of(running, topic_prefix, days(scenario))


def history_of(
    running: tuple[EmbeddedServices, TcpProxy],
    topic_prefix: str,
    simulated: Iterable[OperatorDay],
    extra: Mapping[Stream, list[tuple[bytes, bytes]]] | None = None,
) -> History:
    """These days and `extra` (key, value) pairs, all in the topics."""
    services, proxy = running
    environment = {
        **services.environment(),
        "CHURNWATCH_KAFKA__TOPIC_PREFIX": topic_prefix,
        # So that a short history takes many fetches, and a fault finds work half done.
        "CHURNWATCH_KAFKA__FETCH_BYTES": "4096",
        # Four of eight partitions are enough for workers to share; each has ticks of its own.
        "CHURNWATCH_KAFKA__PARTITIONS": "4",
        # Every tick costs the same however few lines there are; eight a day instead of 24.
        "CHURNWATCH_ENGINE__TICK_S": "10800",
    }
    settings = read_settings(environ=environment)
    filling = fill_topics(settings, simulated, extra, batch_records=50)
    return History(proxy, environment, settings, filling.records, replay_one_by_one(settings))
