"""The production worker: settings -> Faust app with the pipeline's shell in it."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import faust
import structlog

from churnwatch.clients import wait_for_kafka
from churnwatch.compiled_start import load_compiled
from churnwatch.control_reader import ControlReader
from churnwatch.daily_list_file import DailyListFile
from churnwatch.engine_parts import EngineParts, engine_parts
from churnwatch.errors import UserError
from churnwatch.model_reader import ModelReader
from churnwatch.repeated_logs import tell_once
from churnwatch.rules_reader import RulesReader
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.agents import Shell, Topics
from pipeline.dead_letter_limit import DeadLetterLimit
from pipeline.events import Stream
from pipeline.feed_watch import FeedWatch
from pipeline.metrics import Metrics
from pipeline.partition_task import PartitionTask
from pipeline.policy import SignalPolicy
from pipeline.ports import Scorer
from pipeline.worker_metrics import WorkerMetrics

#: A worker that cannot save its state within this time leaves without; what is not saved is read again.
LEAVE_TIMEOUT_S = 6.0
#: Faust's own stopping is given so long after that.
STOP_TIMEOUT_S = 3.0
#: Four pages of state a batch, below what a broker takes at once: one page a batch spent the time of a save waiting.
BATCH_BYTES = 900_000
#: While the broker is away aiokafka tells so a hundred times a second.
REPEAT_S = 10.0

log = structlog.get_logger()
MakeTask = Callable[[int, Mapping[bytes, bytes], Mapping[Stream, int]], PartitionTask]


class WorkerApp(faust.App):
    """A Faust app that saves and commits before it stops."""

    shell: Shell
    readers: Sequence[ControlReader]

    async def on_stop(self) -> None:
        """SIGTERM: save the state, commit, then let Faust stop its parts."""
        await self.shell.close(LEAVE_TIMEOUT_S)
        self._leave_at_last()
        await asyncio.gather(*(reader.stop() for reader in self.readers))
        await super().on_stop()

    def _leave_at_last(self) -> None:
        """Faust waits for the broker when it stops its parts; by now there is nothing to wait for."""
        timer = threading.Timer(STOP_TIMEOUT_S, self._end_process)
        timer.daemon = True
        timer.start()

    def _end_process(self) -> None:
        failure = self.shell.failure
        log.warning("worker.left", problem=failure or "everything is saved, but Faust did not stop in time")
        if failure:
            sys.stderr.write(f"churnwatch: the worker stopped: {failure}\n")
        sys.stderr.flush()
        os._exit(1 if failure else 0)


def build_app(settings: Settings, metrics: Metrics) -> WorkerApp:
    """The worker's Faust app, ready to run.

    Raises:
        PolicyError: the signal policy cannot be used.
    """
    parts = engine_parts(settings)
    load_compiled(parts.make_task(0, {}, {}), len(parts.features))
    app = WorkerApp(
        f"{settings.kafka.topic_prefix}-{settings.worker.id}",
        broker=[f"kafka://{address}" for address in settings.kafka.bootstrap.split(",")],
        datadir=settings.worker.data_dir,
        store="memory://",
        topic_partitions=settings.kafka.partitions,
        topic_replication_factor=settings.kafka.replication,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        broker_session_timeout=settings.kafka.session_timeout_s,
        broker_heartbeat_interval=settings.kafka.heartbeat_s,
        broker_rebalance_timeout=max(30.0, settings.kafka.session_timeout_s),
        broker_commit_interval=max(1.0, settings.engine.commit_interval_s),
        broker_max_poll_interval=600.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=settings.kafka.fetch_bytes,
        producer_linger=0.005,
        producer_max_batch_size=BATCH_BYTES,
        producer_max_request_size=2_000_000,
        stream_recovery_delay=0.0,
        stream_wait_empty=True,
    )
    app.readers = (
        ModelReader(settings, parts, metrics, lambda scorer, since: _use_model(parts, app.shell, scorer, since)),
        RulesReader(
            settings, parts.policy, metrics, lambda policy, since: _use_policy(parts, app.shell, policy, since)
        ),
    )
    app.shell = Shell(
        app=app,
        topics=topics_of(settings),
        make_task=parts.make_task if settings.worker.scores_dir is None else _listed(parts, settings.worker.scores_dir),
        ready=lambda: _all_ready(app.readers),
        metrics=WorkerMetrics(metrics),
        limit=DeadLetterLimit(settings.worker.dead_letter_share_max, settings.worker.dead_letter_window_records),
        commit_interval_s=settings.engine.commit_interval_s,
        stall_timeout_s=settings.worker.stall_timeout_s,
        feeds=FeedWatch(settings.worker.feed_silence_s),
    )
    app.shell.attach(settings.kafka.partitions)
    return app


def _listed(parts: EngineParts, folder: Path) -> MakeTask:
    """Tasks that write their daily lists as well."""

    def make_task(partition: int, stored: Mapping[bytes, bytes], earliest: Mapping[Stream, int]) -> PartitionTask:
        task = parts.make_task(partition, stored, earliest)
        task.engine.observe_sweeps(DailyListFile(folder, task.engine.state))
        return task

    return make_task


def topics_of(settings: Settings) -> Topics:
    """Full names of the worker's topics."""
    return Topics(
        inputs={settings.topic(stream.value): stream for stream in Stream},
        warnings=settings.topic("warnings"),
        views=settings.topic("line-views"),
        examples=settings.topic("examples"),
        dead_letters=settings.topic("dead-letters"),
    )


