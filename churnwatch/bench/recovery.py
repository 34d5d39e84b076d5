"""`churnwatch bench recovery` and `bench memory`: a worker that finds a large state in its changelog."""

import time
from dataclasses import dataclass
from statistics import median

from churnwatch.bench.filling import fill
from churnwatch.bench.load import CallLoad
from churnwatch.bench.prepared import prepared_feed, write_changelog
from churnwatch.bench.processes import WORKER, Subject, running
from churnwatch.bench.setting import Setting, bench_setting

RECORDS = "churnwatch_records_total"
LINES = "churnwatch_lines"
COMMIT = "churnwatch_commit_timestamp_seconds"
PARTITIONS = "churnwatch_partitions"
TIMEOUT_S = 300.0
COMMIT_S = 5.0
LOOK_S = 0.2
#: Records that the recovered worker is given, so that there is a block to process, pages to save and buffers in use.
FRESH_RECORDS = 100_000


@dataclass(frozen=True, slots=True)
class RecoveryFigures:
    """`seconds` from the start of the process to its first processed block."""

    lines: int
    changelog_megabytes: float
    seconds: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """Resident memory of a worker with its lines beyond that of one without, by line; `peak`: the largest since its start."""

    lines: int
    ids_per_line: float
    empty_megabytes: float
    worker_megabytes: float
    bytes_per_line: float
    peak_bytes_per_line: float


def bench_recovery(lines: int, ids_per_line_day: float) -> RecoveryFigures:
    """Start a worker on a prepared changelog."""
    with bench_setting({}) as setting:
        saved = _prepare(setting, lines, ids_per_line_day)
        started = time.monotonic()
        with running("worker", WORKER, setting.environment, setting.folder) as subject:
            first = subject.wait_for(RECORDS, 1, TIMEOUT_S)
            cpu_s = subject.cpu_s()
            subject.wait_for(LINES, lines, TIMEOUT_S)
            subject.stop()
    return RecoveryFigures(lines, round(saved / 1e6, 1), round(first - started, 2), round(cpu_s, 2))


def bench_memory(lines: int, ids_per_line_day: float) -> MemoryFigures:
    """Compare a worker with nothing and one with these lines, after both have saved."""
    with bench_setting({"CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": f"{COMMIT_S:g}"}) as setting:
        with running("empty", WORKER, setting.environment, setting.folder) as subject:
            subject.wait_for(PARTITIONS, 1, TIMEOUT_S)
            empty = _settled_rss(subject)
            subject.stop()
        _prepare(setting, lines, ids_per_line_day)
        with running("worker", WORKER, setting.environment, setting.folder) as subject:
            subject.wait_for(RECORDS, FRESH_RECORDS, TIMEOUT_S)
            full = _settled_rss(subject)
            peak = subject.peak_rss_bytes()
            subject.stop()
    return MemoryFigures(
        lines=lines,
        ids_per_line=3 * ids_per_line_day,
        empty_megabytes=round(empty / 1e6, 1),
        worker_megabytes=round(full / 1e6, 1),
        bytes_per_line=round((full - empty) / lines, 1),
        peak_bytes_per_line=round((peak - empty) / lines, 1),
    )


def _prepare(setting: Setting, lines: int, ids_per_line_day: float) -> int:
    feed = prepared_feed(setting.settings, lines, ids_per_line_day)
    saved = write_changelog(setting.settings, "worker", feed.tasks)
    fresh = CallLoad(lines, FRESH_RECORDS, midnight_at=-0.5, first_record=lines)
    fill(setting.settings, "cdr", fresh.pairs())
    return saved


def _settled_rss(subject: Subject) -> int:
    """Resident memory after two more commits: the median over the time from one to the next."""
    for _ in range(2):
        subject.wait_for(COMMIT, subject.figure(COMMIT) + 0.001, TIMEOUT_S)
    looks = []
    for _ in range(int(COMMIT_S / LOOK_S)):
        looks.append(subject.rss_bytes())
        time.sleep(LOOK_S)
    return int(median(looks))
