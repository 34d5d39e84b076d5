"""What changes something: accept, record an outcome, write a note, say who you are. POST only, token checked."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Claimed, Needs, require_task
from alerts.console.cards import OFFERED, Typed
from alerts.console.context import console_of
from alerts.console.customer_view import Wish
from alerts.console.forms import ActionForm, CheckedForm
from alerts.console.own_path import own_path
from alerts.console.refusals import refusal_words
from alerts.console.rows import customer_href
from alerts.console.show_customer import show_customer
from alerts.console.visitor import ACTING_ROLES, acting, parse_actor, remember_actor
from alerts.tasks import Refusal, RefusalReason, Task
from pipeline.events import Disposition

router = APIRouter()
WITHOUT_LOGIN = [Depends(Claimed())]
WORKS_TASKS = [Depends(Needs(Permission.WORK_TASKS))]


@router.post("/tasks/{task_id:path}/accept", dependencies=WORKS_TASKS)
def accept(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Take a task; a second person is told who was quicker."""
    task = _task(request, task_id)
    result = console_of(request).board.accept(task_id, acting(request, task.owner), form.version)
    return _answer(request, task, result, form, "accepted")


@router.post("/tasks/{task_id:path}/outcome", dependencies=WORKS_TASKS)
def outcome(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Record how a contact ended, with what the customer said."""
    task = _task(request, task_id)
    if form.disposition not in {str(disposition) for disposition in OFFERED}:
        return _problem(request, task, form, "refusal.choose_disposition")
    board, actor = console_of(request).board, acting(request, task.owner)
    result = board.record_disposition(task_id, actor, Disposition(form.disposition), form.note, form.version)
    return _answer(request, task, result, form, form.disposition)


@router.post("/tasks/{task_id:path}/note", dependencies=WORKS_TASKS)
def note(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Write something down without ending anything."""
    task = _task(request, task_id)
    if not form.note:
        return _problem(request, task, form, "refusal.empty_note")
    result = console_of(request).board.add_note(task_id, acting(request, task.owner), form.note, form.version)
    return _answer(request, task, result, form, "noted")


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


def _task(request: Request, task_id: str) -> Task:
    task = console_of(request).board.get(task_id)
    if task is None:
        raise HTTPException(404)
    require_task(request, task)
    return task


def _answer(request: Request, task: Task, result: Task | Refusal, form: ActionForm, did: str) -> Response:
    """Done: to the customer's page by GET, so that reloading does not act again. Refused: the page says why."""
    if isinstance(result, Task):
        return RedirectResponse(f"{customer_href(task.account_id)}?did={quote(did)}", 303)
    wording = console_of(request).pages.wording(request)
    words = refusal_words(result, acting(request, task.owner), wording.texts)
    status = 422 if result.reason is RefusalReason.NOTE_TOO_LONG else 409
    return _shown_again(request, task, form, words, status)


def _problem(request: Request, task: Task, form: ActionForm, key: str) -> Response:
    words = console_of(request).pages.wording(request).texts(key)
    return _shown_again(request, task, form, words, 422)


def _shown_again(request: Request, task: Task, form: ActionForm, words: str, status: int) -> Response:
    wish = Wish(typed={task.task_id: Typed(form.disposition, form.note)})
    return show_customer(request, task.account_id, wish, problem=words, status=status)
