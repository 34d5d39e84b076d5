"""How much of everything an installation needs for so many lines: the arithmetic of docs/operations/scale.md. Pure."""

import math
from dataclasses import dataclass

GIB = 2**30
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured (docs/performance.md, docs/tasks.md, `benchmarks/console.py`, ADR 86); bytes, seconds, records."""

    worker_records_per_s: float = 173_741
    worker_line_bytes: float = 989
    worker_line_bytes_peak: float = 2_229
    record_bytes: float = 290
    customer_bytes: float = 670
    view_bytes: float = 920
    task_bytes: float = 2_950
    happenings_bytes: float = 316
    warnings_per_s: float = 2_615


@dataclass(frozen=True, slots=True)
class Assumed:
    """What differs from operator to operator; set your own.

    Attributes:
        records_per_line_day: calls, messages and data sessions of a line a day. `busiest`: the busiest hour over the mean.
        headroom: a worker is planned at this share of what it was measured at, so that it catches up after a stop.
        lines_per_account: on average. `watched`: share of lines with something on, each with a view in Redis.
        open_share: share of accounts with an open task.
        replication: copies in Kafka. `days`: the retention of the call records. `base_bytes`: a worker without lines.
    """

    records_per_line_day: float = 25
    busiest: float = 2.5
    headroom: float = 0.5
    lines_per_account: float = 1.6
    watched: float = 0.10
    open_share: float = 0.01
    replication: int = 3
    days: float = 7
    base_bytes: float = 0.3 * GIB
    lines_per_worker: float = 2_500_000
    lines_per_partition: float = 500_000


@dataclass(frozen=True, slots=True)
class Sizing:
    """What an installation needs."""

    lines: int
    records_per_s: float
    peak_per_s: float
    workers: int
    partitions: int
    worker_gib: float
    state_gib: float
    topic_gib: float
    redis_gib: float


MEASURED, ASSUMED = Measured(), Assumed()


def sizing(lines: int, measured: Measured = MEASURED, assumed: Assumed = ASSUMED) -> Sizing:
    """What so many lines need.

    >>> sizing(1_000_000).workers
    1
    """
    mean = lines * assumed.records_per_line_day / DAY_S
    peak = mean * assumed.busiest
    by_speed = peak / (measured.worker_records_per_s * assumed.headroom)
    workers = max(1, math.ceil(max(by_speed, lines / assumed.lines_per_worker)))
    partitions = max(8, _power_of_two(max(2 * workers, lines / assumed.lines_per_partition)))
    accounts = lines / assumed.lines_per_account
    redis = (
        accounts * (measured.customer_bytes + measured.happenings_bytes)
        + lines * assumed.watched * measured.view_bytes
        + accounts * assumed.open_share * measured.task_bytes
    )
    return Sizing(
        lines=lines,
        records_per_s=mean,
        peak_per_s=peak,
        workers=workers,
        partitions=partitions,
        worker_gib=(assumed.base_bytes + lines / workers * measured.worker_line_bytes_peak) / GIB,
        state_gib=2 * lines * measured.worker_line_bytes * assumed.replication / GIB,
        topic_gib=lines
        * assumed.records_per_line_day
        * measured.record_bytes
        * assumed.days
        * assumed.replication
        / GIB,
        redis_gib=redis / GIB,
    )


def _power_of_two(at_least: float) -> int:
    return 1 << math.ceil(math.log2(max(1.0, at_least)))
