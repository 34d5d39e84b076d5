"""Live updates by server-sent events: a watched inbox is looked at once a second, however many people watch it."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from time import monotonic

import anyio.to_thread

from alerts.console.ports import TaskBoard
from alerts.console.store_errors import STORE_AWAY
from alerts.task_counts import Counts, OwnerCounts
from alerts.tasks import Task

AWAY = "away"
#: Who watches the start page instead of one inbox.
EVERYBODY = ""
#: A comment line at least this often, so that a proxy does not take a quiet stream for a dead one.
HEARTBEAT_S = 15.0
#: The browser's own pause before it connects again.
RECONNECT_MS = 3000


@dataclass(slots=True)
class Look:
    """The last look at one owner's inbox; the lock keeps a crowd from looking twice."""

    mark: str = ""
    looked_s: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveInbox:
    """Tells watchers when the first page of an inbox changed. Closing it ends every stream."""

    def __init__(self, board: TaskBoard, rows: int, poll_s: float, streams_max: int) -> None:
        self._board = board
        self._rows = rows
        self._poll_s = poll_s
        self._streams_max = streams_max
        self._looks: dict[str, Look] = {}
        self._watchers: dict[str, int] = {}
        self._closing = False

    @property
    def full(self) -> bool:
        return sum(self._watchers.values()) >= self._streams_max

    def close(self) -> None:
        """End every stream within `poll_s`; from any thread."""
        self._closing = True

    async def stream(self, owner: str, seen: str) -> AsyncGenerator[bytes, None]:
        """Events as bytes: `changed` with the new mark as id, `away` and `back` of the store, heartbeats.

        `seen` is the mark the visitor's page was made with: what changed since then is told at once. Empty: only what
        changes from now on.
        """
        self._watchers[owner] = self._watchers.get(owner, 0) + 1
        try:
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            async for event in self._events(owner, seen):
                yield event
        finally:
            self._leave(owner)

    async def _events(self, owner: str, seen: str) -> AsyncGenerator[bytes, None]:
        told, away, spoke_s = seen, False, monotonic()
        while not self._closing:
            mark = await self._mark(owner)
            if mark == AWAY and not away:
                away, spoke_s = True, monotonic()
                yield b"event: away\ndata: 1\n\n"
            elif mark != AWAY and not told:
                told = mark
            elif mark != AWAY and (away or mark != told):
                kind = "back" if away else "changed"
                told, away, spoke_s = mark, False, monotonic()
                yield f"event: {kind}\nid: {mark}\ndata: {mark}\n\n".encode()
            elif monotonic() - spoke_s > HEARTBEAT_S:
                spoke_s = monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(self._poll_s)

    async def _mark(self, owner: str) -> str:
        look = self._looks.setdefault(owner, Look())
        async with look.lock:
            if monotonic() - look.looked_s >= self._poll_s:
                look.mark = await anyio.to_thread.run_sync(self._look, owner)
                look.looked_s = monotonic()
            return look.mark

    def _look(self, owner: str) -> str:
        try:
            if owner == EVERYBODY:
                return owners_mark(self._board.owners(), self._board.counts())
            return inbox_mark(self._board.open_tasks(owner, limit=self._rows))
        except STORE_AWAY:
            return AWAY

    def _leave(self, owner: str) -> None:
        self._watchers[owner] -= 1
        if not self._watchers[owner]:
            del self._watchers[owner]
            self._looks.pop(owner, None)


def inbox_mark(tasks: list[Task]) -> str:
    """A short name of what an inbox shows: another order, version or task makes another mark."""
    return _mark("\n".join(f"{task.task_id}:{task.version}" for task in tasks))


def owners_mark(owners: list[OwnerCounts], counts: Counts) -> str:
    """The same for the start page."""
    totals = f"{counts.open}:{counts.overdue}:{counts.closed}"
    return _mark("\n".join([totals, *(f"{owner.owner}:{owner.open}:{owner.new}" for owner in owners)]))


def _mark(told: str) -> str:
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
