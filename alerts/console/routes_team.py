"""The team's board for supervisors."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs
from alerts.console.board_view import raised, team
from alerts.console.context import console_of
from alerts.console.moments import moment
from alerts.console.rows import rows

router = APIRouter()
SEES_ALL = [Depends(Needs(Permission.ALL_TASKS))]
#: So many open tasks are looked at, the most urgent first; a team that has more has another problem.
TASKS_MAX = 5000
SHOWN = 20


@router.get("/team", response_class=HTMLResponse, dependencies=SEES_ALL)
def board(request: Request) -> Response:
    """Load, capacity, overdue and escalated tasks by person; incidents of many customers."""
    console = console_of(request)
    wording = console.pages.wording(request)
    tasks = console.board.open_tasks(limit=TASKS_MAX)
    now_ms = console.board.now_ms()
    shown = team(tasks, now_ms, SHOWN)
    listed = [*shown.escalated, *shown.incidents]
    known = console.board.customers(list({task.account_id for task in listed}))
    owners = [load.owner for load in shown.loads]
    return console.pages.render(
        request, "team.html", loads=shown.loads, counts=console.board.counts(), cut=len(tasks) == TASKS_MAX,
        escalated=list(zip(rows(shown.escalated, known, now_ms, wording), shown.escalated, strict=True)),
        incidents=list(zip(rows(shown.incidents, known, now_ms, wording), shown.incidents, strict=True)),
        room=console.desk.room(owners) if console.desk else {},
        raised=raised, moment=lambda at_ms: moment(at_ms, wording.zone),
    )  # fmt: skip
