"""Tasks: list, look, claim, act. Whoever changes one says by `If-Match` which version they saw."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from alerts.accounts.roles import READ_TASKS, Permission
from alerts.api.context import Caller, Desk, allowed, desk_of
from alerts.api.models import AnyId, DispositionIn, HandOverIn, NoteIn, SnoozeIn, StaffId, TaskOut, TaskPage, task_out
from alerts.api.problems import ProblemError, documented, refused
from alerts.api.translate import disposition_of
from alerts.tasks import Actor, Refusal, Task, TaskState

router = APIRouter(prefix="/tasks", tags=["tasks"])
Reader = Annotated[Caller, allowed(*READ_TASKS)]
Doer = Annotated[Caller, allowed(Permission.WORK_TASKS)]
TaskId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
IfMatch = Annotated[str | None, Header(description='the ETag that you saw, as "3"', max_length=40)]
ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')
CHANGES = documented(404, 409, 412, 428)


class Shelf(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@router.get("", responses=documented())
def tasks(
    request: Request,
    caller: Reader,
    owner: Annotated[StaffId | None, Query()] = None,
    state: Annotated[TaskState | None, Query(description="of open tasks")] = None,
    account_id: Annotated[AnyId | None, Query(description="only this account's, open ones first; at most 50")] = None,
    shelf: Annotated[Shelf, Query()] = Shelf.OPEN,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> TaskPage:
    """Open tasks, the most urgent first, or closed ones, the latest first. A manager gets their own."""
    store = desk_of(request).store
    if account_id is not None:
        found = [task for task in store.tasks_of(account_id) if caller.sees(task)]
        return _page(request, found[offset : offset + limit], len(found), limit, offset)
    whose = caller.owner_scope(owner)
    if shelf is Shelf.CLOSED:
        rows = store.closed_tasks(whose, limit, offset)
        return _page(request, rows, store.count_closed(whose), limit, offset)
    return _page(request, store.open_tasks(whose, state, limit, offset), store.count_open(whose, state), limit, offset)


@router.get("/{task_id}", responses=documented(404))
def task(request: Request, response: Response, caller: Reader, task_id: TaskId) -> TaskOut:
    """One task with its notes and history."""
    return _shown(response, seen(desk_of(request), caller, task_id))


@router.post("/{task_id}/claim", responses=CHANGES)
def claim(request: Request, response: Response, caller: Doer, task_id: TaskId, if_match: IfMatch = None) -> TaskOut:
    """Take a task on. Of two who try, one gets it and the other hears who was quicker."""
    store = desk_of(request).store
    return changed(
        request, response, caller, task_id, if_match, lambda actor, version: store.accept(task_id, actor, version)
    )


@router.post("/{task_id}/dispositions", responses=CHANGES)
def record(
    request: Request, response: Response, caller: Doer, task_id: TaskId, told: DispositionIn, if_match: IfMatch = None
) -> TaskOut:
    """How a contact ended; the workers learn from it."""
    desk = desk_of(request)
    disposition = disposition_of(told, desk.codes)
    return changed(
        request, response, caller, task_id, if_match,
        lambda actor, version: desk.store.record_disposition(task_id, actor, disposition, told.note, version),
    )  # fmt: skip


@router.post("/{task_id}/notes", responses=CHANGES)
def note(
    request: Request, response: Response, caller: Doer, task_id: TaskId, told: NoteIn, if_match: IfMatch = None
) -> TaskOut:
    """Write something down without ending anything."""
    store = desk_of(request).store
    return changed(
        request, response, caller, task_id, if_match,
        lambda actor, version: store.add_note(task_id, actor, told.text, version),
    )  # fmt: skip


@router.post("/{task_id}/snooze", responses=CHANGES)
def snooze(
    request: Request, response: Response, caller: Doer, task_id: TaskId, told: SnoozeIn, if_match: IfMatch = None
) -> TaskOut:
    """Put it aside until then."""
    store = desk_of(request).store
    return changed(
        request, response, caller, task_id, if_match,
        lambda actor, version: store.snooze(task_id, actor, told.until_ms, version),
    )  # fmt: skip


@router.post("/{task_id}/hand-over", responses=CHANGES)
def hand_over(
    request: Request, response: Response, caller: Doer, task_id: TaskId, told: HandOverIn, if_match: IfMatch = None
) -> TaskOut:
    """Give it to somebody else."""
    store = desk_of(request).store
    return changed(
        request, response, caller, task_id, if_match,
        lambda actor, version: store.reassign(task_id, actor, told.owner, version),
    )  # fmt: skip


def changed(
    request: Request,
    response: Response,
    caller: Caller,
    task_id: str,
    if_match: str | None,
    change: Callable[[Actor, int], Task | Refusal],
) -> TaskOut:
    """A change by somebody who may see the task and said which version of it they saw."""
    actor = caller.acting()
    version = _version(if_match)
    seen(desk_of(request), caller, task_id)
    outcome = change(actor, version)
    if isinstance(outcome, Refusal):
        raise refused(outcome)
    return _shown(response, outcome)


def seen(desk: Desk, caller: Caller, task_id: str) -> Task:
    """The task, if there is one that the caller may see; what is somebody else's looks as if it were not there."""
    found = desk.store.get(task_id)
    if found is None or not caller.sees(found):
        raise ProblemError(404, "unknown_task")
    return found


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise ProblemError(428, "version_missing", 'send `If-Match: "<version>"` with the version that you saw')
    found = ETAG.fullmatch(if_match.strip())
    if found is None:
        raise ProblemError(412, "stale_version", "If-Match holds no version of a task")
    return int(found[1])


def _shown(response: Response, found: Task) -> TaskOut:
    response.headers["etag"] = f'"{found.version}"'
    return task_out(found)


def _page(request: Request, rows: list[Task], total: int, limit: int, offset: int) -> TaskPage:
    follows = offset + limit < total
    url = request.url.include_query_params(limit=limit, offset=offset + limit)
    return TaskPage(
        items=[task_out(row) for row in rows],
        total=total,
        limit=limit,
        offset=offset,
        next=f"{url.path}?{url.query}" if follows else None,
    )
