"""Tasks that go elsewhere: put aside for some days, handed over, escalated; many at once by a supervisor."""

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs, require_inbox
from alerts.console.context import console_of
from alerts.console.forms import ActionForm, CheckedForm
from alerts.console.moments import DAY_MS, SNOOZE_DAYS
from alerts.console.owners import known_owners
from alerts.console.rows import inbox_href
from alerts.console.task_answers import answer, problem, visible_task
from alerts.console.visitor import acting
from alerts.tasks import Actor, Refusal, RefusalReason, Task, TaskEventKind

router = APIRouter()
WORKS_TASKS = [Depends(Needs(Permission.WORK_TASKS))]
ASSIGNS = [Depends(Needs(Permission.ASSIGN))]
PICKED = "task."


@router.post("/tasks/{task_id:path}/snooze", dependencies=WORKS_TASKS)
def snooze(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Put aside for some days; it comes back by itself."""
    task = visible_task(request, task_id)
    days = _days(form)
    if days is None:
        return problem(request, task, form, "refusal.choose_days")
    board = console_of(request).board
    until_ms = board.now_ms() + days * DAY_MS
    return answer(
        request, task, board.snooze(task_id, acting(request, task.owner), until_ms, form.version), form, "snoozed"
    )


@router.post("/tasks/{task_id:path}/hand-over", dependencies=WORKS_TASKS)
def hand_over(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Give it to somebody else; it is new to them."""
    task = visible_task(request, task_id)
    owner = form.fields.get("owner", "")
    if owner not in known_owners(request):
        return problem(request, task, form, "refusal.choose_owner")
    result = console_of(request).board.reassign(task_id, acting(request, task.owner), owner, form.version)
    return answer(request, task, result, form, "handed_over")


@router.post("/tasks/{task_id:path}/escalate", dependencies=WORKS_TASKS)
def escalate(request: Request, task_id: str, form: CheckedForm) -> Response:
    """Ask for a supervisor, and say why. Asked twice (a form sent again), it is done once."""
    task = visible_task(request, task_id)
    why = form.fields.get("why", "").replace("\r\n", "\n").strip()
    if not why:
        return problem(request, task, form, "refusal.say_why")
    actor = acting(request, task.owner)
    result = console_of(request).board.escalate(task_id, actor, why, form.version)
    if isinstance(result, Refusal) and result.task is not None and result.task.open and result.task.escalation:
        if raised_by(result.task, actor):
            return answer(request, task, result.task, form, "escalated")
        if result.reason is RefusalReason.WRONG_STATE:
            return problem(request, task, form, "refusal.already_escalated", 409)
    return answer(request, task, result, form, "escalated")


@router.post("/many/{owner:path}", dependencies=ASSIGNS)
def many(request: Request, owner: str, form: CheckedForm) -> Response:
    """Put many tasks aside or hand them over; each by itself, and the page tells how many were refused."""
    require_inbox(request, owner)
    picked = [key.removeprefix(PICKED) for key, value in form.fields.items() if key.startswith(PICKED) and value]
    if not picked:
        return RedirectResponse(f"{inbox_href(owner)}?told=none", 303)
    done = sum(isinstance(_one(request, task_id, form), Task) for task_id in picked)
    return RedirectResponse(f"{inbox_href(owner)}?told={done}.{len(picked) - done}", 303)


def raised_by(task: Task, actor: Actor) -> bool:
    """Whether the last step of the chain was this person's own."""
    steps = [entry for entry in task.history if entry.kind is TaskEventKind.ESCALATED]
    return bool(steps) and steps[-1].actor == actor.name


def _one(request: Request, task_id: str, form: ActionForm) -> Task | Refusal:
    board = console_of(request).board
    version = form.fields.get(f"version.{task_id}", "")
    known = int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None
    actor = acting(request, None)
    if form.fields.get("act") == "snooze" and (days := _days(form)) is not None:
        return board.snooze(task_id, actor, board.now_ms() + days * DAY_MS, known)
    to = form.fields.get("owner", "")
    if form.fields.get("act") == "hand_over" and to in known_owners(request):
        return board.reassign(task_id, actor, to, known)
    raise HTTPException(422)


def _days(form: ActionForm) -> int | None:
    text = form.fields.get("days", "")
    return int(text) if text in {str(days) for days in SNOOZE_DAYS} else None
