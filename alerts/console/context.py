"""The parts of a running console, as every route finds them."""

from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request

from alerts.audit_trail import AuditTrail
from alerts.console.live import LiveInbox
from alerts.console.pages import Pages
from alerts.console.ports import CustomerDesk, Reports, RuleBook, Services, TaskBoard
from alerts.console.staff import Staff


class Office(NamedTuple):
    """What pages need beyond the task board: reports, trail and rules where there is Kafka."""

    reports: Reports | None = None
    trail: AuditTrail | None = None
    rules: RuleBook | None = None
    desk: CustomerDesk | None = None
    services: Services | None = None


@dataclass(frozen=True, slots=True)
class Console:
    board: TaskBoard
    pages: Pages
    live: LiveInbox
    staff: Staff | None = None
    reports: Reports | None = None
    trail: AuditTrail | None = None
    rules: RuleBook | None = None
    desk: CustomerDesk | None = None
    services: Services | None = None


def console_of(request: Request) -> Console:
    """The console that serves this request."""
    console = request.app.state.console
    assert isinstance(console, Console)
    return console
