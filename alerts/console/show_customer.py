"""Answers with a customer's page; actions that were refused answer with the same page, the reason on top."""

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse

from alerts.accounts.roles import Permission
from alerts.console.access import allowed
from alerts.console.cards import OFFERED
from alerts.console.context import console_of
from alerts.console.customer_view import Wish, customer_page
from alerts.console.moments import SNOOZE_DAYS, day
from alerts.console.owners import known_owners
from alerts.console.page_texts import PageTexts
from alerts.console.playbook_view import playbook_cards
from alerts.console.time_axis import SPANS
from alerts.console.value_view import ValuePanel, value_panel
from alerts.console.visitor import acting
from alerts.tasks import NOTE_LENGTH_MAX
from pipeline.events import Disposition


def show_customer(
    request: Request,
    account_id: str,
    wish: Wish,
    *,
    did: str = "",
    problem: str = "",
    status: int = 200,
    number: tuple[str, str] | None = None,
    asked: tuple[str, str] | None = None,
) -> HTMLResponse:
    """The page; `did` names what was just done, `problem` says why something was not.

    `number`: a line and its number, revealed for this one page. `asked`: a line and the reason typed for revealing it.

    Raises:
        HTTPException: 404 for an account that nobody knows.
    """
    console = console_of(request)
    pages = console.pages
    wording = pages.wording(request)
    page = customer_page(console.board, account_id, wording, wish, pages.config.lines_shown_max, console.desk)
    if page is None:
        raise HTTPException(404)
    return pages.render(
        request,
        "customer.html",
        status,
        actor=acting(request, page.owner),
        page=page,
        playbooks=playbook_cards(request, page.open_cards, wording.texts),
        done=did_words(did, wording.texts),
        problem=problem,
        offered=OFFERED,
        note_length_max=NOTE_LENGTH_MAX,
        owners=known_owners(request),
        snooze_days=SNOOZE_DAYS,
        spans=SPANS,
        day=lambda at_ms: day(at_ms, pages.zone),
        value=_value(request, account_id, wording.texts),
        number=number,
        asked=asked,
        reveals=console.desk is not None and allowed(request, Permission.REVEAL),
    )


def _value(request: Request, account_id: str, texts: PageTexts) -> ValuePanel | None:
    desk = console_of(request).desk
    found = desk.assessment(account_id) if desk else None
    return value_panel(found, desk.value_policy, texts) if desk and found else None


def did_words(did: str, texts: PageTexts) -> str:
    """What was just done, or the disposition that was recorded; anything else in the address says nothing."""
    if did in {"accepted", "noted", "snoozed", "handed_over", "offered", "escalated"}:
        return texts(f"did.{did}")
    if did in {str(disposition) for disposition in Disposition}:
        return texts("did.recorded", what=texts.word("disposition", did))
    return ""
