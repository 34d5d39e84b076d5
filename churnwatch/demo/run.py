"""Runs the demo: services, processes, feed, screen; ends everything it started."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
from rich.console import Console
from rich.live import Live

from alerts.store.clock import StreamClock
from alerts.tasks import OUTBOUND
from churnwatch.clients import redis_client
from churnwatch.demo.contacts import SpokenTo
from churnwatch.demo.figures import FigureReader, Figures
from churnwatch.demo.people import write_people
from churnwatch.demo.processes import Processes
from churnwatch.demo.proof import proof
from churnwatch.demo.screen import picture
from churnwatch.demo.summary import summary
from churnwatch.demo_staff import run_staff
from churnwatch.embedded import EmbeddedServices
from churnwatch.errors import UserError
from churnwatch.operator_feed import OperatorFeed, at_speed
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import ensure_topics
from pipeline.sources.operator.clock import START_MS
from pipeline.sources.operator.config import OperatorConfig, load_scenario

REFRESH_S = 0.5
#: A headless run paces the stream over this time, so that labels, models and staff have their turns.
HEADLESS_STREAM_S = 75.0
#: The stream is through when nothing has been left to do for this long.
QUIET_S = 4.0
#: After the last record was sent: so long without a further one applied, and the run has failed.
DRAIN_TIMEOUT_S = 90.0
START_TIMEOUT_S = 60.0
#: So far the stream may run ahead of those who work by its time.
LAG_MS = 2 * 86_400_000


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to show. `speed`: stream seconds a wall second; None: a rate that suits the mode."""

    customers: int
    days: int
    speed: float | None
    port: int
    headless: bool
    seed: int = 7


def run_demo(options: DemoOptions, settings: Settings) -> dict[str, object]:
    """Run until the stream is through (headless) or Ctrl-C; returns the summary.

    Raises:
        UserError: a port is taken, a service or process does not start, a process keeps dying.
    """
    if not options.headless:
        _check_port(options.port)
    start_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="churnwatch-demo-") as folder,
        EmbeddedServices(settings.kafka.bootstrap, settings.redis.url) as services,
    ):
        environment = {**services.environment(), **_demo_environment(options, Path(folder))}
        child_settings = read_settings(environ={**os.environ, **environment})
        ensure_topics(child_settings)
        people = write_people(_operator(options), Path(folder))
        with (
            _processes(options, environment, Path(folder), people) as processes,
            _staff(child_settings, options.seed, people),
        ):
            return _Show(options, child_settings, processes, start_s).run()


