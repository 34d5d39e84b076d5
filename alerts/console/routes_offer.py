"""Putting an offer of the playbook before the customer."""

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs
from alerts.console.forms import CheckedForm
from alerts.console.playbook_view import offers_of
from alerts.console.task_answers import answer, visible_task
from alerts.console.visitor import acting

router = APIRouter()


@router.post("/tasks/{task_id:path}/offer", dependencies=[Depends(Needs(Permission.WORK_TASKS))])
def propose(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Propose it; its cost is held in the year's budget until the task ends."""
    task = visible_task(request, task_id)
    desk = offers_of(request)
    if desk is None:
        raise HTTPException(404)
    actor = acting(request, task.owner)
    return answer(
        request, task, desk.propose(task_id, actor, form.fields.get("offer", "")[:64], form.version), form, "offered"
    )
