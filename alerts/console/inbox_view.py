"""One page of one owner's inbox, gathered from the task board."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

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
class Sought:
    """What a visitor narrowed an inbox to; empty: everything. `name`: part of a customer's or line's."""

    name: str = ""
    level: str = ""
    group: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.level or self.group)

    def holds(self, task: Task) -> bool:
        sought = self.name.casefold()
        named = not sought or any(sought in name.casefold() for name in (task.account_id, *task.line_ids))
        return named and self.level in ("", task.level) and self.group in ("", task.reason_group)

    def query(self) -> str:
        """The same for a link, beginning with "&"; empty for everything.

        >>> Sought("A 1", "critical").query()
        '&q=A+1&level=critical'
        """
        found = {"q": self.name, "level": self.level, "group": self.group}
        return "".join(f"&{urlencode({key: value})}" for key, value in found.items() if value)


EVERYTHING = Sought()


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
    wanted: Sought


def inbox_page(
    board: TaskBoard,
    owner: str,
    place: tuple[Shelf, int],
    wording: Wording,
    config: ConsoleConfig,
    wanted: Sought = EVERYTHING,
) -> InboxPage:
    """`place` is the shelf and the page on it, counted from 1."""
    shelf, page = place
    size = config.rows_per_page
    offset = (page - 1) * size
    open_total = board.count_open(owner)
    total: int | None
    if wanted:
        matching = [task for task in _tasks(board, owner, shelf, SEARCHED_MAX, 0) if wanted.holds(task)]
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


def _tasks(board: TaskBoard, owner: str, shelf: Shelf, limit: int, offset: int) -> list[Task]:
    if shelf is Shelf.CLOSED:
        return board.closed_tasks(owner, limit, offset)
    return board.open_tasks(owner, STATE_OF.get(shelf), limit, offset)


def _total(board: TaskBoard, owner: str, shelf: Shelf) -> int | None:
    return None if shelf is Shelf.CLOSED else board.count_open(owner, STATE_OF[shelf])
