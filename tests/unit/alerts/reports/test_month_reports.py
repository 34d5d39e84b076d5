"""Management reports, against small months worked by hand."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.playbooks.read import read_playbooks
from alerts.policy import read_task_policy
from alerts.reports.departures import Departure, departures
from alerts.reports.ladder import Ladder, LadderRules, ladder
from alerts.reports.lead_time import lead_times
from alerts.reports.month import month_at, month_of
from alerts.reports.playbook_effect import playbook_effects
from alerts.reports.return_visits import Visit, promises, return_visits, visits
from alerts.tasks import CLOSED_STATES, Role, Task, TaskEvent, TaskEventKind, TaskResult, TaskState
from alerts.value.policy import read_value_policy
from pipeline.events import (
    CareKind,
    CareRecord,
    ChurnKind,
    CustomerRecord,
    Disposition,
    Level,
    OrderKind,
    OrderRecord,
    Origin,
    OutcomeKind,
    OutcomeRecord,
)
from tests.fakes.alert_records import DAY_MS, HOUR_MS, customer_record, signal, warning

MARCH = month_of("2026-03")
START = MARCH.start_ms
VALUE = read_value_policy()
RULES = LadderRules(VALUE.segments, VALUE.replacement)


def order(kind: OrderKind, day: float, account_id: str = "a-1", line_id: str | None = None) -> OrderRecord:
    made = int(START + day * DAY_MS)
    return OrderRecord(f"o-{account_id}-{kind}-{day}", made, account_id, kind, Origin.CUSTOMER_TO_US, line_id=line_id)


def outcome(kind: OutcomeKind, day: float, account_id: str = "a-1", **more: object) -> OutcomeRecord:
    made = int(START + day * DAY_MS)
    return OutcomeRecord(f"x-{account_id}-{kind}-{day}", made, account_id, kind, **more)  # type: ignore[arg-type]  # fields by name


def star(account_id: str, stars: int, day: float = -30, **more: Any) -> CustomerRecord:
    return customer_record(account_id, star=stars, ts_ms=int(START + day * DAY_MS), **more)


def made_ladder(
    records: list[CustomerRecord], left: list[Departure], invoiced: dict[str, float] | None = None
) -> Ladder:
    return ladder(records, left, invoiced or {}, MARCH, RULES)


def event(kind: TaskEventKind, day: float, task: Task, **more: object) -> TaskEvent:
    at_ms = int(START + day * DAY_MS)
    values = {"actor": "m-1", "role": Role.MANAGER, **more}
    return TaskEvent(account_id=task.account_id, ts_ms=at_ms, kind=kind, task_id=task.task_id, task=task, **values)  # type: ignore[arg-type]  # fields by name


def task(task_id: str = "t-1", account_id: str = "a-1", **changes: object) -> Task:
    values: dict[str, object] = {
        "task_id": task_id, "account_id": account_id, "line_id": None, "reason_group": "price", "level": Level.WARN,
        "score": 0.4, "score_basis": "prior", "days_left": None, "signals": [], "reasons": [], "owner": "m-1",
        "deputy": None, "team": None, "state": TaskState.NEW, "created_ms": START, "due_ms": START, "refreshed_ms": START,
        "segment": "public",
    }  # fmt: skip
    return Task(**{**values, **changes})  # type: ignore[arg-type]  # fields by name


def test_a_month_begins_at_local_midnight() -> None:
    shanghai = month_of("2026-03", ZoneInfo("Asia/Shanghai"))
    assert shanghai.start_ms == START - 8 * HOUR_MS
    assert month_at(shanghai.end_ms - 1, ZoneInfo("Asia/Shanghai")) == shanghai
    assert month_of("2026-12").end_ms == month_of("2027-01").start_ms
    with pytest.raises(ValueError, match="2026-10"):
        month_of("March")


def test_a_port_out_counts_once_and_not_when_taken_back() -> None:
    left = departures(
        [order(OrderKind.PORT_OUT_DONE, 3), order(OrderKind.TERMINATION_DONE, 5),
         order(OrderKind.TERMINATION_DONE, 1, "a-2"), order(OrderKind.RECONNECT, 20, "a-2"),
         order(OrderKind.TERMINATION, 2, "a-3")],
        [outcome(OutcomeKind.CHURN, 9, "a-4", churn_kind=ChurnKind.SILENCE, churn_ms=START - 40 * DAY_MS)],
    )  # fmt: skip
    assert [(one.account_id, one.kind) for one in left] == [("a-4", ChurnKind.SILENCE), ("a-1", ChurnKind.PORT_OUT)]


def test_the_ladder_counts_who_is_on_each_level_and_who_moved() -> None:
    records = [
        star("stays", 2), star("rises", 2), star("rises", 3, 10), star("falls", 5), star("falls", 4, 12),
        star("leaves", 5, segment="key_account"), star("comes", 1, 7, tenure_start_ms=START + 7 * DAY_MS),
    ]  # fmt: skip
    left = [Departure("leaves", None, START + 5 * DAY_MS, ChurnKind.PORT_OUT)]
    made = made_ladder(records, left)
    two = made.rungs[2]
    assert (two.at_start, two.at_end, two.moved_away) == (2, 1, 1)
    assert (made.new, made.lost, made.upgraded, made.downgraded) == (1, 1, 1, 1)
    assert made.flows == {"2>2": 1, "2>3": 1, "5>4": 1, "5>-": 1, "->1": 1}
    assert (made.lost_key_accounts, made.loss_equals) == (1, {"business": 79, "public": 338})
    for rung in made.rungs:
        arrived = rung.new + rung.upgraded_to + rung.downgraded_to
        assert rung.at_start + arrived - rung.lost - rung.moved_away == rung.at_end


def test_the_height_of_a_level_is_profit_per_customer() -> None:
    made = made_ladder([star("a-1", 3), star("a-2", 3)], [], {"a-1": 100.0})
    cost = VALUE.segments.cost_to_serve.get("public", 0.0)
    expected = 100.0 * VALUE.segments.margin_share - 2 * cost
    assert made.rungs[3].profit == pytest.approx(expected)
    assert made.rungs[3].profit_per_customer == pytest.approx(expected / 2)
    assert made.rungs[4].profit_per_customer is None


def test_an_account_is_lost_with_its_last_line_only() -> None:
    records = [star("a-1", 3, lines=["l-1", "l-2"])]
    one = Departure("a-1", "l-1", START + DAY_MS, ChurnKind.PORT_OUT)
    assert made_ladder(records, [one]).lost == 0
    assert made_ladder(records, [one, one._replace(line_id="l-2")]).lost == 1


def test_the_ledger_tells_days_of_warning_and_days_wasted_at_each_step() -> None:
    left = [
        Departure("a-1", "l-1", START + 20 * DAY_MS, ChurnKind.PORT_OUT),
        Departure("a-2", "l-2", START + 10 * DAY_MS, ChurnKind.TERMINATION),
        Departure("a-3", "l-3", START + 10 * DAY_MS, ChurnKind.INVOLUNTARY),
    ]
    since = msgspec.structs.replace(signal("spend_drop"), since_ms=START + 4 * DAY_MS)
    told = [warning("w-1", since, ts_ms=START + 6 * DAY_MS), warning("w-2", ts_ms=START + 25 * DAY_MS)]
    opened = task(line_ids=["l-1"])
    events = [
        event(TaskEventKind.CREATED, 7, opened),
        event(TaskEventKind.ATTEMPT_RECORDED, 11, opened, disposition=Disposition.NOT_TRIED),
        event(TaskEventKind.ATTEMPT_RECORDED, 12, opened, disposition=Disposition.NO_ANSWER),
    ]
    made = lead_times(left, told, events, MARCH)
    assert (made.churners, made.reached) == (2, {"signal": 1, "warning": 1, "task": 1, "contact": 1})
    # 14 days of warning and none: the median of (14, 0) is 7.
    assert (made.warned_days_median, made.warned_7d_share) == (7.0, 0.5)
    assert made.wasted_days_median == {
        "signal_to_warning": 2.0, "warning_to_task": 1.0, "task_to_contact": 5.0, "contact_to_churn": 8.0,
    }  # fmt: skip


def test_a_step_that_never_came_wasted_all_the_days_until_the_churn() -> None:
    left = [Departure("a-1", "l-1", START + 20 * DAY_MS, ChurnKind.PORT_OUT)]
    made = lead_times(left, [warning("w-1", ts_ms=START + 6 * DAY_MS)], [], MARCH)
    assert made.wasted_days_median["warning_to_task"] == 14.0
    assert made.rows[0].task_ms is None


def fault(day: float, account_id: str) -> CareRecord:
    return CareRecord(f"c-{account_id}", int(START + day * DAY_MS), account_id, CareKind.FAULT_CLOSED, 3, "app")


def test_return_visits_are_in_time_late_missed_or_due() -> None:
    due_days = {"provisioning_done": 7.0, "fault_closed": 3.0}
    orders = [order(OrderKind.PROVISIONING_DONE, day, name) for day, name in ((1, "in"), (2, "late"), (25, "due"))]
    made = promises(orders, [fault(1, "missed"), fault(40, "april")], due_days)
    done = [Visit("in", START + 5 * DAY_MS, "m-1", []), Visit("late", START + 11 * DAY_MS, None, [])]
    report = return_visits(made, done, MARCH, START + 28 * DAY_MS)
    assert (report.total.promised, report.total.in_time, report.total.late) == (4, 1, 1)
    assert (report.total.missed, report.total.due) == (1, 1)
    assert report.total.share_in_time == round(1 / 3, 4)
    assert report.by_kind["fault_closed"].share_in_time == 0.0
    assert report.by_visitor == {"elsewhere": 1, "m-1": 1}
    assert [one.account_id for one in report.missed] == ["missed"]


def test_a_visit_serves_the_causes_of_its_task_and_those_only() -> None:
    due_days = {"provisioning_done": 7.0, "fault_closed": 3.0}
    orders = [order(OrderKind.PROVISIONING_DONE, 1), order(OrderKind.PROVISIONING_DONE, 2)]
    first, second = promises(orders, [], due_days)
    ended = task(state=TaskState.DONE, result=TaskResult.VISITED, closed_ms=START + 4 * DAY_MS, causes=[first.cause])
    noted = event(TaskEventKind.NOTE_ADDED, 6, ended)
    made = visits([event(TaskEventKind.DONE, 4, ended), noted], [])
    assert len(made) == 1
    report = return_visits([first, second], made, MARCH, START + 28 * DAY_MS)
    assert (report.total.in_time, report.total.missed) == (1, 1)


def ended_task(number: int, result: TaskResult, disposition: Disposition) -> list[TaskEvent]:
    closed_ms = START + 3 * DAY_MS
    done = task(f"t-{number}", f"a-{number}", state=TaskState.DONE, result=result, closed_ms=closed_ms)
    assert done.state in CLOSED_STATES
    return [event(TaskEventKind.DONE, 3, done, disposition=disposition)]


def test_a_playbook_is_checked_against_its_target_by_those_it_reached() -> None:
    playbooks = read_playbooks([group.name for group in read_task_policy().groups.order])
    saved = [ended_task(n, TaskResult.SAVED, Disposition.REACHED_SAVED) for n in range(24)]
    refused = [ended_task(100 + n, TaskResult.REFUSED, Disposition.REACHED_REFUSED) for n in range(16)]
    missed = [ended_task(200, TaskResult.UNREACHABLE, Disposition.NO_ANSWER)]
    events = [one for history in (*saved, *refused, *missed) for one in history]
    left = [Departure("a-0", None, START + 10 * DAY_MS, ChurnKind.PORT_OUT),
            Departure("elsewhere", None, START + 90 * DAY_MS, ChurnKind.PORT_OUT)]  # fmt: skip
    effects = {one.playbook: one for one in playbook_effects(playbooks, events, left, MARCH).playbooks}
    price = effects["price"]
    assert (price.tasks, price.reached, price.saved, price.saved_share) == (41, 40, 24, 0.6)
    assert price.saved_low == pytest.approx(0.446, abs=0.001)
    assert price.saved_high == pytest.approx(0.736, abs=0.001)
    assert (price.check, price.saved_share_target) == ("above_target", 0.25)
    assert price.still_here_share == round(23 / 24, 4)
    assert (effects["service"].tasks, effects["service"].check) == (0, "too_few")
