"""Signing in and out, and the one-time link that sets a password."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.accounts.passwords import PASSWORD_CHARS_MIN, PasswordError
from alerts.accounts.sign_in import SignInRefusal
from alerts.console.access import Open, remember_session, session_cookie
from alerts.console.context import console_of
from alerts.console.forms import ActionForm, CheckedForm
from alerts.console.own_path import own_path
from alerts.console.staff import Staff

router = APIRouter(dependencies=[Depends(Open())])
KEPT = "kept."
log = structlog.get_logger()


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_form(request: Request, then: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Asks for login and password."""
    staff_of(request)
    return _form(request, own_path(then))


@router.post("/sign-in")
def sign_in(request: Request, form: CheckedForm) -> Response:
    """Begins a session with a new token. What was typed into an action before is offered again."""
    staff = staff_of(request)
    login, then = form.fields.get("login", "").strip().lower(), own_path(form.fields.get("then", "/"))
    code = form.fields.get("code", "")
    result = staff.sign_in.with_password(login, form.fields.get("password", ""), code, staff.now_ms())
    if isinstance(result, SignInRefusal):
        log.info("sign_in.refused", reason=result)
        return _form(
            request, then, problem=result, login=login, kept=kept_of(form), again=own_path(form.fields.get("again", ""))
        )
    log.info("person.signed_in", login=login)
    return let_in(request, result.token, then, own_path(form.fields.get("again", "")), kept_of(form))


@router.post("/sign-out")
def sign_out(request: Request, form: CheckedForm) -> Response:  # noqa: ARG001 -- the form's token is what is checked
    """Ends the session here and in the store."""
    staff_of(request).people.end_session(request.cookies.get(session_cookie(request), ""))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(session_cookie(request), path="/")
    return response


@router.get("/welcome/{link}", response_class=HTMLResponse)
def welcome(request: Request, link: str) -> Response:
    """The page behind a one-time link; looking at it does not use it up."""
    login = staff_of(request).people.link_of(link)
    return _welcome(request, login, "" if login else SignInRefusal.LINK_OVER)


@router.post("/welcome/{link}")
def first_password(request: Request, link: str, form: CheckedForm) -> Response:
    """Sets the password and begins a session."""
    staff = staff_of(request)
    login = staff.people.link_of(link)
    password = form.fields.get("password", "")
    if login is not None and password != form.fields.get("repeated", ""):
        return _welcome(request, login, "differ")
    try:
        result = staff.sign_in.with_link(link, password, staff.now_ms())
    except PasswordError as error:
        return _welcome(request, login, error.key)
    if isinstance(result, SignInRefusal):
        return _welcome(request, None, result)
    log.info("person.password_set", login=result.person.login)
    return let_in(request, result.token, "/", own_path(form.fields.get("again", "")), kept_of(form))


def staff_of(request: Request) -> Staff:
    """Raises 404 where the console has no login."""
    staff = console_of(request).staff
    if staff is None:
        raise HTTPException(404)
    return staff


def sign_in_page(request: Request, typed: dict[str, str]) -> Response:
    """For somebody who is not signed in: 303 to the form, or the form itself with what they typed (401)."""
    if request.method in {"GET", "HEAD"}:
        query = f"?{request.url.query}" if request.url.query else ""
        then = str(request.url.replace(scheme="", netloc="", path="/sign-in", query="").include_query_params(
            then=own_path(f"{request.url.path}{query}")
        ))  # fmt: skip
        return RedirectResponse(then, 303)
    return _form(request, "/", problem="over", kept=typed, again=request.url.path)


def let_in(request: Request, token: str, then: str, again: str, kept: dict[str, str]) -> Response:
    """A session begins: on to `then`, or first to what was typed into the form at `again`."""
    if kept:
        response: Response = console_of(request).pages.render(
            request, "notice.html", kind="signed_in_again", title_key="error.signed_in_again_title", good=True,
            refresh_s=None, retry=kept, retry_path=again,
        )  # fmt: skip
    else:
        response = RedirectResponse(then, 303)
    remember_session(request, response, token)
    return response


def kept_of(form: ActionForm) -> dict[str, str]:
    """What was typed before the session ended."""
    return {key.removeprefix(KEPT): value for key, value in form.fields.items() if key.startswith(KEPT)}


def sign_in_form_again(
    request: Request, then: str, said: str, status: int, kept: dict[str, str], again: str = "", login: str = ""
) -> Response:
    """The form with what is wrong (`said`, in the reader's language; empty: nothing), and what was typed before."""
    staff = staff_of(request)
    return console_of(request).pages.render(
        request, "sign_in.html", status, then=then, problem=said, login_typed=login,
        kept={f"{KEPT}{key}": value for key, value in kept.items()}, again=again if kept else "",
        provider=staff.provider.name if staff.provider else "",
    )  # fmt: skip


def _form(request: Request, then: str, problem: str = "", login: str = "", kept: dict[str, str] | None = None,
          again: str = "") -> Response:  # fmt: skip
    said = console_of(request).pages.wording(request).texts(f"sign_in.{problem}") if problem else ""
    return sign_in_form_again(request, then, said, 401 if problem else 200, kept or {}, again, login)


def _welcome(request: Request, login: str | None, problem: str) -> Response:
    status = 410 if login is None else 422 if problem else 200
    return console_of(request).pages.render(
        request, "welcome.html", status, person_login=login, problem=problem, characters=PASSWORD_CHARS_MIN
    )
