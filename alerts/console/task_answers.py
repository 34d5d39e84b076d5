"""How an action on one task is answered: done, refused with the reason, or asked again with what was typed."""

from urllib.parse import quote

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from alerts.console.access import require_task
from alerts.console.cards import Typed
from alerts.console.context import console_of
from alerts.console.customer_view import Wish
from alerts.console.forms import ActionForm
from alerts.console.refusals import refusal_words
from alerts.console.rows import customer_href
from alerts.console.show_customer import show_customer
from alerts.console.visitor import acting
from alerts.tasks import Refusal, RefusalReason, Task

#: The one other page that has forms of tasks.
BOARD = "/team"


def visible_task(request: Request, task_id: str) -> Task:
    """The task, if it is there and this visitor may see it.

    Raises:
        HTTPException: 404 otherwise.
    """
    task = console_of(request).board.get(task_id)
    if task is None:
        raise HTTPException(404)
    require_task(request, task)
    return task


def answer(request: Request, task: Task, result: Task | Refusal, form: ActionForm, did: str) -> Response:
    """Done: to the customer's page (or the board, if the form stood there) by GET, so that reloading does not act again.

    Refused: the customer's page says why.
    """
    if isinstance(result, Task):
        page = BOARD if form.fields.get("then") == BOARD else customer_href(task.account_id)
        return RedirectResponse(f"{page}?did={quote(did)}", 303)
    wording = console_of(request).pages.wording(request)
    words = refusal_words(result, acting(request, task.owner), wording.texts)
    status = 422 if result.reason is RefusalReason.NOTE_TOO_LONG else 409
    return _shown_again(request, task, form, words, status)


def problem(request: Request, task: Task, form: ActionForm, key: str, status: int = 422) -> Response:
    """The customer's page again with what was typed, and the words of `key` on top."""
    words = console_of(request).pages.wording(request).texts(key)
    return _shown_again(request, task, form, words, status)


def _shown_again(request: Request, task: Task, form: ActionForm, words: str, status: int) -> Response:
    wish = Wish(typed={task.task_id: Typed(form.disposition, form.note, form.fields.get("why", ""))})
    return show_customer(request, task.account_id, wish, problem=words, status=status)
