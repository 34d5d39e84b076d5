"""The team's board for supervisors."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs, allowed
from alerts.console.board_view import raised, team
from alerts.console.context import console_of
from alerts.console.moments import moment
from alerts.console.owners import known_owners
from alerts.console.rows import rows
from alerts.console.show_customer import did_words

router = APIRouter()
SEES_ALL = [Depends(Needs(Permission.ALL_TASKS))]
#: So many open tasks are looked at, the most urgent first; a team that has more has another problem.
TASKS_MAX = 5000
SHOWN = 20


@router.get("/team", response_class=HTMLResponse, dependencies=SEES_ALL)
def board(request: Request, did: str = "") -> Response:
    """Load, capacity, overdue, escalated and urgent tasks by person; return visits kept; incidents of many customers."""
    console = console_of(request)
    wording = console.pages.wording(request)
    tasks = console.board.open_tasks(limit=TASKS_MAX)
    now_ms = console.board.now_ms()
    shown = team(tasks, now_ms, SHOWN)
    lists = {"escalated": shown.escalated, "urgent": shown.urgent, "incidents": shown.incidents}
    known = console.board.customers(list({task.account_id for listed in lists.values() for task in listed}))
    owners = [load.owner for load in shown.loads]
    return console.pages.render(
        request, "team.html", loads=shown.loads, counts=console.board.counts(), cut=len(tasks) == TASKS_MAX,
        lists={name: list(zip(rows(listed, known, now_ms, wording), listed, strict=True)) for name, listed in lists.items()},
        room=console.desk.room(owners) if console.desk else {},
        visits=console.desk.visits(tasks) if console.desk else {},
        owners=known_owners(request) if allowed(request, Permission.ASSIGN) else [],
        done=did_words(did, wording.texts), raised=raised, moment=lambda at_ms: moment(at_ms, wording.zone),
    )  # fmt: skip
