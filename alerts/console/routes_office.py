"""Reports for those who steer, the audit for those who check."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs
from alerts.console.context import Console, console_of
from alerts.console.moments import moment
from alerts.console.ports import ReportsAwayError
from alerts.console.sheets import ROWS_SHOWN, Sheet, Table, as_csv, sheet

router = APIRouter()
REPORTS = ("ladder", "lead-time", "return-visits", "playbooks", "satisfaction", "days")
EVENTS_SHOWN = 200
EXPORTED_MAX = 10_000
#: Fields of an event that an export has.
AUDITED = (
    "ts_ms", "account_id", "seq", "kind", "actor", "role", "task_id", "line_id", "disposition", "reason", "rule", "read_for",
    "hash",
)  # fmt: skip
SEES_REPORTS = [Depends(Needs(Permission.REPORTS))]
SEES_AUDIT = [Depends(Needs(Permission.AUDIT))]
MonthName = Annotated[str, Query(pattern=r"^(|\d{4}-(0[1-9]|1[0-2]))$")]
Wanted = Annotated[str, Query(max_length=64)]
DayName = Annotated[str, Query(pattern=r"^(|\d{4}-\d{2}-\d{2})$")]


@router.get("/reports", response_class=HTMLResponse, dependencies=SEES_REPORTS)
def reports(request: Request) -> Response:
    """Which reports there are."""
    return console_of(request).pages.render(request, "reports.html", names=REPORTS)


@router.get("/reports/{name}", response_class=HTMLResponse, dependencies=SEES_REPORTS)
def report(request: Request, name: str, month: MonthName = "", day: DayName = "", region: Wanted = "") -> Response:
    """One report of a month, as figures and tables; rows of a day or a region where these are asked for."""
    console = console_of(request)
    try:
        made = _sheet(console, name, month)
    except ReportsAwayError:
        return console.pages.render(request, "reports.html", 503, names=REPORTS, away=True)
    zone = console.pages.zone
    return console.pages.render(
        request, "report.html", name=name, names=REPORTS, sheet=made.only(day, region.strip()), month=month, day=day,
        region=region, regions=made.values("region"), rows_shown=ROWS_SHOWN,
        shown=lambda column, value: _shown(column, value, lambda at_ms: moment(at_ms, zone)),
    )  # fmt: skip


@router.get("/reports/{name}/{table}.csv", dependencies=SEES_REPORTS)
def report_csv(
    request: Request, name: str, table: str, month: MonthName = "", day: DayName = "", region: Wanted = ""
) -> Response:
    """One table of a report, for a spreadsheet."""
    try:
        made = _sheet(console_of(request), name, month).only(day, region.strip())
    except ReportsAwayError:
        raise HTTPException(503) from None
    found = next((one for one in made.tables if one.name == table), None)
    if found is None:
        raise HTTPException(404)
    file = re.sub(r"[^\w-]", "", f"{name}-{table}-{month or 'now'}")
    headers = {"content-disposition": f'attachment; filename="{file}.csv"'}
    return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/audit", response_class=HTMLResponse, dependencies=SEES_AUDIT)
def audit(request: Request, who: Wanted = "", account: Wanted = "") -> Response:
    """Who did what, and whether the log is whole."""
    console = console_of(request)
    trail = console.trail
    zone = console.pages.zone
    return console.pages.render(
        request, "audit.html", who=who, account=account, state=trail.state() if trail else None,
        events=trail.latest(who.strip(), account.strip(), EVENTS_SHOWN) if trail else [],
        moment=lambda at_ms: moment(at_ms, zone),
    )  # fmt: skip


@router.get("/audit/events.csv", dependencies=SEES_AUDIT)
def audit_csv(request: Request, who: Wanted = "", account: Wanted = "") -> Response:
    """The latest events as the page narrows them, all that are kept, for a spreadsheet; what people wrote is not among them."""
    trail = console_of(request).trail
    if trail is None:
        raise HTTPException(404)
    found = trail.latest(who.strip(), account.strip(), EXPORTED_MAX)
    rows = [
        [str(value) if (value := getattr(event, name)) is not None else None for name in AUDITED] for event in found
    ]
    headers = {"content-disposition": 'attachment; filename="audit.csv"'}
    return Response(as_csv(Table("audit", list(AUDITED), rows)), media_type="text/csv; charset=utf-8", headers=headers)


def _sheet(console: Console, name: str, month: str) -> Sheet:
    if name not in REPORTS or console.reports is None:
        raise HTTPException(404)
    return sheet(console.reports.report(name, month or None))


def _shown(column: Any, value: Any, at: Any) -> str:
    column = str(column)
    if value is None:
        return "–"
    if column.endswith("_ms"):
        return str(at(value))
    if column.endswith(("_share", "share_in_time")) or column.startswith(("saved_low", "saved_high")):
        return f"{value:.0%}"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
