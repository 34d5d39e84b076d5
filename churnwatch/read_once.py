"""A page asks Redis the same thing once: what a request that only reads was told, it is told again from memory.

A customer page wanted the customer for the right to see it, for its facts, for its value and for the offers: 38 requests to
Redis, of which 17 are left. Only GET and HEAD remember, and only until they are answered: a change is always decided on
what Redis holds.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from alerts.store import TaskStore
from alerts.task_counts import OwnerCounts
from alerts.tasks import Customer, Task
from pipeline.line_views import LineView

READING = {"GET", "HEAD"}
#: Streams live for hours and must see what changes.
LIVE = "/live/"

Answer = TypeVar("Answer")
_told: ContextVar[dict[tuple[object, ...], object] | None] = ContextVar("told", default=None)


class ReadOnce:
    """Opens the memory of a request that only reads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["type"] == "http" and scope["method"] in READING and not scope["path"].startswith(LIVE)
        token = _told.set({} if reads else None)
        try:
            await self._app(scope, receive, send)
        finally:
            _told.reset(token)


class RememberingStore(TaskStore):
    """The task store as pages ask it. Outside of a reading request it is the task store itself."""

    def customer(self, account_id: str) -> Customer | None:
        return _once(("customer", account_id), lambda: super(RememberingStore, self).customer(account_id))

    def tasks_of(self, account_id: str) -> list[Task]:
        return _once(("tasks_of", account_id), lambda: super(RememberingStore, self).tasks_of(account_id))

    def line_views(self, line_ids: Sequence[str]) -> dict[str, LineView]:
        return _once(("line_views", *line_ids), lambda: super(RememberingStore, self).line_views(line_ids))

    def lines_of(self, account_id: str) -> list[str]:
        return _once(("lines_of", account_id), lambda: super(RememberingStore, self).lines_of(account_id))

    def owners(self) -> list[OwnerCounts]:
        return _once(("owners",), super().owners)


def _once(asked: tuple[object, ...], ask: Callable[[], Answer]) -> Answer:
    told = _told.get()
    if told is None:
        return ask()
    if asked not in told:
        told[asked] = ask()
    return told[asked]  # type: ignore[return-value]  # what was asked under this name was answered by this question
