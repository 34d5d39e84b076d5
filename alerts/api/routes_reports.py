"""Management reports as JSON, the same that `churnwatch report` prints."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from alerts.accounts.roles import Permission
from alerts.api.context import Caller, ReportsAwayError, allowed, desk_of
from alerts.api.problems import ProblemError, documented

router = APIRouter(tags=["reports"])
Reader = Annotated[Caller, allowed(Permission.REPORTS)]
Month = Annotated[
    str | None, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="as 2026-10; without: this one")
]


class ReportName(StrEnum):
    LADDER = "ladder"
    LEAD_TIME = "lead-time"
    RETURN_VISITS = "return-visits"
    PLAYBOOKS = "playbooks"


@router.get("/reports/{name}", responses=documented())
def report(request: Request, caller: Reader, name: ReportName, month: Month = None) -> dict[str, Any]:  # noqa: ARG001 -- the check
    """One report of one month."""
    reports = desk_of(request).reports
    if reports is None:
        raise ProblemError(503, "no_reports", "this process has no Kafka to read them from")
    try:
        return reports.report(name, month)
    except ReportsAwayError:
        raise ProblemError(503, "reports_away") from None
