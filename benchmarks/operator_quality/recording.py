"""A replay that keeps what our engine saw of every line at every midnight, for others to score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.directory import all_lines, find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.replay import Replay, lines_of_accounts
from churnwatch.backtest.run import lists_of
from models.evaluation.daily_lists import Lists
from models.evaluation.truth import read_truth
from pipeline.events import ChurnWarning, Truth
from pipeline.features.facts import recent_days
from pipeline.partition_task import PartitionTask
from pipeline.policy import SignalPolicy
from pipeline.scoring import episode_strengths, prior_score

COUNT_DAYS = 7
#: Orders that a rule of thumb calls leaving: any rung of the port ladder, a termination.
DECLARING = (
    "port_eligibility_query", "port_code_issued", "port_code_expired", "port_out_order", "termination",
)  # fmt: skip


@dataclass(slots=True)
class Day:
    """The live lines of one midnight: ids, our features, raw counts of the last days, the rule of thumb, and the prior."""

    day_ms: int
    line_ids: list[str] = field(default_factory=list)
    features: list[NDArray[np.float32]] = field(default_factory=list)
    counts: list[NDArray[np.float32]] = field(default_factory=list)
    rule: list[NDArray[np.bool_]] = field(default_factory=list)
    signals: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A replay: our lists, the truth, and what could be seen on each day (rows of `days` in the order of their ids).

    `lines_of`: line ids of each account. `feature_names`: of the columns of `features`.
    """

    lists: Lists
    truths: dict[str, Truth]
    days: Sequence[Day]
    warnings: Sequence[ChurnWarning] = ()
    lines_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    feature_names: Sequence[str] = ()


def record(folder: Path, assignments: Sequence[str] = ()) -> Recording:
    """Replay a directory with our learner and keep everything."""
    parts = parts_with(assignments)
    directory = find_directory(folder)
    replay = Replay(directory, parts)
    hard_columns = [
        place for place, feature in enumerate(parts.features) if feature.name.removeprefix("hard_") in DECLARING
    ]
    days: dict[int, Day] = {}
    for task in replay.tasks:
        _listen(task, days, hard_columns, parts.policy)
    replayed = replay.run(lambda _: None)
    assert directory.truth is not None
    truths = read_truth(all_lines(directory.truth))
    lists = lists_of(replayed, replay.tasks, parts.settings)
    in_order = [days[day_ms] for day_ms in sorted(days)]
    names = [feature.name for feature in parts.features]
    return Recording(lists, truths, in_order, replayed.warnings, lines_of_accounts(replay.tasks), names)


def _listen(task: PartitionTask, days: dict[int, Day], hard_columns: Sequence[int], policy: SignalPolicy) -> None:
    """Stand between the engine and its keeper of labels, who is offered every line at every sweep."""
    keep, state = task.labels.snapshot, task.engine.state

    def snapshot(
        tick_ms: int,
        line_ids: Sequence[str],
        account_ids: Sequence[str],
        features: NDArray[np.float64],
        last_activity_ms: NDArray[np.int64] | None = None,
    ) -> None:
        rows = np.array([state.lines.row_of[line_id] for line_id in line_ids], np.int64)
        day = days.setdefault(tick_ms, Day(tick_ms))
        day.line_ids += line_ids
        day.features.append(features.astype(np.float32))
        day.counts.append(recent_days(state.lines["activity"][rows], tick_ms, COUNT_DAYS).astype(np.float32))
        bills = state.lines["bills"][rows]
        fell = bills[:, -1] < 0.7 * bills[:, -2]
        day.rule.append(fell | (features[:, hard_columns] > 0).any(axis=1))
        day.signals.append(np.array([_prior(task, row, policy) for row in rows.tolist()]))
        keep(tick_ms, line_ids, account_ids, features, last_activity_ms)

    task.labels.snapshot = snapshot  # type: ignore[method-assign]  # the benchmark listens, the engine is as it is


def _prior(task: PartitionTask, row: int, policy: SignalPolicy) -> float:
    """What the signals that are on for a line and its account give: nothing learnt, no circumstances."""
    state = task.engine.state
    account = int(state.lines["account"][row])
    strengths = episode_strengths(state.lines.cases.get(row), state.accounts.cases.get(account))
    return prior_score(strengths, policy)
