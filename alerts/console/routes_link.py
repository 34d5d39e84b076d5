"""The link in a message: it names a task and nothing of its customer, and leads to the customer's page."""

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs, require_task
from alerts.console.context import console_of
from alerts.console.rows import customer_href

router = APIRouter()


@router.get("/t/{task_id}", dependencies=[Depends(Needs(Permission.OWN_TASKS, Permission.ALL_TASKS))])
def follow(request: Request, task_id: str) -> Response:
    """To the task on its customer's page."""
    task = console_of(request).board.get(task_id)
    if task is None:
        raise HTTPException(404)
    require_task(request, task)
    return RedirectResponse(f"{customer_href(task.account_id)}#task-{task.task_id}", 303)
