"""What the routes work with, and who asks: the parts of a running API, its token check, and what a caller may see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import redis
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from alerts.accounts.roles import Permission, StaffRole, acting_role, permissions
from alerts.api.problems import ProblemError
from alerts.api.tokens import Token, TokenKeeper, check
from alerts.dialers.codes import DispositionCodes
from alerts.dialers.signature import HookGate
from alerts.moves import may_act
from alerts.queue import CallQueue, QueueDepth
from alerts.store import TaskStore
from alerts.tasks import OUTBOUND, Actor, Task
from alerts.vault import Vault

log = structlog.get_logger()


class ReportsAwayError(Exception):
    """What reports are made of cannot be read now."""


class Reports(Protocol):
    """Makes a management report as a JSON object; raises `ReportsAwayError`."""

    def report(self, name: str, month: str | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the routes need.

    Attributes:
        queue_of: a dialer's end of the queue, by its name among the dialers.
        depth: how full the queue is.
        codes: dialers' own codes, by the name of their table.
        hooks: checks signed messages; None: no secret is configured, none is taken.
        reports: None where this process has no Kafka.
        wall_ms: epoch ms of the wall, by which tokens expire and signatures age.
    """

    store: TaskStore
    client: redis.Redis
    tokens: TokenKeeper
    vault: Vault | None
    queue_of: Callable[[str], CallQueue]
    depth: Callable[[], QueueDepth]
    wall_ms: Callable[[], int]
    codes: Mapping[str, DispositionCodes] = field(default_factory=dict)
    hooks: HookGate | None = None
    reports: Reports | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor` is how the store sees them; None for those who change nothing."""

    token: Token
    actor: Actor | None

    @property
    def role(self) -> StaffRole:
        return self.token.role

    def acting(self) -> Actor:
        """Raises `ProblemError` (403) for a role that never acts."""
        if self.actor is None:
            raise ProblemError(403, "not_allowed", "this role only reads")
        return self.actor

    def sees(self, task: Task) -> bool:
        """A supervisor sees all tasks, a caller those of the team, everybody else those that are theirs to act on."""
        if self.role is StaffRole.SUPERVISOR:
            return True
        if self.role is StaffRole.CALLER and task.owner == OUTBOUND:
            return True
        return self.actor is not None and may_act(task, self.actor)

    def owner_scope(self, wished: str | None) -> str | None:
        """Whose list is shown; None: everybody's.

        Raises:
            ProblemError: 403 for somebody else's.
        """
        if self.role is StaffRole.SUPERVISOR:
            return wished
        own = OUTBOUND if self.role is StaffRole.CALLER else self.token.holder
        if wished not in {None, own}:
            raise ProblemError(403, "not_allowed", f"you may list the tasks of {own} only")
        return own


bearer = HTTPBearer(auto_error=False, scheme_name="token", description="made by `churnwatch token create`")


def desk_of(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def allowed(*any_of: Permission) -> Any:
    """A dependency: the caller, who must have one of these permissions. Who may not is told so and written down."""

    def caller(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Caller:
        desk = desk_of(request)
        token = check(shown.credentials, desk.tokens, desk.wall_ms()) if shown is not None else None
        if token is None:
            log.info("token.refused", given=shown is not None)
            raise ProblemError(401, "no_token", "send `Authorization: Bearer cwt_...`")
        if not permissions([token.role]) & set(any_of):
            needed = " or ".join(any_of)
            log.info("request.denied", holder=token.holder, role=token.role, needed=needed)
            raise ProblemError(403, "not_allowed", f"role {token.role} lacks the permission {needed}")
        role = acting_role([token.role])
        return Caller(token, Actor(token.holder, role) if role else None)

    return Depends(caller)
