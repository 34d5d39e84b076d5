"""A replay that keeps what our engine saw of every line at every midnight, for others to score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.backtest.directory import all_lines, find_directory
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.replay import Replay, lines_of_accounts
from churnwatch.backtest.run import lists_of
from models.evaluation.daily_lists import Lists
from models.evaluation.truth import INVOLUNTARY, read_truth
from pipeline.apply_records import CHURN_ORDERS
from pipeline.customer_kinds import KINDS, kind_codes
from pipeline.events import ChurnWarning, Truth
from pipeline.features.facts import recent_days
from pipeline.partition_task import PartitionTask
from pipeline.policy import SignalPolicy
from pipeline.scoring import episode_strengths, prior_score
from pipeline.state.table import ColumnTable

COUNT_DAYS = 7
#: Orders that a rule of thumb calls leaving: any rung of the port ladder, a termination.
DECLARING = (
    "port_eligibility_query", "port_code_issued", "port_code_expired", "port_out_order", "termination",
)  # fmt: skip


Untold = tuple[str, str | None, str, int]


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

    `lines_of`: line ids of each account. `feature_names`: of the columns of `features`. `untold`: beginnings of episodes that
    are evidence only, as (account, line or None, signal, time). `kind_of`: kind of customer of each account. `silent`: lines that
    left by falling silent, which nobody knows for 40 days (CONTRACT.md section 3).
    """

    lists: Lists
    truths: dict[str, Truth]
    days: Sequence[Day]
    warnings: Sequence[ChurnWarning] = ()
    lines_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    feature_names: Sequence[str] = ()
    untold: Sequence[Untold] = ()
    kind_of: Mapping[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()


def record(folder: Path, assignments: Sequence[str] = ()) -> Recording:
    """Replay a directory with our learner and keep everything."""
    parts = parts_with(assignments)
    directory = find_directory(folder)
    replay = Replay(directory, parts)
    hard_columns = [
        place for place, feature in enumerate(parts.features) if feature.name.removeprefix("hard_") in DECLARING
    ]
    days: dict[int, Day] = {}
    untold: set[Untold] = set()
    for task in replay.tasks:
        _listen(task, days, hard_columns, parts.policy, untold)
    replayed = replay.run(lambda _: None)
    assert directory.truth is not None
    truths = read_truth(all_lines(directory.truth))
    lists = lists_of(replayed, replay.tasks, parts.settings)
    in_order = [days[day_ms] for day_ms in sorted(days)]
    names = [feature.name for feature in parts.features]
    kinds = {
        account: KINDS[code]
        for task in replay.tasks
        for account, code in zip(*_kinds(task.engine.state.accounts), strict=True)
    }
    return Recording(
        lists, truths, in_order, replayed.warnings, lines_of_accounts(replay.tasks), names, sorted(untold, key=str),
        kinds, _fell_silent(folder, truths),
    )  # fmt: skip


def _kinds(accounts: ColumnTable) -> tuple[list[str], list[int]]:
    rows = np.arange(len(accounts))
    return accounts.ids.of_rows(rows), kind_codes(accounts, rows).tolist()


def _fell_silent(folder: Path, truths: Mapping[str, Truth]) -> frozenset[str]:
    """Lines that left by their own will and without an order that says so."""
    orders = map(msgspec.json.decode, (folder / "orders.jsonl").read_bytes().splitlines())
    said = {order.get("line_id") for order in orders if order.get("kind") in CHURN_ORDERS}
    return frozenset(line for line, truth in truths.items() if truth.cause != INVOLUNTARY and line not in said)


def _note_untold(task: PartitionTask, untold: set[Untold]) -> None:
    """Episodes that are evidence only, as they stand at a midnight."""
    state = task.engine.state
    for table, is_line in ((state.lines, True), (state.accounts, False)):
        for row, case in table.cases.items():
            for name, episode in case.episodes.items():
                if not episode.told:
                    account = state.accounts.ids[int(state.lines["account"][row])] if is_line else table.ids[row]
                    untold.add((account, table.ids[row] if is_line else None, name, episode.began_ms))


def _listen(
    task: PartitionTask,
    days: dict[int, Day],
    hard_columns: Sequence[int],
    policy: SignalPolicy,
    untold: set[Untold],
) -> None:
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
        _note_untold(task, untold)
        keep(tick_ms, line_ids, account_ids, features, last_activity_ms)

    task.labels.snapshot = snapshot  # type: ignore[method-assign]  # the benchmark listens, the engine is as it is


def _prior(task: PartitionTask, row: int, policy: SignalPolicy) -> float:
    """What the signals that are on for a line and its account give: nothing learnt, no circumstances."""
    state = task.engine.state
    account = int(state.lines["account"][row])
    strengths = episode_strengths(state.lines.cases.get(row), state.accounts.cases.get(account))
    return prior_score(strengths, policy)