def run_worker(
    settings: Settings, metrics: Metrics, make_app: Callable[[Settings, Metrics], WorkerApp] = build_app
) -> None:
    """Run until SIGTERM or SIGINT. `make_app`: what benches put in the place of the whole worker.

    Raises:
        UserError: no broker, or the worker had to stop; the message says why.
    """
    _make_data_dir(settings.worker.data_dir)
    wait_for_kafka(settings)
    ensure_topics(settings)
    app = make_app(settings, metrics)
    worker = faust.Worker(app, loglevel=logging.WARNING, quiet=True, redirect_stdouts=False, daemon=True)
    tell_once("aiokafka", REPEAT_S)
    _leave_out_of_collections()
    log.info("worker.started", id=settings.worker.id, kafka=settings.kafka.bootstrap)
    code = _run(worker)
    if app.shell.failure:
        raise UserError(f"the worker stopped: {app.shell.failure}")
    if code:
        raise UserError(f"the worker stopped with code {code}; the log above says why")
    log.info("worker.stopped")


def _leave_out_of_collections() -> None:
    """What is imported stays for ever: a hundred thousand objects that made each full collection hold up orders for 90 ms."""
    gc.collect()
    gc.freeze()


def _make_data_dir(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder} (worker.data_dir): {error.strerror}") from None


def _run(worker: Any) -> int:
    """Faust's worker ends the process by SystemExit; its code is wanted here."""
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stderr.flush()
    return 0


def _use_model(parts: EngineParts, shell: Shell, scorer: Scorer, counts_from_ms: int) -> None:
    parts.add_model(scorer, counts_from_ms)
    for task in shell.tasks.values():
        task.engine.use_model(scorer, counts_from_ms)


def _use_policy(parts: EngineParts, shell: Shell, policy: SignalPolicy, counts_from_ms: int) -> None:
    parts.policies.append((policy, counts_from_ms))
    for task in shell.tasks.values():
        task.engine.use_policy(policy, counts_from_ms)
        if counts_from_ms <= task.engine.state.clock_ms:
            log.warning("rules.late", counts_from_ms=counts_from_ms, clock_ms=task.engine.state.clock_ms)


async def _all_ready(readers: Sequence[ControlReader]) -> None:
    await asyncio.gather(*(reader.ready() for reader in readers))
