"""Rules edited live: look, try on the last seven days, publish, put back. Each edition is kept."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs
from alerts.console.context import console_of
from alerts.console.forms import ActionForm, CheckedForm
from alerts.console.moments import moment
from alerts.console.ports import RuleBook, RulesAwayError
from alerts.console.rules_form import WHY_CHARS_MAX, TypedRules, changes_of, of_edition, of_form
from alerts.console.rules_view import rules_page
from alerts.console.visitor import acting
from alerts.live_rules.catalogue import catalogue
from alerts.live_rules.preview import SHOWN_MAX

router = APIRouter()
EDITS_RULES = [Depends(Needs(Permission.RULES))]
Edition = Annotated[int | None, Query(ge=0, le=1_000_000)]


@router.get("/rules", dependencies=EDITS_RULES)
def rules(request: Request, edition: Edition = None, did: str = "") -> Response:
    """The rules as they are; or an earlier edition, ready to be put back, with what that would change."""
    book = _book(request)
    if book is None:
        return _away(request)
    try:
        editions = book.editions()
        newest = editions[-1].version if editions else 0
        if edition is not None and edition > newest:
            raise HTTPException(404)
        wanted = newest if edition is None else edition
        typed = of_edition(catalogue(book.base), book.base, changes_of(editions, wanted))
        restores = str(edition) if edition is not None and edition != newest else ""
        return _shown(request, book, typed, restores=restores, did=did, with_preview=bool(restores))
    except RulesAwayError:
        return _away(request)


@router.post("/rules/preview", dependencies=EDITS_RULES)
def try_rules(request: Request, form: CheckedForm) -> Response:
    """What the edited rules would have changed in the last seven days; changes nothing."""
    book = _book(request)
    if book is None:
        return _away(request)
    typed = of_form(catalogue(book.base), book.base, form.fields)
    try:
        return _shown(request, book, typed, form=form, with_preview=True, status=422 if typed.problem else 200)
    except RulesAwayError:
        return _away(request, form)


@router.post("/rules/publish", dependencies=EDITS_RULES)
def publish(request: Request, form: CheckedForm) -> Response:
    """Make the edited rules the next edition; refused where somebody published one meanwhile."""
    book = _book(request)
    if book is None:
        return _away(request)
    typed = of_form(catalogue(book.base), book.base, form.fields)
    why = " ".join(form.fields.get("why", "").split())
    try:
        if typed.problem:
            return _shown(request, book, typed, form=form, status=422)
        if not why or len(why) > WHY_CHARS_MAX:
            return _shown(request, book, typed, form=form, problem="rules.say_why", status=422)
        restores = _number(form.fields.get("restores", ""))
        made = book.publish(
            _number(form.fields.get("version", "")) or 0, typed.changes, acting(request, None), why, restores
        )
        if made is None:
            return _shown(request, book, typed, form=form, problem="rules.quicker", status=409)
    except RulesAwayError:
        return _away(request, form)
    return RedirectResponse("/rules?did=published", 303)


def _shown(
    request: Request,
    book: RuleBook,
    typed: TypedRules,
    *,
    form: ActionForm | None = None,
    restores: str = "",
    did: str = "",
    problem: str = "",
    with_preview: bool = False,
    status: int = 200,
) -> Response:
    console = console_of(request)
    pages = console.pages
    wording = pages.wording(request)
    sent = form.fields if form else {}
    return pages.render(
        request, "rules.html", status,
        page=rules_page(book, console.board, console.trail, typed, with_preview=with_preview),
        name=lambda code: wording.texts.word("rules", f"subject_{code}") if code in {"score", "tasks"}
        else wording.reasons.name(code),
        moment=lambda at_ms: moment(at_ms, pages.zone),
        restores=sent.get("restores", "")[:9] or restores,
        why=sent.get("why", "")[:WHY_CHARS_MAX],
        why_max=WHY_CHARS_MAX,
        did=did == "published",
        problem=problem or typed.problem,
        shown_max=SHOWN_MAX,
    )  # fmt: skip


def _away(request: Request, form: ActionForm | None = None) -> Response:
    """Rules are in Kafka: without it they are neither read nor changed. What was typed is offered again."""
    return console_of(request).pages.render(
        request, "notice.html", 503, kind="rules_away", title_key="error.rules_away_title", refresh_s=None,
        retry=form.retry if form else None, retry_path=request.url.path, good=False,
    )  # fmt: skip


def _book(request: Request) -> RuleBook | None:
    return console_of(request).rules


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
