"""What goes wrong, as `application/problem+json` (RFC 9457), and how each refusal of the store reads over HTTP."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from starlette.exceptions import HTTPException

from alerts.store.ledger import InboxNotReady
from alerts.tasks import Refusal, RefusalReason

#: Redis does not answer, or not in time.
STORE_AWAY = (RedisConnectionError, RedisTimeoutError)
MEDIA_TYPE = "application/problem+json"
RETRY_S = 5
#: All others are a 409: the task is not in a state in which this could be done.
STATUS_OF: dict[RefusalReason, int] = {
    RefusalReason.UNKNOWN_TASK: 404,
    RefusalReason.STALE_VERSION: 412,
    RefusalReason.NOT_YOURS: 403,
    RefusalReason.NOTE_TOO_LONG: 422,
    RefusalReason.IN_THE_PAST: 422,
    RefusalReason.BUSY: 503,
}
TITLES = {
    400: "Bad request",
    401: "Token missing or wrong",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "Not possible now",
    412: "Changed meanwhile",
    413: "Too large",
    422: "Wrong value",
    428: "Say which version you saw",
    500: "Failed",
    503: "Away, try again",
}

log = structlog.get_logger()


class Problem(BaseModel):
    """`reason` is a code to act on; `accepted_by` says who has the task that could not be had."""

    type: str = Field(description="urn:churnwatch:problem:<reason>")
    title: str
    status: int
    detail: str = ""
    reason: str
    retry_ms: int | None = Field(None, description="epoch ms; worth trying again then")
    accepted_by: str | None = None
    version: int | None = Field(None, description="the version that the task has now")


class ProblemError(Exception):
    """Ends a request with this problem."""

    def __init__(self, status: int, reason: str, detail: str = "", **more: Any) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail, self.more = status, reason, detail, more


def refused(refusal: Refusal) -> ProblemError:
    """The problem that tells of a refusal of the store."""
    task = refusal.task
    return ProblemError(
        STATUS_OF.get(refusal.reason, 409),
        str(refusal.reason),
        retry_ms=refusal.retry_ms,
        accepted_by=task.accepted_by if task else None,
        version=task.version if task else None,
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that end in a problem, for its description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in (400, 401, 403, 405, 413, 422, 500, 503, *statuses)
    }


def add_problem_answers(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _wrong_value)
    for error in (*STORE_AWAY, InboxNotReady):
        app.add_exception_handler(error, _away)
    app.add_exception_handler(Exception, _failed)


def answer(status: int, reason: str, detail: str = "", headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A problem as a response."""
    told = {name: value for name, value in more.items() if value is not None}
    body = Problem(
        type=f"urn:churnwatch:problem:{reason}",
        title=TITLES[status],
        status=status,
        detail=detail,
        reason=reason,
        **told,
    )
    extra = {"retry-after": str(RETRY_S)} if status == 503 else {}
    return JSONResponse(body.model_dump(exclude_none=True), status, {**extra, **(headers or {})}, MEDIA_TYPE)


def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    return answer(error.status, error.reason, error.detail, headers, **error.more)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code if error.status_code in TITLES else 400
    names = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return answer(status, names.get(status, "bad_request"), headers=dict(error.headers or {}))


def _wrong_value(_request: Request, error: Exception) -> Response:
    """Where and what, without the value: it may be somebody's number."""
    assert isinstance(error, RequestValidationError)
    places = [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    return answer(422, "wrong_value", "; ".join(places)[:1000])


def _away(_request: Request, error: Exception) -> Response:
    log.warning("store.unreachable", kind=type(error).__name__)
    return answer(503, "not_ready" if isinstance(error, InboxNotReady) else "store_away")


def _failed(_request: Request, error: Exception) -> Response:
    """Starlette logs the traceback and raises on after this was sent."""
    log.error("request.failed", kind=type(error).__name__)
    return answer(500, "failed")
