"""What the worker tells Prometheus, per block and per poll."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pipeline.events import ChurnWarning, Stream
from pipeline.metrics import Metrics
from pipeline.partition_task import PartitionTask, Progress

#: So begin the names under which an engine counts labels that it does not take.
LABEL_REFUSED = "label_refused_"


class WorkerMetrics:
    """Fills the worker's part of the catalogue."""

    def __init__(self, metrics: Metrics, now_s: Callable[[], float] = time.time) -> None:
        self._metrics = metrics
        self._now_s = now_s
        self._arrived_s: dict[int, float] = {}
        for stream in Stream:
            metrics.counter("churnwatch_records_total", stream=stream.value).inc(0)

    @contextmanager
    def block(self, stream: Stream, records: int) -> Iterator[None]:
        """Times the decoding, merging and deciding of one block."""
        start = time.perf_counter()
        yield
        self._metrics.counter("churnwatch_engine_seconds_total", stage="block").inc(time.perf_counter() - start)
        self._metrics.counter("churnwatch_records_total", stream=stream.value).inc(records)
        self._metrics.histogram("churnwatch_block_records", stream=stream.value).observe(records)

    def taken(self, partition: int, arrived_s: float, warnings: int) -> None:
        """A block was processed whose last record reached Kafka at this wall time; it led to so many warnings."""
        self._arrived_s[partition] = arrived_s
        for _ in range(warnings):
            self._metrics.histogram("churnwatch_decision_age_seconds").observe(max(0.0, self._now_s() - arrived_s))

    def counted(self, progress: Progress) -> None:
        """What one step decided and refused."""
        counts = progress.effects.counts
        if counts["duplicates"]:
            self._metrics.counter("churnwatch_duplicates_total").inc(counts["duplicates"])
        if counts["late"]:
            self._metrics.counter("churnwatch_late_records_total").inc(counts["late"])
        if counts["snapshots_frozen"]:
            self._metrics.counter("churnwatch_snapshots_frozen_total").inc(counts["snapshots_frozen"])
        for name in [name for name in counts if name.startswith(LABEL_REFUSED)]:
            reason = name.removeprefix(LABEL_REFUSED)
            self._metrics.counter("churnwatch_labels_refused_total", reason=reason).inc(counts[name])
        for warning in progress.effects.warnings:
            self._warning(warning)
        for refused in progress.refused:
            self._metrics.counter(
                "churnwatch_dead_letters_total", stream=refused.stream.value, reason=refused.refusal.reason.value
            ).inc()

    def report(self, tasks: Mapping[int, PartitionTask]) -> None:
        """How far behind, how many lines, what time it is in the stream."""
        lag = dict.fromkeys(Stream, 0)
        known = True
        now_s = self._now_s()
        age_s = 0.0
        for partition, task in tasks.items():
            for stream, source in task.merger.inputs.items():
                known = known and source.end is not None
                waiting = max(0, (source.end or 0) - source.position) + source.buffered
                lag[stream] += waiting
                if waiting:
                    age_s = max(age_s, now_s - self._arrived_s.get(partition, now_s))
        self._metrics.gauge("churnwatch_data_age_seconds").set(age_s)
        for stream, records in lag.items():
            self._metrics.gauge("churnwatch_lag_records", stream=stream.value).set(records if known else float("nan"))
        if tasks:
            newest = min(task.engine.state.newest_ms for task in tasks.values())
            self._metrics.gauge("churnwatch_stream_timestamp_seconds").set(newest / 1000.0)
        self._metrics.gauge("churnwatch_lines").set(sum(len(task.engine.state.lines) for task in tasks.values()))

    def feeds_silent(self, silent_s: Mapping[Stream, float]) -> None:
        """For how long each stream that ever brought a record has brought none."""
        for stream, seconds in silent_s.items():
            self._metrics.gauge("churnwatch_feed_silent_seconds", stream=stream.value).set(seconds)

    def pages_written(self, pages: int) -> None:
        """State pages sent to the changelog."""
        self._metrics.counter("churnwatch_pages_written_total").inc(pages)

    def committed(self, at_s: float) -> None:
        """Offsets were committed at this wall time."""
        self._metrics.gauge("churnwatch_commit_timestamp_seconds").set(at_s)

    def assigned(self, partitions: list[int]) -> None:
        """Partitions came; how far they are behind is not known before the first fetch."""
        for stream in Stream:
            self._metrics.gauge("churnwatch_lag_records", stream=stream.value).set(float("nan"))
        self._arrived_s.clear()
        self._metrics.gauge("churnwatch_partitions").set(len(partitions))

    def rebalanced(self) -> None:
        """Partitions went, to come back or to go to another worker."""
        self._metrics.counter("churnwatch_rebalances_total").inc()
        self._metrics.gauge("churnwatch_partitions").set(0)

    def _warning(self, warning: ChurnWarning) -> None:
        self._metrics.counter("churnwatch_warnings_total", signal=warning.reasons[0], level=warning.level.value).inc()
