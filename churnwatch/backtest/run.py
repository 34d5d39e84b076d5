"""A backtest from a directory to its figures."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from churnwatch.backtest.directory import ReplayDirectory, all_lines
from churnwatch.backtest.replay import Replay, Replayed, lines_of_accounts
from churnwatch.engine_parts import EngineParts
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from models.evaluation.alarms import warned_lines, warnings_hash
from models.evaluation.daily_lists import DAY_MS, Lists
from models.evaluation.report_figures import NEED_TRUTH, Judgement, judge
from models.evaluation.truth import TruthError, read_truth
from pipeline.events import Truth
from pipeline.partition_task import PartitionTask
from pipeline.state.catalogue import SEGMENTS
from pipeline.state.partition import PartitionState


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


def run_backtest(directory: ReplayDirectory, parts: EngineParts, after_day: Callable[[int], None]) -> Backtest:
    """Replay and judge.

    Raises:
        UserError: a file cannot be read, is out of order, or the truth is none.
    """
    truths = _truths(directory.truth)
    started = time.perf_counter()
    replay = Replay(directory, parts)
    replayed = replay.run(after_day)
    seconds = time.perf_counter() - started
    lists = lists_of(replayed, replay.tasks, parts.settings)
    lines_of = lines_of_accounts(replay.tasks)
    judgement = judge(lists, truths, replayed.warnings, lines_of) if directory.truth is not None else None
    figures = _figures(replayed, lists, lines_of, judgement, seconds)
    segments = [SEGMENTS[code] for task in replay.tasks for code in _segment_codes(task.engine.state)]
    return Backtest(directory, replayed, lists, segments, lines_of, truths, judgement, seconds, figures)


def lists_of(replayed: Replayed, tasks: Sequence[PartitionTask], settings: Settings) -> Lists:
    """The daily lists of a replay over the line ids of all partitions, one after the other."""
    states = [task.engine.state for task in tasks]
    ids = [state.lines.ids for state in states]
    accounts = [[state.accounts.ids[account] for account in state.lines["account"].tolist()] for state in states]
    return Lists(
        [line_id for part in ids for line_id in part],
        list(replayed.scores.days(ids, accounts)),
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


def _segment_codes(state: PartitionState) -> list[int]:
    codes: list[int] = state.accounts["segment"][state.lines["account"]].tolist()
    return codes


def _truths(path: Path | None) -> dict[str, Truth]:
    if path is None:
        return {}
    try:
        return read_truth(all_lines(path))
    except TruthError as error:
        raise UserError(f"{path}: {error}; a truth has account_id, line_id, churn_ms and cause") from None


def _figures(
    replayed: Replayed, lists: Lists, lines_of: dict[str, list[str]], judgement: Judgement | None, seconds: float
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
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "seconds": round(seconds, 2),
        "warnings_hash": warnings_hash(replayed.warnings),
    }
