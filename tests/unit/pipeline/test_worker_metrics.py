"""How old the worker says its data is."""

from collections import Counter
from types import SimpleNamespace
from typing import cast

import pytest

from pipeline.effects import Effects
from pipeline.events import Stream
from pipeline.merge import Merger
from pipeline.metrics import Metrics
from pipeline.partition_task import PartitionTask, Progress
from pipeline.worker_metrics import LABEL_REFUSED, WorkerMetrics

NOW_S = 1_800_000_000.0


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def worker(metrics: Metrics) -> WorkerMetrics:
    return WorkerMetrics(metrics, now_s=lambda: NOW_S)


def task_with(waiting: int) -> PartitionTask:
    """A partition in which so many call records are still in Kafka."""
    merger = Merger({}, idle_s=0.2, buffer_max=1000)
    for source in merger.inputs.values():
        source.end = 0
    merger.inputs[Stream.CDR].end = waiting
    state = SimpleNamespace(newest_ms=0, lines={})
    return cast(PartitionTask, SimpleNamespace(merger=merger, engine=SimpleNamespace(state=state)))


def told(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


def test_data_is_as_old_as_the_partition_that_is_furthest_behind(worker: WorkerMetrics, metrics: Metrics) -> None:
    worker.taken(0, NOW_S - 5, warnings=0)
    worker.taken(1, NOW_S - 60, warnings=0)

    worker.report({0: task_with(waiting=10), 1: task_with(waiting=1)})

    assert told(metrics, "churnwatch_data_age_seconds") == 60


def test_data_has_no_age_when_nothing_waits(worker: WorkerMetrics, metrics: Metrics) -> None:
    worker.taken(0, NOW_S - 3600, warnings=0)

    worker.report({0: task_with(waiting=0)})

    assert told(metrics, "churnwatch_data_age_seconds") == 0


def test_refused_labels_are_counted_by_reason_and_lines_left_out_of_learning(
    worker: WorkerMetrics, metrics: Metrics
) -> None:
    progress = Progress(Effects(counts=Counter({f"{LABEL_REFUSED}too_old": 3, "late": 1, "snapshots_frozen": 7})), [])

    worker.counted(progress)

    assert metrics.registry.get_sample_value("churnwatch_labels_refused_total", {"reason": "too_old"}) == 3
    assert told(metrics, "churnwatch_snapshots_frozen_total") == 7


def test_each_warning_tells_the_age_of_its_decision(worker: WorkerMetrics, metrics: Metrics) -> None:
    worker.taken(0, NOW_S - 2, warnings=3)

    assert told(metrics, "churnwatch_decision_age_seconds_count") == 3
    assert told(metrics, "churnwatch_decision_age_seconds_sum") == 6.0
