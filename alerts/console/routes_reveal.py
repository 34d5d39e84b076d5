"""A number revealed on purpose: the reason is asked, and written down before the number is told."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs, require_account
from alerts.console.charts.standalone import standalone
from alerts.console.context import console_of
from alerts.console.customer_view import Wish, customer_page
from alerts.console.forms import CheckedForm
from alerts.console.show_customer import show_customer
from alerts.console.time_axis import Days
from alerts.console.visitor import acting

router = APIRouter()
WHY_CHARS_MIN = 3
WHY_CHARS_MAX = 300
REVEALS = [Depends(Needs(Permission.REVEAL))]
SEES_TASKS = [Depends(Needs(Permission.OWN_TASKS, Permission.ALL_TASKS))]


@router.post("/reveal/{account_id:path}", dependencies=REVEALS)
def reveal(request: Request, account_id: str, form: CheckedForm) -> Response:
    """The customer page with one number on it; nothing of it is in an address, a cache or a log of ours."""
    require_account(request, account_id)
    console = console_of(request)
    wording = console.pages.wording(request)
    line_id, why = form.fields.get("line", "")[:200], " ".join(form.fields.get("why", "").split())
    if console.desk is None:
        raise HTTPException(404)
    if not WHY_CHARS_MIN <= len(why) <= WHY_CHARS_MAX:
        problem = wording.texts("reveal.say_why")
        return show_customer(request, account_id, Wish(line_id), problem=problem, status=422, asked=(line_id, why))
    number = console.desk.number(account_id, line_id, acting(request, None), why)
    if number is None:
        return show_customer(request, account_id, Wish(line_id), problem=wording.texts("reveal.none"), status=404)
    return show_customer(request, account_id, Wish(line_id), number=(line_id, number))


@router.get("/charts/{kind}/{account_id:path}", dependencies=SEES_TASKS)
def chart(
    request: Request,
    kind: str,
    account_id: str,
    line: Annotated[str | None, Query(max_length=200)] = None,
    days: Days = "28",
) -> Response:
    """One chart of a customer as a file."""
    require_account(request, account_id)
    console = console_of(request)
    wording = console.pages.wording(request)
    lines_max = console.pages.config.lines_shown_max
    page = customer_page(console.board, account_id, wording, Wish(line, days=int(days)), lines_max, console.desk)
    drawn = None if page is None or page.picture is None else page.picture.charts().get(kind)
    if drawn is None:
        raise HTTPException(404)
    headers = {"content-disposition": f'attachment; filename="{kind}.svg"'}
    return Response(standalone(drawn), media_type="image/svg+xml", headers=headers)
