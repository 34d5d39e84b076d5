"""Reports for those who steer, the audit for those who check."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from alerts.accounts.roles import Permission
from alerts.console.access import Needs
from alerts.console.charts.standalone import standalone
from alerts.console.context import Console, console_of
from alerts.console.moments import moment
from alerts.console.ports import ReportsAwayError
from alerts.console.report_charts import report_chart
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
    only, shown = made.only(day, region.strip()), _shower(console)
    texts = console.pages.wording(request).texts
    return console.pages.render(
        request, "report.html", name=name, names=REPORTS, sheet=only, month=month, day=day, region=region,
        regions=made.values("region"), rows_shown=ROWS_SHOWN, shown=shown,
        charts={table.name: report_chart(table, texts, shown) for table in only.tables},
    )  # fmt: skip


@router.get("/reports/{name}/{table}.svg", dependencies=SEES_REPORTS)
def report_svg(
    request: Request, name: str, table: str, month: MonthName = "", day: DayName = "", region: Wanted = ""
) -> Response:
    """One chart of a report as a file."""
    console = console_of(request)
    found = _table(console, name, table, month, day, region)
    drawn = report_chart(found, console.pages.wording(request).texts, _shower(console))
    if drawn is None:
        raise HTTPException(404)
    return Response(standalone(drawn), media_type="image/svg+xml", headers=_attached(name, table, month, "svg"))


@router.get("/reports/{name}/{table}.csv", dependencies=SEES_REPORTS)
def report_csv(
    request: Request, name: str, table: str, month: MonthName = "", day: DayName = "", region: Wanted = ""
) -> Response:
    """One table of a report, for a spreadsheet."""
    found = _table(console_of(request), name, table, month, day, region)
    media, headers = "text/csv; charset=utf-8", _attached(name, table, month, "csv")
    return Response(as_csv(found), media_type=media, headers=headers)


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


def _table(console: Console, name: str, table: str, month: str, day: str, region: str) -> Table:
    """Raises 404 where the report has no such table, 503 where it cannot be made now."""
    try:
        made = _sheet(console, name, month).only(day, region.strip())
    except ReportsAwayError:
        raise HTTPException(503) from None
    found = next((one for one in made.tables if one.name == table), None)
    if found is None:
        raise HTTPException(404)
    return found


def _attached(name: str, table: str, month: str, kind: str) -> dict[str, str]:
    file = re.sub(r"[^\w-]", "", f"{name}-{table}-{month or 'now'}")
    return {"content-disposition": f'attachment; filename="{file}.{kind}"'}


def _shower(console: Console) -> Callable[[str, Any], str]:
    zone = console.pages.zone
    return lambda column, value: _shown(column, value, lambda at_ms: moment(at_ms, zone))


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
