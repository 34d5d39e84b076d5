"""One's own login, and for administrators everybody's."""

from collections.abc import Callable

import segno
import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from msgspec.structs import replace

from alerts.accounts import second_factor
from alerts.accounts.passwords import PASSWORD_CHARS_MIN, PasswordError
from alerts.accounts.people import Person, PersonError, kept_here, new_person, signed_out, with_roles
from alerts.accounts.roles import PEOPLE_ROLES, Permission, StaffRole
from alerts.accounts.sign_in import SignInRefusal
from alerts.console.access import Needs, remember_session
from alerts.console.context import console_of
from alerts.console.forms import ActionForm, CheckedForm
from alerts.console.routes_sign_in import staff_of
from alerts.console.visitor import person_of

router = APIRouter()
SIGNED_IN = [Depends(Needs())]
ADMIN = [Depends(Needs(Permission.PEOPLE))]
log = structlog.get_logger()


@router.get("/me", response_class=HTMLResponse, dependencies=SIGNED_IN)
def me(request: Request, did: str = "") -> Response:
    """One's own roles, password and second factor."""
    return _me(request, did=did)


@router.post("/me/password", dependencies=SIGNED_IN)
def change_password(request: Request, form: CheckedForm) -> Response:
    """Another password; all other sessions of this person end."""
    staff, person = staff_of(request), _with_password(request)
    new = form.fields.get("password", "")
    if new != form.fields.get("repeated", ""):
        return _me(request, problem="differ")
    try:
        result = staff.sign_in.new_password(person, form.fields.get("old", ""), new, staff.now_ms())
    except PasswordError as error:
        return _me(request, problem=error.key)
    if isinstance(result, SignInRefusal):
        return _me(request, problem=f"old_{result}")
    response = RedirectResponse("/me?did=password", 303)
    remember_session(request, response, result.token)
    return response


@router.post("/me/second-factor", dependencies=SIGNED_IN)
def set_second_factor(request: Request, form: CheckedForm) -> Response:
    """Sets up a second factor once its first code is right; takes it away with a right code."""
    staff, person = staff_of(request), _with_password(request)
    secret, code = form.fields.get("secret", ""), form.fields.get("code", "")
    if person.totp_secret is not None:
        if second_factor.used(person, code, staff.now_ms()) is None:
            return _me(request, problem="code")
        staff.people.change(person.login, lambda now: replace(now, totp_secret=None))
        return RedirectResponse("/me?did=factor_off", 303)
    if not second_factor.is_secret(secret) or not second_factor.fits(secret, code, staff.now_ms()):
        return _me(request, problem="code", secret=secret if second_factor.is_secret(secret) else "")
    staff.people.change(person.login, lambda now: replace(now, totp_secret=secret, totp_step=0))
    return RedirectResponse("/me?did=factor_on", 303)


@router.get("/people", response_class=HTMLResponse, dependencies=ADMIN)
def people(request: Request) -> Response:
    """Everybody with a login."""
    return _people(request)


@router.post("/people", dependencies=ADMIN)
def add_person(request: Request, form: CheckedForm) -> Response:
    """A new person, and the one-time link with which they choose a password."""
    staff = staff_of(request)
    login = form.fields.get("login", "").strip().lower()
    try:
        person = new_person(
            login, form.fields.get("name", ""), _roles(form), form.fields.get("inbox", "").strip(), staff.now_ms()
        )
        staff.people.add(person)
    except PersonError as error:
        return _people(request, problem=_words(request, error), typed=form.fields)
    log.info("person.added", login=login, by=_signed_in(request).login)
    return _people(request, link=(login, staff.people.new_link(login)))


@router.post("/people/{login}/roles", dependencies=ADMIN)
def set_roles(request: Request, login: str, form: CheckedForm) -> Response:
    """Other roles, from that person's next click on."""
    staff = staff_of(request)
    return _changed(request, login, lambda now: with_roles(now, _roles(form), staff.now_ms()))


@router.post("/people/{login}/link", dependencies=ADMIN)
def send_link(request: Request, login: str, form: CheckedForm) -> Response:  # noqa: ARG001 -- its token is checked
    """A fresh one-time link: for a forgotten password; it also opens a locked login and takes the second factor away."""
    staff = staff_of(request)
    try:
        staff.people.change(login, _without_factor)
    except PersonError as error:
        return _people(request, problem=_words(request, error))
    staff.people.forget_tries(login)
    log.info("person.link_made", login=login, by=_signed_in(request).login)
    return _people(request, link=(login, staff.people.new_link(login)))


@router.post("/people/{login}/disabled", dependencies=ADMIN)
def set_disabled(request: Request, login: str, form: CheckedForm) -> Response:
    """Shut a login at once, with all its sessions, or open it again. Nobody shuts out themselves."""
    staff = staff_of(request)
    if login == _signed_in(request).login:
        return _people(request, problem=console_of(request).pages.wording(request).texts("people.not_yourself"))
    disabled = form.fields.get("disabled") == "yes"
    return _changed(request, login, lambda now: replace(signed_out(now, staff.now_ms()), disabled=disabled))


def _changed(request: Request, login: str, decide: Callable[[Person], Person]) -> Response:
    by = _signed_in(request).login
    try:
        staff_of(request).people.change(login, decide)
    except PersonError as error:
        return _people(request, problem=_words(request, error))
    log.info("person.changed", login=login, by=by)
    return RedirectResponse("/people", 303)


def _words(request: Request, error: PersonError) -> str:
    """What is wrong, in the reader's language."""
    return console_of(request).pages.wording(request).texts(f"people.error_{error.key}", **error.values)


def _roles(form: ActionForm) -> tuple[StaffRole, ...]:
    return tuple(role for role in PEOPLE_ROLES if form.fields.get(f"role.{role}") == "yes")


def _without_factor(person: Person) -> Person:
    kept_here(person)
    return replace(person, totp_secret=None)


def _with_password(request: Request) -> Person:
    """Whoever is signed in; raises 404 for somebody who comes in by the provider."""
    person = _signed_in(request)
    if person.subject is not None:
        raise HTTPException(404)
    return person


def _signed_in(request: Request) -> Person:
    staff_of(request)
    person = person_of(request)
    assert person is not None
    return person


def _me(request: Request, *, did: str = "", problem: str = "", secret: str = "") -> Response:
    person = _signed_in(request)
    shown = secret or second_factor.new_secret()
    picture = segno.make(second_factor.setup_uri(shown, person.login), error="m").svg_inline(scale=4, border=2)
    return console_of(request).pages.render(
        request, "me.html", 422 if problem else 200, problem=problem, secret=shown, picture=picture,
        did=did if did in {"password", "factor_on", "factor_off"} else "", characters=PASSWORD_CHARS_MIN,
    )  # fmt: skip


def _people(
    request: Request,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
    link: tuple[str, str] | None = None,
) -> Response:
    staff_of(request)
    address = f"{request.url.scheme}://{request.url.netloc}/welcome/{link[1]}" if link else ""
    return console_of(request).pages.render(
        request, "people.html", 422 if problem else 200, people=staff_of(request).people.everybody(), roles=list(PEOPLE_ROLES),
        problem=problem, typed=typed or {}, link_login=link[0] if link else "", link=address,
    )  # fmt: skip