class _Show:
    """The running demo: feed and figures."""

    def __init__(self, options: DemoOptions, settings: Settings, processes: Processes, start_s: float) -> None:
        self._options = options
        self._processes = processes
        self._start_s = start_s
        self._reader = FigureReader()
        self._settings = settings
        self._spoken_to = SpokenTo(settings)
        pace = at_speed(options.speed or _speed(options))
        self._redis = redis_client(settings)
        self._clock = StreamClock(self._redis, settings.kafka.topic_prefix)
        self._feed = OperatorFeed(settings, _operator(options), pace, self._spoken_to, self._followed)
        self._url = f"http://{settings.console.host}:{options.port}/inbox/{OUTBOUND}"
        self._events = 0.0
        self._rate = 0.0
        self._counted_at = time.monotonic()

    def run(self) -> dict[str, object]:
        self._wait_for_worker()
        self._feed.start()
        try:
            figures = self._watch_headless() if self._options.headless else self._watch_live()
        finally:
            self._feed.stop()
            self._feed.join()
            self._spoken_to.close()
            self._redis.close()
        told = self._summary(figures)
        return {**told, **proof(self._settings)} if self._options.headless else told

    def _followed(self, day_ms: int) -> bool:
        """Whether staff and dialer live at most `LAG_MS` behind: who sees only every fifth day calls nobody in time.

        The stream's time moves at least once a day, when all lines are looked at.
        """
        with suppress(redis.RedisError):
            return self._clock.now_ms() >= day_ms - LAG_MS or day_ms - LAG_MS <= START_MS
        return True

    def _wait_for_worker(self) -> None:
        """The worker must have its partitions before the stream starts, or it begins by catching up."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._look().total("churnwatch_partitions") == 0:
            if time.monotonic() > deadline:
                raise UserError(f"the worker has no partitions yet; its log is {self._processes.log_of('worker')}")
            time.sleep(REFRESH_S / 5)

    def _watch_headless(self) -> Figures:
        quiet_since: float | None = None
        progress, progressed_s = -1.0, time.monotonic()
        while True:
            figures = self._look()
            now = time.monotonic()
            applied = figures.total("churnwatch_records_total")
            if not self._feed.finished or applied > progress:
                progress, progressed_s = applied, now
            through = self._feed.finished and self._is_through(figures)
            quiet_since = (quiet_since or now) if through else None
            if quiet_since is not None and now - quiet_since >= QUIET_S:
                return figures
            if now - progressed_s > DRAIN_TIMEOUT_S:
                raise UserError("the stream got no further; figures so far: " + str(self._summary(figures)))
            time.sleep(REFRESH_S)

    def _is_through(self, figures: Figures) -> bool:
        """Every record that was sent is applied, and the followers have nothing left."""
        applied = figures.total("churnwatch_records_total") >= self._feed.records
        return applied and figures.total("churnwatch_lag_records") == 0

    def _watch_live(self) -> Figures:
        console = Console()
        figures = Figures()
        with Live(console=console, auto_refresh=False) as live:
            try:
                while True:
                    figures = self._look()
                    state = "the stream is through" if self._feed.finished else "streaming"
                    live.update(picture(figures, self._rate, self._url, state), refresh=True)
                    time.sleep(REFRESH_S)
            except KeyboardInterrupt:
                return figures

    def _look(self) -> Figures:
        hopeless = self._processes.revive()
        if hopeless or self._feed.error:
            raise UserError(self._feed.error or self._explain(hopeless[0]))
        figures = self._reader.read(child.metrics_port for child in self._processes.children.values())
        events, now = figures.total("churnwatch_records_total"), time.monotonic()
        self._rate = 0.7 * self._rate + 0.3 * max(0.0, events - self._events) / max(1e-3, now - self._counted_at)
        self._events, self._counted_at = events, now
        return figures

    def _explain(self, name: str) -> str:
        lines = self._processes.log_of(name).read_text(errors="replace").strip().splitlines()
        return f"the process `churnwatch {name}` keeps dying; the end of its log:\n" + "\n".join(lines[-5:])

    def _summary(self, figures: Figures) -> dict[str, object]:
        told = summary(figures, time.monotonic() - self._start_s, sum(self._feed.malformed.values()))
        return {**told, "lines_contacted": dict(self._feed.contacted.most_common())}


@contextmanager
def _processes(options: DemoOptions, environment: dict[str, str], folder: Path, people: Path) -> Iterator[Processes]:
    processes = Processes(environment, folder)
    try:
        processes.start("worker")
        processes.start("trainer")
        processes.start("tasks")
        if options.headless:
            processes.start("dialer", "--simulate", "--seed", str(options.seed), "--people", str(people))
        else:
            processes.start("console", "--port", str(options.port), "--insecure-no-login")
        yield processes
    finally:
        processes.stop()


@contextmanager
def _staff(settings: Settings, seed: int, people: Path) -> Iterator[None]:
    """Simulated account managers work their inboxes while the block runs.

    Nobody works the outbound team's when there is a page: those tasks are left to whoever looks at it.
    """
    stop = threading.Event()
    thread = threading.Thread(
        target=run_staff,
        args=(settings, stop, seed),
        kwargs={"with_callers": False, "people": people},
        name="staff",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _operator(options: DemoOptions) -> OperatorConfig:
    return load_scenario("calm", customers=options.customers, days=options.days, seed=options.seed)


def _speed(options: DemoOptions) -> float:
    return options.days * 86_400 / HEADLESS_STREAM_S if options.headless else 20_000.0


def _demo_environment(options: DemoOptions, folder: Path) -> dict[str, str]:
    return {
        "CHURNWATCH_TASKS__CLOCK": "stream",
        # A second of the demo is more than a day: whatever goes by the clock has to look often.
        "CHURNWATCH_TASKS__SWEEP_EVERY_S": "0.1",
        "CHURNWATCH_WORKER__DATA_DIR": str(folder / "worker"),
        "CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "5",
        # The synthetic operator's time runs ahead of the wall's when the demo is long.
        "CHURNWATCH_ENGINE__CLOCK_TOLERANCE_S": "1000000000",
        "CHURNWATCH_LEARNING__PUBLISH_EVERY_S": "2",
        "CHURNWATCH_CONSOLE__PORT": str(options.port),
        "PYTHONUNBUFFERED": "1",
    }


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from None
