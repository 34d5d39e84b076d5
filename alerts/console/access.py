"""Who may open what. Every route says what it needs; what is somebody else's looks as if it did not exist."""

from fastapi import HTTPException, Request
from starlette.responses import Response

from alerts.accounts.roles import Permission, permissions
from alerts.console.context import console_of
from alerts.console.csrf import set_cookie
from alerts.console.ports import TaskBoard
from alerts.console.visitor import person_of
from alerts.tasks import Task


class SignInNeededError(Exception):
    """Nobody is signed in here (any more)."""


class Needs:
    """A route's dependency: somebody is signed in who has at least one of these permissions; none named: anybody.

    Without staff (`--insecure-no-login`) every visitor may do everything.

    Raises:
        SignInNeededError: nobody is signed in.
        HTTPException: 403, the person's roles do not allow it.
    """

    def __init__(self, *any_of: Permission) -> None:
        self.any_of = frozenset(any_of)

    def __call__(self, request: Request) -> None:
        staff = console_of(request).staff
        if staff is None:
            return
        person = staff.people.visitor(request.cookies.get(session_cookie(request), ""), staff.now_ms())
        if person is None:
            raise SignInNeededError
        request.state.person = person
        if self.any_of and not self.any_of & permissions(person.roles):
            raise HTTPException(403, "not_allowed")


class Open:
    """A route that asks for nobody: signing in, the health check."""

    def __call__(self) -> None:
        return


class Claimed:
    """A route that exists only where there is no login: saying who one is.

    Raises:
        HTTPException: 404 where people sign in.
    """

    def __call__(self, request: Request) -> None:
        if console_of(request).staff is not None:
            raise HTTPException(404)


def session_cookie(request: Request) -> str:
    """With TLS the `__Host-` prefix, which keeps other hosts of the domain from setting it."""
    return "__Host-churnwatch-session" if request.url.scheme == "https" else "churnwatch-session"


def remember_session(request: Request, response: Response, token: str) -> None:
    """The token goes to the browser and ends with it."""
    set_cookie(request, response, session_cookie(request), token)


def allowed(request: Request, *any_of: Permission) -> bool:
    """Whether this visitor has one of these permissions."""
    if console_of(request).staff is None:
        return True
    person = person_of(request)
    return person is not None and bool(set(any_of) & permissions(person.roles))


def require_inbox(request: Request, owner: str) -> None:
    """Raises 404 unless this inbox is the visitor's own, or they see all."""
    person = person_of(request)
    if person is not None and not allowed(request, Permission.ALL_TASKS) and owner != person.inbox:
        raise HTTPException(404)


def require_account(request: Request, account_id: str) -> None:
    """Raises 404 unless the customer is the visitor's own, has a task that is or was in their inbox, or they see all."""
    person = person_of(request)
    if person is None or allowed(request, Permission.ALL_TASKS):
        return
    if not _is_theirs(console_of(request).board, person.inbox, account_id):
        raise HTTPException(404)


def require_task(request: Request, task: Task) -> None:
    """Raises 404 unless the task is or was in the visitor's inbox, its customer is theirs, or they see all."""
    person = person_of(request)
    if person is not None and person.inbox not in {task.owner, *task.passed_by}:
        require_account(request, task.account_id)


def _is_theirs(board: TaskBoard, inbox: str, account_id: str) -> bool:
    customer = board.customer(account_id)
    if customer is not None and inbox in {customer.manager_id, customer.deputy_id}:
        return True
    return any(inbox in {task.owner, *task.passed_by} for task in board.tasks_of(account_id))
