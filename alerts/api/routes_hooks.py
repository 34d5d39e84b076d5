"""Where a telephone system tells by itself how a call ended: a signed message, taken once (alerts/dialers/signature.py)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import BaseModel, Field, ValidationError

from alerts.api.context import desk_of
from alerts.api.models import CallDispositionIn, TaskOut, task_out
from alerts.api.problems import ProblemError, documented, refused
from alerts.api.translate import disposition_of
from alerts.dialers.signature import HookRefusal
from alerts.tasks import Refusal

router = APIRouter(tags=["hooks"])
STATUS = {HookRefusal.BAD_SIGNATURE: 401, HookRefusal.TOO_OLD: 401, HookRefusal.REPLAYED: 409}
BODY = {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"$ref": "#/components/schemas/CallDispositionIn"},
}}}}  # fmt: skip


class SignatureHeaders(BaseModel):
    """See `alerts.dialers.signature.sign`."""

    x_churnwatch_time: Annotated[str, Field(description="epoch seconds")]
    x_churnwatch_id: Annotated[str, Field(description="of this message; one id is taken once")]
    x_churnwatch_signature: Annotated[str, Field(description="v1= and HMAC-SHA-256 over time.id.body in hex")]

    def by_name(self) -> dict[str, str]:
        return {name.replace("_", "-"): value for name, value in self.model_dump().items()}


async def raw_body(request: Request) -> bytes:
    return await request.body()


@router.post("/hooks/{dialer}", responses=documented(404, 409), openapi_extra=BODY)
def told_by_dialer(
    request: Request,
    dialer: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="name of its table in config/dialers")],
    body: Annotated[bytes, Depends(raw_body)],
    signed: Annotated[SignatureHeaders, Header()],
) -> TaskOut:
    """How a call ended. A bad, old or repeated message changes nothing."""
    desk = desk_of(request)
    if desk.hooks is None or dialer not in desk.codes:
        raise ProblemError(404, "unknown_dialer", "no secret is configured, or there is no such table")
    refusal = desk.hooks.refusal(signed.by_name(), body, desk.wall_ms() / 1000)
    if refusal is not None:
        raise ProblemError(STATUS[refusal], str(refusal))
    try:
        told = CallDispositionIn.model_validate_json(body)
    except ValidationError as error:
        raise ProblemError(422, "wrong_value", f"{error.error_count()} fields are wrong or missing") from None
    task_id, _, attempt = told.call.rpartition(":")
    disposition = disposition_of(told, desk.codes, dialer)
    done = desk.queue_of(f"hook-{dialer}").finish_handed(task_id, int(attempt), disposition, told.note)
    if isinstance(done, Refusal):
        raise refused(done)
    desk.hooks.taken(signed.by_name())
    return task_out(done)
