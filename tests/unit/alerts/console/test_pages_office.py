"""Reports and the audit: tables that a spreadsheet may open, a log whose breaks are told."""

import inspect

import msgspec
import pytest

from alerts.audit_trail import AuditTrail
from alerts.chain import seal
from alerts.console.routes_office import REPORTS
from alerts.console.sheets import Table, as_csv, sheet
from alerts.reports import days, ladder, lead_time, playbook_effect, return_visits, satisfaction
from alerts.tasks import Purpose, Role, TaskEvent, TaskEventKind
from tests.fakes.console_office import SPREADSHEET, FakeReports, events
from tests.fakes.console_samples import task
from tests.unit.alerts.console.conftest import Visitor


def shapes() -> list[type[msgspec.Struct]]:
    found = []
    for module in (days, ladder, lead_time, playbook_effect, return_visits, satisfaction):
        for _, record in inspect.getmembers(module, inspect.isclass):
            if issubclass(record, msgspec.Struct) and record.__module__ == module.__name__:
                found.append(record)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_of_every_report_has_words(visitor: Visitor, language: str) -> None:
    known = visitor.app.state.console.pages.texts.pages[language].texts
    inside = {"LadderRules", "Visit"}
    names = {name for record in shapes() if record.__name__ not in inside for name in record.__struct_fields__}
    assert {name for name in names if f"report.{name}" not in known} == set()
    assert {f"reports.{name}" for name in REPORTS} | {f"reports.lead_{name}" for name in REPORTS} <= set(known)


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_shown_for_a_month(visitor: Visitor, name: str) -> None:
    page = visitor.get(f"/reports/{name}?month=2026-09")
    assert page.status_code == 200
    assert "2026-09" in page.text


@pytest.mark.parametrize("month", ["2026-13", "x", "2026-1", "../etc"])
def test_what_is_no_month_is_refused(visitor: Visitor, month: str) -> None:
    assert visitor.client.get("/reports/ladder", params={"month": month}).status_code == 422


def test_a_table_leaves_as_csv_that_no_spreadsheet_runs(visitor: Visitor) -> None:
    answer = visitor.get("/reports/lead-time/rows.csv?month=2026-09")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="lead-time-rows-2026-09.csv"'
    assert f"'{SPREADSHEET}" in answer.text
    assert visitor.get("/reports/lead-time/nothing.csv").status_code == 404


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula_and_no_number_becomes_text(cell: str) -> None:
    line = as_csv(Table("t", ["a", "b"], [[cell, -1.5]])).splitlines()[1:]
    assert "".join(line).lstrip('"').startswith("'")
    assert line[-1].endswith("-1.5")


def test_a_report_of_nothing_has_tables_without_rows() -> None:
    assert sheet({"month": "2026-10", "rows": [], "by_kind": {}}).tables == [
        Table("rows", [], []), Table("by_kind", ["kind", "count"], []),
    ]  # fmt: skip


def test_reports_say_that_kafka_is_away(visitor: Visitor) -> None:
    reports = visitor.app.state.console.reports
    assert isinstance(reports, FakeReports)
    reports.away = True
    assert visitor.get("/reports/ladder").status_code == 503
    assert visitor.get("/reports/ladder/rungs.csv").status_code == 503


def test_the_audit_tells_who_did_what_and_that_the_log_is_whole(visitor: Visitor) -> None:
    page = visitor.get("/audit").text
    assert "The log is whole: 4 events of 3 customers verified." in page
    assert visitor.get("/audit?who=eva").text.count("<tr><td>") == 1
    assert visitor.get("/audit?account=A2").text.count("<tr><td>") == 1


def test_a_change_a_gap_and_a_forged_event_are_told_and_reading_goes_on() -> None:
    chain = events("A1", ["m-1", "m-2", "m-3", "m-4"])
    changed = msgspec.structs.replace(chain[1], note="something else")
    trail = AuditTrail()
    trail.take([chain[0], changed, chain[2], *events("A2", ["m-9"])], behind=0)
    state = trail.state()
    assert state.events == 4
    assert len(state.broken) == 1
    assert "event 2 of account A1 was changed" in state.broken[0]
    gap = AuditTrail()
    gap.take([chain[0], chain[2]], behind=None)
    assert "missing" in gap.state().broken[0]


def test_an_exact_repeat_is_no_break_and_counts_once() -> None:
    chain = events("A1", ["m-1", "m-2"])
    trail = AuditTrail()
    trail.take([*chain[:1], *chain[:1], *chain[1:]], behind=0)
    assert (trail.state().events, trail.state().broken) == (2, [])


def test_only_the_latest_events_are_kept_but_all_are_verified() -> None:
    chain = events("A1", [f"m-{number}" for number in range(30)])
    trail = AuditTrail(kept=10)
    trail.take(chain, behind=0)
    assert [event.actor for event in trail.latest("", "", 100)] == [f"m-{number}" for number in range(29, 19, -1)]
    assert trail.state().events == 30


def test_the_trail_counts_the_tasks_that_were_made_as_far_as_it_reaches_back() -> None:
    def made(account: str, at_ms: int, purpose: Purpose = Purpose.RETENTION) -> TaskEvent:
        created = task("t", account, ["complaint"], purpose=purpose)
        draft = TaskEvent(account, at_ms, TaskEventKind.CREATED, "tasks", Role.SYSTEM, task=created)
        return seal(draft, 0, "")

    trail = AuditTrail(kept=3)
    assert trail.made_between(0, 100) is None
    trail.take([made("A1", 10), made("A2", 20, Purpose.RETURN_VISIT), made("A3", 30)], behind=0)
    assert (trail.made_between(0, 100), trail.made_between(15, 100), trail.made_between(0, 25)) == (2, 1, 1)
    trail.take([made("A4", 40)], behind=0)
    assert (trail.made_between(0, 100), trail.made_between(25, 100)) == (None, 2)


def test_many_looks_at_pages_push_no_change_out_of_the_trail() -> None:
    chain = events("A1", ["m-1", "m-2"])
    looks: list[TaskEvent] = []
    for number in range(30):
        draft = TaskEvent("A2", chain[-1].ts_ms + 1 + number, TaskEventKind.CUSTOMER_SEEN, "m-9", Role.MANAGER)
        looks.append(seal(draft, number, looks[-1].hash if looks else ""))
    trail = AuditTrail(kept=10)
    trail.take([*chain, *looks], behind=0)
    assert [event.actor for event in trail.latest("", "", 100)] == ["m-9"] * 10 + ["m-2", "m-1"]
    assert trail.state().broken == []
    assert trail.made_between(0, 1) == 0


def test_the_audit_is_exported_as_it_is_narrowed_without_what_people_wrote(visitor: Visitor) -> None:
    whole = visitor.get("/audit/events.csv")
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    lines = whole.text.lstrip("\ufeff").splitlines()
    assert lines[0].startswith("ts_ms,account_id,seq,kind,actor")
    assert len(lines) == 5
    assert "fewer false alarms" not in whole.text
    assert len(visitor.get("/audit/events.csv?account=A2").text.splitlines()) == 2


def test_a_table_of_one_unit_is_drawn_and_can_be_had_as_a_file_one_of_several_is_not(visitor: Visitor) -> None:
    page = visitor.get("/reports/satisfaction?month=2026-10").text
    assert page.count('class="chart bars"') == 2
    drawn = visitor.get("/reports/satisfaction/by_group.svg?month=2026-10")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.count("<rect") == 5
    assert visitor.get("/reports/satisfaction/total.svg?month=2026-10").status_code == 404
    assert visitor.get("/reports/satisfaction/nothing.svg").status_code == 404
