"""A task's clock: due, standing still, escalating."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.business_time import BusinessTime, CalendarError, WorkDays
from alerts.clock_policy import CLOCK_POLICY_FILE, ClockPolicyError, read_clock_policy
from alerts.clocks import Clocks
from alerts.moves import accept, add_note, reassign, record, snooze
from alerts.rules import read_rules
from alerts.tasks import (
    OUTBOUND,
    UNASSIGNED,
    Actor,
    Refusal,
    RefusalReason,
    Role,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from pipeline.events import Disposition, Level
from tests.fakes.alert_records import DAY_MS, HOUR_MS, MANAGER, NOON_MS, SUPERVISOR

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = BusinessTime("09:00-18:00", WorkDays("CN"))
CLOCKS = Clocks(read_clock_policy(), "CN", "Asia/Shanghai")
POLICY = read_rules().tasks


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def shown(at_ms: int, zone: ZoneInfo = SHANGHAI) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def new_task(now_ms: int, level: Level = Level.WARN, star: int = 3, **changes: object) -> Task:
    made = Task(
        task_id="t-1", account_id="a-1", line_id="l-1", reason_group="price", level=level, score=0.4,
        score_basis="prior", days_left=None, signals=[], reasons=[], owner="m-1", deputy="m-2", team="team-1",
        state=TaskState.NEW, created_ms=now_ms, due_ms=now_ms, refreshed_ms=now_ms, star=star,
    )  # fmt: skip
    return CLOCKS.started(msgspec.structs.replace(made, **changes), now_ms)


def after(task: Task, move: TaskEvent | Refusal) -> Task:
    """The task after a move, as the store would keep it."""
    assert isinstance(move, TaskEvent), move
    kept = CLOCKS.kept(task, move).task
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        # An ordinary week: Friday 17:00 and two hours is Monday 10:00.
        ("2026-03-06T17:00", 2, "2026-03-09 10:00"),
        # Before opening the clock waits for 09:00; at night it has stopped.
        ("2026-03-03T03:00", 1, "2026-03-03 10:00"),
        ("2026-03-03T22:00", 1, "2026-03-04 10:00"),
        # Saturday 14 February 2026 is worked in exchange for the Spring Festival, Sunday the 15th to Monday the 23rd are not.
        ("2026-02-14T17:00", 2, "2026-02-24 10:00"),
        # National Day 2026: Saturday 10 October is a working day; the 1st to the 7th are not.
        ("2026-09-30T17:00", 2, "2026-10-08 10:00"),
        ("2026-10-09T17:00", 2, "2026-10-10 10:00"),
        # Exactly to the end of a day, not to the morning after.
        ("2026-03-03T09:00", 9, "2026-03-03 18:00"),
    ],
)
def test_working_time_knows_weekends_holidays_and_swapped_days(start: str, hours: float, due: str) -> None:
    assert shown(CHINA.after(ms(start), int(hours * HOUR_MS), SHANGHAI)) == due


def test_working_time_is_the_customers_whatever_summer_time_does() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    german = BusinessTime("09:00-18:00", WorkDays("DE"))
    friday = ms("2026-03-27T17:00", berlin)
    assert shown(german.after(friday, 2 * HOUR_MS, berlin), berlin) == "2026-03-30 10:00"
    assert german.between(friday, ms("2026-03-30T10:00", berlin), berlin) == 2 * HOUR_MS


@given(st.integers(0, 400 * DAY_MS), st.integers(1, 300 * HOUR_MS))
def test_what_is_added_is_what_is_measured(offset_ms: int, working_ms: int) -> None:
    start_ms = NOON_MS + offset_ms
    end_ms = CHINA.after(start_ms, working_ms, SHANGHAI)
    assert CHINA.between(start_ms, end_ms, SHANGHAI) == working_ms
    assert CHINA.after(start_ms, working_ms // 2, SHANGHAI) <= end_ms


def test_a_calendar_that_does_not_exist_is_named() -> None:
    with pytest.raises(CalendarError, match="'ZZ'"):
        WorkDays("ZZ")
    with pytest.raises(CalendarError, match="9 to 5"):
        BusinessTime("9 to 5", None)
    assert WorkDays("XECB").worked(datetime(2026, 5, 1, tzinfo=UTC).date()) is False


@pytest.mark.parametrize(
    ("level", "star", "due"),
    [
        (Level.CRITICAL, 5, "2026-03-03 12:00"),
        (Level.CRITICAL, 0, "2026-03-03 14:00"),
        (Level.WARN, 5, "2026-03-03 14:00"),
        (Level.WARN, 3, "2026-03-04 10:00"),
        (Level.WARN, 1, "2026-03-05 10:00"),
        (Level.WATCH, 5, "2026-03-04 10:00"),
    ],
)
def test_due_by_level_and_star(level: Level, star: int, due: str) -> None:
    assert shown(new_task(ms("2026-03-03T10:00"), level, star).due_ms) == due


def test_the_outbound_team_works_at_weekends() -> None:
    saturday = ms("2026-03-07T10:00")
    assert shown(new_task(saturday, Level.CRITICAL, owner=OUTBOUND).due_ms) == "2026-03-07 12:00"
    assert shown(new_task(saturday, Level.CRITICAL).due_ms) == "2026-03-09 11:00"


def test_the_customers_own_time_zone_counts() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    task = new_task(ms("2026-03-03T08:00", berlin), Level.CRITICAL, timezone="Europe/Berlin")
    assert shown(task.due_ms, berlin) == "2026-03-03 11:00"


def test_a_star_guarantees_no_later_due_time_than_a_lower_one() -> None:
    for level in Level:
        due = [new_task(NOON_MS, level, star).due_ms for star in range(6)]
        assert due == sorted(due, reverse=True)


def test_the_clock_stands_still_while_the_customer_is_waited_for() -> None:
    start = ms("2026-03-03T10:00")
    task = new_task(start)  # due on Wednesday 10:00, nine working hours
    at = ms("2026-03-03T12:00")
    waiting = after(task, record(task, MANAGER, Disposition.REACHED_CALLBACK, "", at, POLICY))
    # Seven hours were left; the callback is agreed for Wednesday 12:00: seven hours from there is Thursday 10:00.
    assert shown(waiting.due_ms) == "2026-03-05 10:00"
    assert waiting.clock_left_ms == 7 * HOUR_MS
    noted = after(waiting, add_note(waiting, MANAGER, "x", at + HOUR_MS))
    assert (noted.due_ms, noted.clock_left_ms) == (waiting.due_ms, waiting.clock_left_ms)


def test_a_wait_that_ends_early_gives_back_what_it_did_not_use() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    snoozed = after(task, snooze(task, MANAGER, ms("2026-03-10T09:00"), ms("2026-03-03T12:00")))
    assert shown(snoozed.due_ms) == "2026-03-10 16:00"
    taken = after(snoozed, accept(snoozed, MANAGER, ms("2026-03-04T09:00")))
    assert (shown(taken.due_ms), taken.clock_left_ms) == ("2026-03-04 16:00", None)


def test_a_wait_that_ended_lets_the_clock_run_on() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    snoozed = after(task, snooze(task, MANAGER, ms("2026-03-10T09:00"), ms("2026-03-03T12:00")))
    taken = after(snoozed, accept(snoozed, MANAGER, ms("2026-03-10T11:00")))
    assert shown(taken.due_ms) == "2026-03-10 16:00"


def test_nobody_answering_does_not_stop_the_clock() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    tried = after(task, record(task, MANAGER, Disposition.NO_ANSWER, "", ms("2026-03-03T12:00"), POLICY))
    assert (tried.due_ms, tried.clock_left_ms) == (task.due_ms, None)


def test_an_overdue_task_does_not_become_punctual_by_waiting() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    late = after(task, snooze(task, MANAGER, ms("2026-03-10T09:00"), ms("2026-03-05T09:00")))
    assert late.due_ms == task.due_ms


def test_a_higher_level_hastens_and_a_lower_one_does_not_calm() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    raised = CLOCKS.hastened(msgspec.structs.replace(task, level=Level.CRITICAL), ms("2026-03-03T11:00"))
    assert shown(raised.due_ms) == "2026-03-03 13:00"
    assert CLOCKS.hastened(msgspec.structs.replace(raised, level=Level.WATCH), ms("2026-03-03T12:00")) == (
        msgspec.structs.replace(raised, level=Level.WATCH)
    )


def test_the_chain_leads_from_manager_to_deputy_to_supervisor() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    assert (shown(task.due_ms), shown(task.escalate_ms or 0)) == ("2026-03-04 10:00", "2026-03-04 10:00")
    early = CLOCKS.escalate(task, task.due_ms - 1)
    assert isinstance(early, Refusal)
    deputy = after(task, CLOCKS.escalate(task, task.due_ms))
    assert (deputy.owner, deputy.passed_by, deputy.due_ms) == ("m-2", ["m-1"], task.due_ms)
    assert shown(deputy.escalate_ms or 0) == "2026-03-04 14:00"
    supervisor = after(deputy, CLOCKS.escalate(deputy, ms("2026-03-04T14:00")))
    assert (supervisor.owner, supervisor.passed_by) == ("team-1", ["m-1", "m-2"])
    assert supervisor.escalate_ms is None
    assert [entry.detail for entry in supervisor.history] == ["m-2", "team-1"]
    assert {entry.kind for entry in supervisor.history} == {TaskEventKind.ESCALATED}


def test_whoever_lost_a_task_to_the_chain_may_still_record_what_they_did() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    deputy = after(task, CLOCKS.escalate(task, task.due_ms))
    done = after(deputy, record(deputy, MANAGER, Disposition.REACHED_SAVED, "", task.due_ms + 1, POLICY))
    assert done.state is TaskState.DONE
    assert done.escalate_ms is None


def test_without_a_deputy_the_supervisor_is_next_and_without_a_team_whoever_hands_out() -> None:
    task = new_task(ms("2026-03-03T10:00"), deputy=None, team=None)
    assert shown(task.escalate_ms or 0) == "2026-03-04 14:00"
    told = after(task, CLOCKS.escalate(task, ms("2026-03-04T14:00")))
    assert told.owner == UNASSIGNED


def test_a_call_stays_in_the_queue_and_its_supervisor_is_told_once() -> None:
    task = new_task(ms("2026-03-03T10:00"), owner=OUTBOUND, deputy=None)
    move = CLOCKS.escalate(task, (task.escalate_ms or 0))
    told = after(task, move)
    assert (told.owner, told.passed_by, told.history[-1].detail) == (OUTBOUND, [], "team-1")
    assert told.escalate_ms is None


def test_a_call_under_way_is_let_end_and_a_closed_task_left_alone() -> None:
    task = new_task(ms("2026-03-03T10:00"), state=TaskState.IN_CONTACT, owner=OUTBOUND)
    refused = CLOCKS.escalate(task, NOON_MS + 30 * DAY_MS)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.WRONG_STATE
    closed = msgspec.structs.replace(task, state=TaskState.DONE)
    refused = CLOCKS.escalate(closed, NOON_MS)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.ALREADY_CLOSED


def test_what_a_supervisor_hands_over_begins_anew() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    deputy = after(task, CLOCKS.escalate(task, task.due_ms))
    given = after(deputy, reassign(deputy, SUPERVISOR, "m-7", ms("2026-03-05T09:00")))
    assert (given.owner, given.escalation, given.passed_by) == ("m-7", 0, [])
    assert shown(given.due_ms) == "2026-03-05 18:00"


def test_a_manager_cannot_restart_the_clock_by_handing_a_task_on() -> None:
    task = new_task(ms("2026-03-03T10:00"))
    given = after(task, reassign(task, MANAGER, "m-7", ms("2026-03-04T09:00")))
    assert given.due_ms == task.due_ms


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("critical = [4, 4, 3, 2, 2, 2]", "critical = [4, 4, 3, 2, 2]", "due_hours"),
        ("watch = [45, 45, 36, 27, 18, 9]\n", "", "watch"),
        ('hours = "09:00-18:00"', 'hours = "nine to six"', "hours"),
        ('to = "deputy"', 'to = "boss"', "boss"),
        ("hours_overdue = 0", "hours_overdue = 5", "order"),
        ("snoozed = true", "snoozed = ", "not valid TOML"),
    ],
)
def test_a_wrong_clock_policy_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = CLOCK_POLICY_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "clocks.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ClockPolicyError, match=named) as caught:
        read_clock_policy(path)
    assert "clocks.toml" in str(caught.value)


def test_somebody_asks_for_a_supervisor_once_and_the_deputy_is_passed_over() -> None:
    task = new_task(NOON_MS)
    raised = CLOCKS.raise_now(task, MANAGER, "asks for the director", NOON_MS + HOUR_MS)
    assert isinstance(raised, TaskEvent)
    assert (raised.kind, raised.actor, raised.note) == (TaskEventKind.ESCALATED, MANAGER.name, "asks for the director")
    higher = after(task, raised)
    assert (higher.owner, higher.passed_by, higher.escalation, higher.escalate_ms) == ("team-1", ["m-1"], 2, None)
    assert higher.history[-1].detail == "team-1"
    assert higher.notes[-1].text == "asks for the director"
    again = CLOCKS.raise_now(higher, MANAGER, "again", NOON_MS + HOUR_MS)
    assert isinstance(again, Refusal)
    assert again.reason is RefusalReason.WRONG_STATE


def test_the_outbound_team_keeps_a_task_that_a_caller_escalates() -> None:
    task = new_task(NOON_MS, owner=OUTBOUND)
    higher = after(task, CLOCKS.raise_now(task, Actor("cal", Role.CALLER), "shouts", NOON_MS))
    assert (higher.owner, higher.passed_by, higher.escalation) == (OUTBOUND, [], 2)


@pytest.mark.parametrize(
    ("changes", "actor", "reason"),
    [
        ({"state": TaskState.DONE}, MANAGER, RefusalReason.ALREADY_CLOSED),
        ({}, Actor("m-9"), RefusalReason.NOT_YOURS),
        ({"state": TaskState.IN_CONTACT}, MANAGER, RefusalReason.WRONG_STATE),
        ({"owner": "team-1", "escalation": 2, "passed_by": ["m-1"]}, MANAGER, RefusalReason.WRONG_STATE),
    ],
)
def test_an_escalation_is_refused(changes: dict[str, Any], actor: Actor, reason: RefusalReason) -> None:
    refused = CLOCKS.raise_now(new_task(NOON_MS, **changes), actor, "why", NOON_MS)
    assert isinstance(refused, Refusal)
    assert refused.reason is reason
    long = CLOCKS.raise_now(new_task(NOON_MS), MANAGER, "x" * 2001, NOON_MS)
    assert isinstance(long, Refusal)
    assert long.reason is RefusalReason.NOTE_TOO_LONG
