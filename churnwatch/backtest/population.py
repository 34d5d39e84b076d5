"""Who a partition's replay ended with: its lines, whose they are, and their segments."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.partition_task import PartitionTask
from pipeline.state.catalogue import SEGMENTS


@dataclass(frozen=True, slots=True)
class Population:
    """Lines of one partition by row; `accounts` and `segments` are those of each line."""

    partition: int
    line_ids: list[str]
    accounts: list[str]
    segments: list[str]

    @classmethod
    def of(cls, task: PartitionTask) -> "Population":
        """The lines of a task as they stand."""
        state = task.engine.state
        names = list(state.accounts.ids)
        account_rows = state.lines["account"]
        return cls(
            state.partition,
            list(state.lines.ids),
            [names[account] for account in account_rows.tolist()],
            [SEGMENTS[code] for code in state.accounts["segment"][account_rows].tolist()],
        )


def lines_of_accounts(tasks: Iterable[PartitionTask]) -> dict[str, list[str]]:
    """Line ids of each account, as the engines know them at the end."""
    return lines_by_account([Population.of(task) for task in tasks])


def lines_by_account(populations: Iterable[Population]) -> dict[str, list[str]]:
    """Line ids of each account, in the order of their appearance."""
    found: dict[str, list[str]] = {}
    for population in populations:
        for line_id, account in zip(population.line_ids, population.accounts, strict=True):
            found.setdefault(account, []).append(line_id)
    return found
