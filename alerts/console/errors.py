"""What a visitor sees when something is not as it should be: always a page, never a traceback, nothing typed is lost."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from alerts.accounts.people import PersonError
from alerts.console.access import SignInNeededError
from alerts.console.context import console_of
from alerts.console.forms import FIELDS_MAX, NEVER_SENT_BACK, FormExpiredError
from alerts.console.routes_sign_in import sign_in_page
from alerts.console.store_errors import STORE_AWAY
from alerts.store.ledger import InboxNotReady

#: The page tries again by itself after so many seconds.
RETRY_S = 5
KINDS = {404: "not_found", 405: "not_found", 403: "forbidden", 413: "too_large"}

log = structlog.get_logger()


def add_error_pages(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_value)
    app.add_exception_handler(FormExpiredError, _form_expired)
    app.add_exception_handler(SignInNeededError, _sign_in)
    app.add_exception_handler(PersonError, _not_kept)
    for error in (*STORE_AWAY, InboxNotReady):
        app.add_exception_handler(error, _store_away)
    app.add_exception_handler(Exception, _failed)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 403 and getattr(error, "detail", "") == "not_allowed":
        return _page(request, "not_allowed", status)
    return _page(request, KINDS.get(status, "wrong"), status)


def _wrong_value(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- starlette's signature
    return _page(request, "wrong", 422)


async def _sign_in(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- starlette's signature
    """To the sign-in page; what was typed into a form waits there and is offered again. A live stream just ends."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)
    return sign_in_page(request, {} if request.method in {"GET", "HEAD"} else await _typed(request))


def _form_expired(request: Request, error: Exception) -> Response:
    retry = error.form.retry if isinstance(error, FormExpiredError) else {}
    return _page(request, "expired", 403, retry=retry)


async def _store_away(request: Request, error: Exception) -> Response:
    """503 and another try: by itself for a page that reads, by a button with what was typed for an action."""
    log.warning("store.unreachable", kind=type(error).__name__)
    headers = {"retry-after": str(RETRY_S)}
    kind = "not_ready" if isinstance(error, InboxNotReady) else "away"
    if request.method in {"GET", "HEAD"}:
        return _page(request, kind, 503, headers, refresh_s=RETRY_S)
    return _page(request, f"{kind}_action", 503, headers, retry=await _typed(request))


def _not_kept(request: Request, error: Exception) -> Response:
    """A change of a person that could not be kept: nothing was changed."""
    log.warning("people.not_changed", reason=str(error))
    return _page(request, "not_kept", 503)


def _failed(request: Request, error: Exception) -> Response:
    """Starlette logs the traceback and raises on after this page was sent."""
    log.error("page.failed", kind=type(error).__name__)
    return _page(request, "failed", 500)


async def _typed(request: Request) -> dict[str, str]:
    """What may be sent back of the form: as `checked_form` read it, or, where nobody came so far, read now."""
    form = getattr(request.state, "form", None)
    if form is not None:
        return dict(form.retry)
    async with request.form(max_files=0, max_fields=FIELDS_MAX) as sent:
        return {key: value for key, value in sent.items() if isinstance(value, str) and key not in NEVER_SENT_BACK}


def _page(request: Request, kind: str, status: int, headers: dict[str, str] | None = None, **values: Any) -> Response:
    shown = {"refresh_s": None, "retry": None, "retry_path": request.url.path, "good": False, **values}
    title = kind.removesuffix("_action")
    pages = console_of(request).pages
    response = pages.render(request, "notice.html", status, kind=kind, title_key=f"error.{title}_title", **shown)
    response.headers.update(headers or {})
    return response
