"""Pages that only read: the inboxes, one inbox, one customer; the live stream beside an inbox; the health check."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from alerts.accounts.roles import Permission
from alerts.console.access import Needs, Open, allowed, require_account, require_inbox
from alerts.console.context import console_of
from alerts.console.customer_view import Wish
from alerts.console.inbox_view import Shelf, Sought, inbox_page
from alerts.console.live import owners_mark
from alerts.console.moments import SNOOZE_DAYS
from alerts.console.owners import known_owners
from alerts.console.page_texts import PageTexts
from alerts.console.show_customer import show_customer
from alerts.console.store_errors import STORE_AWAY
from alerts.console.time_axis import Days
from alerts.console.visitor import acting, person_of
from pipeline.events import Level

router = APIRouter()
ANYBODY = [Depends(Open())]
SIGNED_IN = [Depends(Needs())]
SEES_TASKS = [Depends(Needs(Permission.OWN_TASKS, Permission.ALL_TASKS))]
#: How many of many tasks were changed and how many not, as `routes_move.many` tells.
TOLD = r"^(|none|\d{1,4}\.\d{1,4})$"
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]


@router.get("/", response_class=HTMLResponse, dependencies=SIGNED_IN)
def owners(request: Request) -> Response:
    """Everybody who has tasks, for those who see all; others come to their own first page."""
    console = console_of(request)
    if not allowed(request, Permission.ALL_TASKS):
        return RedirectResponse(_first_page(request), 303)
    everybody, counts = console.board.owners(), console.board.counts()
    mark = owners_mark(everybody, counts)
    return console.pages.render(request, "owners.html", owners=everybody, counts=counts, mark=mark)


@router.get("/inbox/{owner:path}", response_class=HTMLResponse, dependencies=SEES_TASKS)
def inbox(
    request: Request,
    owner: str,
    shelf: Shelf = Shelf.OPEN,
    page: PageNumber = 1,
    q: Annotated[str, Query(max_length=64)] = "",
    level: Literal["", "critical", "warn", "watch"] = "",
    group: Annotated[str, Query(max_length=40)] = "",
    told: Annotated[str, Query(pattern=TOLD)] = "",
) -> Response:
    """One owner's tasks, the most urgent first."""
    require_inbox(request, owner)
    console = console_of(request)
    wording = console.pages.wording(request)
    wanted = Sought(q.strip(), level, group)
    shown = inbox_page(console.board, owner, (shelf, page), wording, console.pages.config, wanted)
    if page > 1 and not shown.rows:
        raise HTTPException(404)
    return console.pages.render(
        request, "inbox.html", actor=acting(request, owner), inbox=shown, told=told_words(told, wording.texts),
        owners=known_owners(request) if allowed(request, Permission.ASSIGN) else [], snooze_days=SNOOZE_DAYS,
        levels=[str(one) for one in Level][::-1], groups=sorted(wording.texts.table("group")),
    )  # fmt: skip


@router.get("/live/{owner:path}", dependencies=SEES_TASKS)
async def live(request: Request, owner: str, seen: str = "") -> Response:
    """Server-sent events: `changed`, `away`, `back`."""
    require_inbox(request, owner)
    console = console_of(request)
    if console.live.full:
        return Response(status_code=503, headers={"retry-after": "30"})
    mark = request.headers.get("last-event-id", seen)
    return StreamingResponse(console.live.stream(owner, mark), media_type="text/event-stream")


@router.get("/customers/{account_id:path}", response_class=HTMLResponse, dependencies=SEES_TASKS)
def customer(request: Request, account_id: str, line: str | None = None, did: str = "", days: Days = "28") -> Response:
    """One customer: picture, tasks, what can be done. Who looked is written down."""
    require_account(request, account_id)
    page = show_customer(request, account_id, Wish(line, days=int(days)), did=did)
    desk = console_of(request).desk
    if desk is not None:
        desk.seen(account_id, acting(request, None))
    return page


@router.get("/healthz", dependencies=ANYBODY)
def healthz(request: Request) -> Response:
    """200 when this process answers and reaches its store, else 503."""
    try:
        console_of(request).board.counts()
    except STORE_AWAY:
        return JSONResponse({"status": "store away"}, 503)
    return JSONResponse({"status": "ok"})


def _first_page(request: Request) -> str:
    """Where somebody begins who does not see all inboxes."""
    person = person_of(request)
    if person is not None and allowed(request, Permission.OWN_TASKS):
        return f"/inbox/{quote(person.inbox, safe='')}"
    return "/people" if allowed(request, Permission.PEOPLE) else "/me"


def told_words(told: str, texts: PageTexts) -> str:
    """What came of many tasks at once, in words."""
    if told in {"", "none"}:
        return texts("many.none") if told else ""
    done, refused = told.split(".")
    return texts("many.done", done=done) + (f" {texts('many.refused', n=refused)}" if refused != "0" else "")
