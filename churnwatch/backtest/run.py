"""A backtest from a directory to its figures."""

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from churnwatch.backtest.directory import ReplayDirectory, all_lines
from churnwatch.backtest.population import Population, lines_by_account
from churnwatch.backtest.replay import Replay
from churnwatch.backtest.shard import Replayed
from churnwatch.engine_parts import EngineParts
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from models.evaluation.alarms import warned_lines, warnings_hash
from models.evaluation.daily_lists import DAY_MS, Lists
from models.evaluation.report_figures import NEED_TRUTH, Judgement, judge
from models.evaluation.truth import TruthError, read_truth
from pipeline.events import Truth
from pipeline.partition_task import PartitionTask

#: Below this a replay takes less time than starting a process (half a second).
PROCESSES_FROM_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Backtest:
    """Everything that a backtest gave; `judgement` is None without a truth, `segments` are those of the lists' lines."""

    directory: ReplayDirectory
    replayed: Replayed
    lists: Lists
    segments: list[str]
    lines_of: dict[str, list[str]]
    truths: dict[str, Truth]
    judgement: Judgement | None
    seconds: float
    figures: dict[str, object]


def run_backtest(
    directory: ReplayDirectory, parts: EngineParts, after_day: Callable[[int], None], processes: int = 1
) -> Backtest:
    """Replay in so many processes, and judge.

    Raises:
        UserError: a file cannot be read, is out of order, or the truth is none.
    """
    truths = _truths(directory.truth)
    started = time.perf_counter()
    replayed, populations = _replay(directory, parts, after_day, processes)
    seconds = time.perf_counter() - started
    lists = _lists(replayed, populations, parts.settings)
    lines_of = lines_by_account(populations)
    judgement = judge(lists, truths, replayed.warnings, lines_of) if directory.truth is not None else None
    figures = _figures(replayed, lists, lines_of, judgement, seconds, processes)
    segments = list(chain.from_iterable(population.segments for population in populations))
    return Backtest(directory, replayed, lists, segments, lines_of, truths, judgement, seconds, figures)


def processes_for(directory: ReplayDirectory, partitions: int) -> int:
    """One a core, where there is enough to read for starting them to be worth it."""
    if directory.size_bytes() < PROCESSES_FROM_BYTES:
        return 1
    return min(len(os.sched_getaffinity(0)), partitions)


def lists_of(replayed: Replayed, tasks: Sequence[PartitionTask], settings: Settings) -> Lists:
    """The daily lists of a replay over the line ids of all partitions, one after the other."""
    return _lists(replayed, [Population.of(task) for task in tasks], settings)


def _replay(
    directory: ReplayDirectory, parts: EngineParts, after_day: Callable[[int], None], processes: int
) -> tuple[Replayed, list[Population]]:
    if processes > 1:
        from churnwatch.backtest.processes import replay_in_processes

        return replay_in_processes(directory, parts, processes, after_day)
    replay = Replay(directory, parts)
    return replay.run(after_day), replay.populations()


def _lists(replayed: Replayed, populations: Sequence[Population], settings: Settings) -> Lists:
    first_line, lines = {}, 0
    for population in populations:
        first_line[population.partition] = lines
        lines += len(population.line_ids)
    return Lists(
        list(chain.from_iterable(population.line_ids for population in populations)),
        list(replayed.scores.days(first_line)),
        replayed.end_ms,
        settings.engine.horizon_days * DAY_MS,
    )


def write_scores(lists: Lists, path: Path) -> int:
    """Write the daily lists as JSON lines {`day_ms`, `line_id`, `score`}; returns how many.

    Raises:
        UserError: the file cannot be written.
    """
    rows = 0
    encode = msgspec.json.Encoder().encode_lines
    try:
        with path.open("wb") as file:
            for day in lists.days:
                ids: Sequence[str] = [lists.line_ids[line] for line in day.lines.tolist()]
                scores = day.scores.tolist()
                file.write(
                    encode(
                        {"day_ms": day.day_ms, "line_id": line_id, "score": score}
                        for line_id, score in zip(ids, scores, strict=True)
                    )
                )
                rows += len(ids)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose a folder that exists and is yours") from None
    return rows


def _truths(path: Path | None) -> dict[str, Truth]:
    if path is None:
        return {}
    try:
        return read_truth(all_lines(path))
    except TruthError as error:
        raise UserError(f"{path}: {error}; a truth has account_id, line_id, churn_ms and cause") from None


def _figures(
    replayed: Replayed,
    lists: Lists,
    lines_of: dict[str, list[str]],
    judgement: Judgement | None,
    seconds: float,
    processes: int,
) -> dict[str, object]:
    judged = judgement.as_dict() if judgement is not None else dict.fromkeys(NEED_TRUTH)
    return {
        "events": replayed.events,
        "lines": len(lists.line_ids),
        "warnings": len(replayed.warnings),
        "warned_lines": len(warned_lines(replayed.warnings, lines_of)),
        **judged,
        "lists": len(lists.days),
        "dead_letters": sum(replayed.dead_letters.values()),
        "duplicates": replayed.counts["duplicates"],
        "late": replayed.counts["late"],
        "models_published": replayed.models_published,
        "labels_learned": replayed.labels_learned,
        "events_per_s": round(replayed.events / max(seconds, 1e-9)),
        "peak_rss_mb": round(_peak_rss_mb(processes), 1),
        "seconds": round(seconds, 2),
        "warnings_hash": warnings_hash(replayed.warnings),
    }


def _peak_rss_mb(processes: int) -> float:
    """Of all processes together, at most: this one's peak, and that of the largest other for each of the others."""
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + (processes * child if processes > 1 else 0)) / 1024
