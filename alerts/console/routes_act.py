"""What changes something: accept, record an outcome, write a note, say who you are. POST only, token checked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Claimed, Needs
from alerts.console.cards import OFFERED
from alerts.console.context import console_of
from alerts.console.forms import CheckedForm
from alerts.console.own_path import own_path
from alerts.console.task_answers import answer, problem, visible_task
from alerts.console.visitor import ACTING_ROLES, acting, parse_actor, remember_actor
from pipeline.events import Disposition

router = APIRouter()
WITHOUT_LOGIN = [Depends(Claimed())]
WORKS_TASKS = [Depends(Needs(Permission.WORK_TASKS))]


@router.post("/tasks/{task_id:path}/accept", dependencies=WORKS_TASKS)
def accept(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Take a task; a second person is told who was quicker."""
    task = visible_task(request, task_id)
    result = console_of(request).board.accept(task_id, acting(request, task.owner), form.version)
    return answer(request, task, result, form, "accepted")


@router.post("/tasks/{task_id:path}/outcome", dependencies=WORKS_TASKS)
def outcome(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Record how a contact ended, with what the customer said."""
    task = visible_task(request, task_id)
    if form.disposition not in {str(disposition) for disposition in OFFERED}:
        return problem(request, task, form, "refusal.choose_disposition")
    board, actor = console_of(request).board, acting(request, task.owner)
    result = board.record_disposition(task_id, actor, Disposition(form.disposition), form.note, form.version)
    return answer(request, task, result, form, form.disposition)


@router.post("/tasks/{task_id:path}/note", dependencies=WORKS_TASKS)
def note(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Write something down without ending anything."""
    task = visible_task(request, task_id)
    if not form.note:
        return problem(request, task, form, "refusal.empty_note")
    result = console_of(request).board.add_note(task_id, acting(request, task.owner), form.note, form.version)
    return answer(request, task, result, form, "noted")


@router.get("/actor", response_class=HTMLResponse, dependencies=WITHOUT_LOGIN)
def choose_actor(request: Request, then: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """The form that asks who is there."""
    pages = console_of(request).pages
    return pages.render(request, "actor.html", roles=ACTING_ROLES, problem="", then=own_path(then))


@router.post("/actor", dependencies=WITHOUT_LOGIN)
def become(request: Request, form: CheckedForm) -> Response:
    """Act under another name from now on."""
    pages = console_of(request).pages
    actor = parse_actor(f"{form.fields.get('role', '')}:{form.fields.get('name', '').strip()}")
    then = own_path(form.fields.get("then", "/"))
    if actor is None:
        words = pages.wording(request).texts("actor.wrong")
        return pages.render(request, "actor.html", 422, roles=ACTING_ROLES, problem=words, then=then)
    response = RedirectResponse(then, 303)
    remember_actor(request, response, actor)
    return response
