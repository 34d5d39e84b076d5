"""The playbook of a task, its offers judged for this customer, and the proposing of one."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from alerts.accounts.roles import READ_TASKS
from alerts.api.context import Caller, Desk, allowed, desk_of
from alerts.api.models import Code, Received, TaskOut
from alerts.api.problems import ProblemError, documented
from alerts.api.routes_tasks import CHANGES, Doer, IfMatch, TaskId, changed, seen
from alerts.playbooks.desk import OfferDesk

router = APIRouter(prefix="/tasks", tags=["playbooks"])
Reader = Annotated[Caller, allowed(*READ_TASKS)]


class TextOut(BaseModel):
    zh: str
    en: str


class LinesOut(BaseModel):
    zh: list[str]
    en: list[str]


class OfferOut(BaseModel):
    """`misses`: the bars that it misses with this customer; an offer that misses one is not proposed."""

    id: str
    title: TextOut
    standard: bool
    cost: float
    npv: float
    payback_months: float | None
    irr_year: float | None
    misses: list[str]


class BudgetOut(BaseModel):
    year: int
    budget: float
    held: float
    spent: float


class PlaybookOut(BaseModel):
    id: str
    title: TextOut
    aim: TextOut
    script: LinesOut
    do_not: LinesOut
    firewall: TextOut
    margin_month: float
    margin_known: bool
    budget: BudgetOut
    offers: list[OfferOut]


class OfferIn(Received):
    offer: Code = Field(description="id of the offer")


@router.get("/{task_id}/playbook", responses=documented(404))
def playbook(request: Request, caller: Reader, task_id: TaskId) -> PlaybookOut:
    """What to do, what to say, what may be offered."""
    desk = desk_of(request)
    advice = _desk(desk).advice(seen(desk, caller, task_id))
    if advice is None:
        raise ProblemError(404, "no_playbook")
    found = msgspec.to_builtins(advice.playbook)
    judged = {one.offer_id: msgspec.to_builtins(one) for one in advice.judgements}
    return PlaybookOut.model_validate(
        {
            **found,
            "firewall": found["firewall"]["measure"],
            "margin_month": advice.margin_month,
            "margin_known": advice.margin_known,
            "budget": msgspec.to_builtins(advice.budget),
            "offers": [{**offer, **judged[offer["id"]]} for offer in found["offers"]],
        }
    )


@router.post("/{task_id}/offers", responses=CHANGES)
def propose(
    request: Request, response: Response, caller: Doer, task_id: TaskId, wish: OfferIn, if_match: IfMatch = None
) -> TaskOut:
    """Put an offer before the customer; its cost is held in the year's budget until the task ends."""
    desk = _desk(desk_of(request))
    return changed(
        request, response, caller, task_id, if_match,
        lambda actor, version: desk.propose(task_id, actor, wish.offer, version),
    )  # fmt: skip


def _desk(desk: Desk) -> OfferDesk:
    return OfferDesk(desk.client, desk.store)
