"""One page of one owner's inbox, gathered from the task board."""

from dataclasses import dataclass
from enum import StrEnum

from alerts.console.config import ConsoleConfig
from alerts.console.live import inbox_mark
from alerts.console.ports import TaskBoard
from alerts.console.rows import Row, Wording, rows
from alerts.tasks import Task, TaskState

#: A search looks through so many tasks of a shelf, the most urgent first.
SEARCHED_MAX = 2000


class Shelf(StrEnum):
    """What part of an inbox is looked at."""

    OPEN = "open"
    NEW = "new"
    ACCEPTED = "accepted"
    WAITING = "waiting"
    CLOSED = "closed"


STATE_OF = {Shelf.NEW: TaskState.NEW, Shelf.ACCEPTED: TaskState.ACCEPTED, Shelf.WAITING: TaskState.WAITING}


@dataclass(frozen=True, slots=True)
class InboxPage:
    """`first` and `last` count from 1; `total` is None where the shelf is not counted (closed tasks).

    `mark` names what the open shelf's first page showed when this page was made ("" on other pages).
    """

    owner: str
    shelf: Shelf
    shelves: list[Shelf]
    rows: list[Row]
    open_total: int
    page: int
    first: int
    last: int
    total: int | None
    more: bool
    mark: str
    wanted: str


def inbox_page(
    board: TaskBoard, owner: str, place: tuple[Shelf, int], wording: Wording, config: ConsoleConfig, wanted: str = ""
) -> InboxPage:
    """`place` is the shelf and the page on it, counted from 1; `wanted`: only tasks whose customer or line has it in its name."""
    shelf, page = place
    size = config.rows_per_page
    offset = (page - 1) * size
    open_total = board.count_open(owner)
    total: int | None
    if wanted:
        matching = _matching(_tasks(board, owner, shelf, SEARCHED_MAX, 0), wanted)
        found, total = matching[offset : offset + size + 1], len(matching)
    else:
        found = _tasks(board, owner, shelf, size + 1, offset)
        total = open_total if shelf is Shelf.OPEN else _total(board, owner, shelf)
    tasks = found[:size]
    first_page = shelf is Shelf.OPEN and page == 1 and not wanted
    return InboxPage(
        owner=owner,
        shelf=shelf,
        shelves=list(Shelf),
        rows=rows(tasks, board.customers(list({task.account_id for task in tasks})), board.now_ms(), wording),
        open_total=open_total,
        page=page,
        first=offset + 1,
        last=offset + len(tasks),
        total=total,
        more=len(found) > size,
        mark=inbox_mark(tasks) if first_page else "",
        wanted=wanted,
    )


def _matching(tasks: list[Task], wanted: str) -> list[Task]:
    sought = wanted.casefold()
    return [task for task in tasks if any(sought in name.casefold() for name in (task.account_id, *task.line_ids))]


def _tasks(board: TaskBoard, owner: str, shelf: Shelf, limit: int, offset: int) -> list[Task]:
    if shelf is Shelf.CLOSED:
        return board.closed_tasks(owner, limit, offset)
    return board.open_tasks(owner, STATE_OF.get(shelf), limit, offset)


def _total(board: TaskBoard, owner: str, shelf: Shelf) -> int | None:
    return None if shelf is Shelf.CLOSED else board.count_open(owner, STATE_OF[shelf])
