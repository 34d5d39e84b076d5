"""Signing in by the company's own provider: there, and back with an answer."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from alerts.accounts.oidc.config import BACK
from alerts.accounts.oidc.sign_in import CODE_CHARS_MAX, ProviderRefusal, ProviderSignIn, TurnedAway
from alerts.console.access import Open, session_cookie
from alerts.console.context import console_of
from alerts.console.forms import CheckedForm
from alerts.console.own_path import own_path
from alerts.console.routes_sign_in import kept_of, let_in, sign_in_form_again, staff_of

router = APIRouter(dependencies=[Depends(Open())])
STATUS = {ProviderRefusal.AWAY: 503, ProviderRefusal.BUSY: 503, ProviderRefusal.OVER: 400, ProviderRefusal.DENIED: 403}
Answer = Annotated[str | None, Query(max_length=CODE_CHARS_MAX)]
log = structlog.get_logger()


@router.post("/sign-in/provider")
def go(request: Request, form: CheckedForm) -> Response:
    """To the provider, with a question that only this browser can bring back the answer to.

    A page that moves on by itself, not a redirect: our policy lets forms go nowhere else, and a redirect counts as the form.
    """
    provider, pages = _provider(request), console_of(request).pages
    then, again, kept = own_path(form.fields.get("then", "/")), own_path(form.fields.get("again", "")), kept_of(form)
    address = provider.begin(pages.seal.visit(request), then, again, kept)
    if isinstance(address, ProviderRefusal):
        return _turned_away(request, TurnedAway(address), then, again, kept)
    return pages.render(request, "hop.html", address=address, name=provider.name)


@router.get(BACK, response_class=HTMLResponse)
def back(
    request: Request, state: Answer = None, code: Answer = None, error: Answer = None, iss: Answer = None
) -> Response:
    """Begins a session with a new token, whatever session this browser had; or says why not."""
    provider, staff = _provider(request), staff_of(request)
    said = {"state": state, "code": code, "error": error, "iss": iss}
    answer = {key: value for key, value in said.items() if value is not None}
    result = provider.finish(console_of(request).pages.seal.visit(request), answer, staff.now_ms())
    if isinstance(result, TurnedAway):
        attempt = result.attempt
        if attempt is None:
            return _turned_away(request, result, "/", "", {})
        return _turned_away(request, result, attempt.then, attempt.again, attempt.typed)
    staff.people.end_session(request.cookies.get(session_cookie(request), ""))
    log.info("person.signed_in", login=result.person.login)
    attempt = result.attempt
    return let_in(request, result.token, own_path(attempt.then), own_path(attempt.again), attempt.typed)


def _turned_away(request: Request, result: TurnedAway, then: str, again: str, typed: dict[str, str]) -> Response:
    log.info("sign_in.refused", reason=result.why)
    words = console_of(request).pages.wording(request).texts
    said = words(f"sign_in.provider_{result.why}", name=_provider(request).name, login=result.login)
    return sign_in_form_again(request, own_path(then), said, STATUS.get(result.why, 401), typed, own_path(again))


def _provider(request: Request) -> ProviderSignIn:
    """Raises 404 where there is none."""
    provider = staff_of(request).provider
    if provider is None:
        raise HTTPException(404)
    return provider
