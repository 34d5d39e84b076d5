"""The outbound queue for telephone systems that speak HTTP: lease, begin, keep, tell how it ended."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from alerts.accounts.roles import Permission
from alerts.api.context import Caller, Desk, allowed, desk_of
from alerts.api.models import (
    BegunOut,
    CallDispositionIn,
    DispositionIn,
    LeaseIn,
    LeaseOut,
    LeasesOut,
    QueueOut,
    TaskOut,
    lease_out,
    task_out,
)
from alerts.api.problems import ProblemError, documented, refused
from alerts.api.translate import disposition_of
from alerts.queue import CallQueue, Lease
from alerts.tasks import Refusal
from alerts.vault import ReadFor

router = APIRouter(tags=["queue"])
Watcher = Annotated[Caller, allowed(Permission.QUEUE)]
Machine = Annotated[Caller, allowed(Permission.DIAL)]
LeaseId = Annotated[str, Path(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]


@router.get("/queue", responses=documented())
def queue(request: Request, caller: Watcher) -> QueueOut:  # noqa: ARG001 -- asking for the caller is the check
    """How full the queue is; `oldest_s` in wall seconds."""
    depth = desk_of(request).depth()
    return QueueOut.model_validate(depth._asdict())


@router.post("/queue/leases", responses=documented())
def lease(request: Request, caller: Machine, wish: LeaseIn) -> LeasesOut:
    """Calls that are due, none where nothing is. A call that another dialer has is never among them."""
    desk = desk_of(request)
    queue = _queue_of(desk, caller)
    queue.prepare()
    queue.move_due()
    leases = queue.lease(wish.count, 1)
    return LeasesOut(items=[lease_out(one) for one in leases], lease_s=desk.store.policy.contact.lease_s)


@router.post("/queue/leases/{lease_id}/begin", responses=documented(404, 409))
def begin(request: Request, caller: Machine, lease_id: LeaseId) -> BegunOut:
    """Ask to ring now: consent, opt-out, hours and caps are looked at once more. Only after this may it ring."""
    desk = desk_of(request)
    queue = _queue_of(desk, caller)
    held = _held(queue, lease_id)
    begun = queue.begin(held)
    if isinstance(begun, Refusal):
        raise refused(begun)
    line_id = begun.dialing_line_id or ""
    number = None
    if desk.vault is not None:
        number = desk.vault.number(begun.account_id, line_id, caller.acting(), ReadFor.DIAL, held.call)
    return BegunOut(call=held.call, line_id=line_id, number=number, task=task_out(begun))


@router.post("/queue/leases/{lease_id}/heartbeat", responses=documented(404))
def heartbeat(request: Request, caller: Machine, lease_id: LeaseId) -> LeaseOut:
    """Still at it: the lease begins anew."""
    queue = _queue_of(desk_of(request), caller)
    held = _held(queue, lease_id)
    queue.heartbeat(held)
    return lease_out(held)


@router.post("/queue/leases/{lease_id}/ack", responses=documented(404, 409))
def acknowledge(request: Request, caller: Machine, lease_id: LeaseId, told: DispositionIn) -> TaskOut:
    """How the call ended; the lease is over."""
    desk = desk_of(request)
    disposition = disposition_of(told, desk.codes)
    queue = _queue_of(desk, caller)
    done = queue.finish(_held(queue, lease_id), disposition, told.note)
    if isinstance(done, Refusal):
        raise refused(done)
    return task_out(done)


@router.post("/dispositions", responses=documented(404, 409))
def told_later(request: Request, caller: Machine, told: CallDispositionIn) -> TaskOut:
    """How a call ended that was handed over before. A second telling is refused and changes nothing."""
    desk = desk_of(request)
    task_id, _, attempt = told.call.rpartition(":")
    disposition = disposition_of(told, desk.codes)
    done = _queue_of(desk, caller).finish_handed(task_id, int(attempt), disposition, told.note)
    if isinstance(done, Refusal):
        raise refused(done)
    return task_out(done)


def _queue_of(desk: Desk, caller: Caller) -> CallQueue:
    return desk.queue_of(f"api-{caller.token.token_id}")


def _held(queue: CallQueue, lease_id: str) -> Lease:
    held = queue.held(lease_id)
    if held is None:
        raise ProblemError(404, "unknown_lease", "it is over, or another dialer has it")
    return held
