"""Customers by account, without name or number; a number only on purpose, with a reason, written down."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from alerts.accounts.roles import READ_TASKS, Permission, StaffRole
from alerts.api.context import Caller, Desk, allowed, desk_of
from alerts.api.models import CustomerOut, NumberOut, RevealIn, customer_out
from alerts.api.problems import ProblemError, documented
from alerts.tasks import Customer
from alerts.vault import ReadFor

router = APIRouter(tags=["customers"])
Reader = Annotated[Caller, allowed(*READ_TASKS)]
Revealer = Annotated[Caller, allowed(Permission.REVEAL)]


@router.get("/customers/{account_id:path}", responses=documented(404))
def customer(
    request: Request, caller: Reader, account_id: Annotated[str, Path(min_length=1, max_length=200)]
) -> CustomerOut:
    """What is known of an account. A manager sees their own customers and those they have a task of."""
    return customer_out(_seen(desk_of(request), caller, account_id))


@router.post("/reveals", responses=documented(404))
def reveal(request: Request, caller: Revealer, asked: RevealIn) -> NumberOut:
    """The number of a line; who asked and why is in the audit log before it is told."""
    desk = desk_of(request)
    _seen(desk, caller, asked.account_id)
    if desk.vault is None:
        raise ProblemError(503, "no_vault", "this process has no key of the vault")
    number = desk.vault.number(asked.account_id, asked.line_id, caller.acting(), ReadFor.REVEAL, asked.why)
    if number is None:
        raise ProblemError(404, "no_number")
    return NumberOut(line_id=asked.line_id, number=number)


def _seen(desk: Desk, caller: Caller, account_id: str) -> Customer:
    """The customer, if there is one that the caller may see; somebody else's looks as if it were not there."""
    found = desk.store.customer(account_id)
    if found is None or not _sees(desk, caller, found):
        raise ProblemError(404, "unknown_customer")
    return found


def _sees(desk: Desk, caller: Caller, found: Customer) -> bool:
    if caller.role is StaffRole.SUPERVISOR:
        return True
    if caller.role is StaffRole.MANAGER and caller.token.holder in {found.manager_id, found.deputy_id}:
        return True
    return any(caller.sees(task) for task in desk.store.tasks_of(found.account_id))
