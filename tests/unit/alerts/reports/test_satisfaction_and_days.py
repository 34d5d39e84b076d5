"""Satisfaction in five groups and tasks by day and region, counted by hand."""

from datetime import UTC

from alerts.console.sheets import sheet
from alerts.reports.days import days
from alerts.reports.month import month_of
from alerts.reports.satisfaction import GROUPS, satisfaction
from alerts.tasks import Role, TaskEvent, TaskEventKind, TaskResult, TaskState
from pipeline.events import CareKind, CareRecord, Disposition
from tests.fakes.console_samples import task

MARCH = month_of("2026-03")
DAY_MS = 86_400_000


def answer(number: int, group: str | None, score: float | None, account: str = "a-1", day: int = 0) -> CareRecord:
    at_ms = MARCH.start_ms + day * DAY_MS + 1
    return CareRecord(f"s{number}", at_ms, account, CareKind.SATISFACTION, 1, "app", group=group, score=score)  # type: ignore[arg-type]  # literals


def event(kind: TaskEventKind, day: int, region: str, **changes: object) -> TaskEvent:
    at_ms = MARCH.start_ms + day * DAY_MS + 5
    told = {name: changes.pop(name) for name in ("disposition",) if name in changes}
    made = task("t", "a-1", ["complaint"], region=region, **changes)
    if not made.open:
        made = task("t", "a-1", ["complaint"], region=region, closed_ms=at_ms, **changes)
    return TaskEvent("a-1", at_ms, kind, "m-1", Role.MANAGER, task=made, **told)  # type: ignore[arg-type]  # by name


def test_answers_are_counted_by_group_region_and_day_each_once() -> None:
    care = [
        answer(1, "product", 9.0),
        answer(1, "product", 9.0),  # the same record again
        answer(2, "product", 3.0, "a-2"),
        answer(3, "manager", 10.0, day=4),
        answer(4, None, 5.0),
        answer(5, "product", None),
        answer(6, "product", 1.0, day=40),  # another month
    ]
    made = satisfaction(care, {"a-1": "north", "a-2": "south"}, MARCH, UTC)
    assert (made.total.answers, made.total.score_mean) == (4, 6.75)
    product = made.by_group["product"]
    assert (product.answers, product.score_mean, product.low_share, product.high_share) == (2, 6.0, 0.5, 0.5)
    assert set(made.by_group) == {*GROUPS, "unknown"}
    assert made.by_group["pre_sale"].score_mean is None
    assert (made.by_region["north"].answers, made.by_region["south"].answers) == (3, 1)
    assert [(row.day, row.region, row.group) for row in made.by_day] == [
        ("2026-03-01", "north", "product"), ("2026-03-01", "north", "unknown"), ("2026-03-01", "south", "product"),
        ("2026-03-05", "north", "manager"),
    ]  # fmt: skip


def test_tasks_are_counted_by_day_and_region() -> None:
    saved = {"state": TaskState.DONE, "result": TaskResult.SAVED, "disposition": Disposition.REACHED_SAVED}
    told = [
        event(TaskEventKind.CREATED, 0, "north"),
        event(TaskEventKind.CREATED, 0, "south"),
        event(TaskEventKind.ACCEPTED, 1, "north"),
        event(TaskEventKind.ATTEMPT_RECORDED, 1, "north"),
        event(TaskEventKind.DONE, 2, "north", **saved),
        event(TaskEventKind.CREATED, 33, "north"),
    ]
    made = days(told, MARCH, UTC)
    assert (made.made, made.saved, made.by_region) == (2, 1, {"north": 1, "south": 1})
    rows = {(row.day, row.region): row for row in made.by_day}
    assert (rows["2026-03-02", "north"].accepted, rows["2026-03-02", "north"].contacts) == (1, 1)
    assert (rows["2026-03-03", "north"].saved, rows["2026-03-03", "north"].contacts) == (1, 1)
    assert ("2026-04-03", "north") not in rows


def test_a_report_is_asked_for_one_day_and_one_region() -> None:
    made = sheet({"month": "2026-03", "rows": [
        {"day": "2026-03-01", "region": "north", "made": 1}, {"day": "2026-03-01", "region": "south", "made": 2},
        {"day": "2026-03-02", "region": "north", "made": 3},
    ]})  # fmt: skip
    assert made.values("region") == ["north", "south"]
    assert [row[2] for row in made.only("2026-03-01", "").tables[0].rows] == [1, 2]
    assert [row[2] for row in made.only("", "north").tables[0].rows] == [1, 3]
    assert [row[2] for row in made.only("2026-03-02", "north").tables[0].rows] == [3]
    assert made.only("2026-03-02", "south").tables[0].rows == []
