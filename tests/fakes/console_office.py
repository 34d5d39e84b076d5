"""Reports and an audit trail for the console's tests: real shapes, few rows."""

from datetime import UTC
from typing import Any

import msgspec

from alerts.audit_trail import AuditTrail
from alerts.chain import seal
from alerts.console.ports import ReportsAwayError, Service
from alerts.reports.lead_time import LeadTimes, Row
from alerts.reports.month import month_of
from alerts.reports.playbook_effect import PlaybookEffects
from alerts.reports.return_visits import Compliance, ReturnVisits
from alerts.reports.satisfaction import satisfaction
from alerts.tasks import Role, TaskEvent, TaskEventKind
from pipeline.events import CareKind, CareRecord
from tests.fakes.console_samples import HOUR_MS, NOW_MS

SPREADSHEET = "=cmd|' /C calc'!A0"


class FakeReports:
    """Lead times with one customer whose name is a formula; `away = True`: Kafka cannot be read."""

    def __init__(self) -> None:
        self.away = False

    def report(self, name: str, month: str | None) -> dict[str, Any]:
        if self.away:
            raise ReportsAwayError
        shown = month or "2026-10"
        row = Row(
            SPREADSHEET, None, "port_out", NOW_MS, NOW_MS - 9 * 24 * HOUR_MS, NOW_MS - 8 * 24 * HOUR_MS, None, None
        )
        nothing = Compliance(0, 0, 0, 0, 0, None, None)
        made: dict[str, msgspec.Struct] = {
            "lead-time": LeadTimes(shown, 1, {"warned": 1}, {"port_out": 1}, 8.0, 1.0, {"task": None}, [row]),
            "playbooks": PlaybookEffects(shown, []),
            "return-visits": ReturnVisits(shown, nothing, {"provisioning": nothing}, {}, []),
            "satisfaction": satisfaction(answers(), {"ACC-1": "north", "ACC-2": "south"}, month_of(shown), UTC),
        }
        return msgspec.to_builtins(made.get(name, made["lead-time"]))  # type: ignore[no-any-return]  # it is an object


def answers() -> list[CareRecord]:
    """Some of every group but one, on three days of October 2026."""
    told: tuple[tuple[Any, float], ...] = (
        ("product", 9.0),
        ("product", 4.0),
        ("in_sale", 7.0),
        ("after_sale", 3.0),
        ("after_sale", 8.0),
        ("manager", 10.0),
    )
    day_ms = 24 * HOUR_MS
    return [
        CareRecord(
            f"s{number}",
            NOW_MS - number % 3 * day_ms,
            f"ACC-{number % 2 + 1}",
            CareKind.SATISFACTION,
            1,
            "app",
            group=group,
            score=score,
        )
        for number, (group, score) in enumerate(told)
    ]


def events(account: str, actors: list[str]) -> list[TaskEvent]:
    """One account's chain, an event by each of these."""
    made: list[TaskEvent] = []
    for number, actor in enumerate(actors):
        draft = TaskEvent(
            account_id=account, ts_ms=NOW_MS + number, kind=TaskEventKind.NOTE_ADDED, actor=actor, role=Role.MANAGER
        )
        made.append(seal(draft, number, made[-1].hash if made else ""))
    return made


def sample_trail() -> AuditTrail:
    trail = AuditTrail()
    changed = TaskEvent(
        account_id="rules:live", ts_ms=NOW_MS + 9, kind=TaskEventKind.RULES_CHANGED, actor="rhea", role=Role.SUPERVISOR,
        note="1: fewer false alarms",
    )  # fmt: skip
    trail.take([*events("A1", ["m-17", "eva"]), *events("A2", ["m-17"]), seal(changed, 0, "")], behind=0)
    return trail


class FakeServices:
    """What is away, as a test says."""

    def __init__(self) -> None:
        self.gone: set[Service] = set()

    def away(self) -> frozenset[Service]:
        return frozenset(self.gone)
