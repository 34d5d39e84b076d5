"""Who is contacted today, by whom and at which hour."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book
from alerts.capacity import Candidate, Hour, Option, daily_plan, hour_price, spread, worth_now
from alerts.capacity_candidates import Day
from alerts.capacity_counts import learnt
from alerts.capacity_policy import CAPACITY_POLICY_FILE, CapacityPolicyError, read_capacity_policy
from alerts.capacity_rates import Rates
from alerts.dialing import begin, reserve
from alerts.moves import SYSTEM, record, recover, snooze
from alerts.rules import Rules, read_rules
from alerts.tasks import OUTBOUND, Customer, RefusalReason, Slot, Task, TaskEvent, TaskState
from pipeline.events import Disposition, Level
from tests.fakes.alert_records import (
    DAY_MS,
    DEPUTY,
    DIALER,
    HOUR_MS,
    MANAGER,
    NOON_MS,
    SUPERVISOR,
    customer,
    happened,
    signal,
    the_refusal,
    warning,
)

RULES = read_rules()
POLICY = RULES.capacity
#: 09:00 in Shanghai, which is the zone of the pack and of the customers here.
MORNING_MS = NOON_MS - 11 * HOUR_MS
ZONE: dict[str, Any] = {"timezone": "Asia/Shanghai"}
KEY: dict[str, Any] = {"segment": "key_account", "star": 4, "manager_id": "m-1", "deputy_id": "m-2", **ZONE}


def opened(whose: Customer, at_ms: int = MORNING_MS, **changes: object) -> tuple[Book, Task]:
    told = warning("w-1", signal("complaint"), account_id=whose.account_id, ts_ms=at_ms, score=0.4, **changes)
    book, event = happened(Book(whose.account_id), admit(Book(whose.account_id), told, whose, RULES, at_ms))
    assert event.task is not None
    return book, event.task


def day(at_ms: int = MORNING_MS, rules: Rules = RULES, counts: dict[str, int] | None = None) -> Day:
    return Day(rules, Rates(rules.capacity, counts or {}), at_ms)


def owners_of(found: Candidate | None) -> list[str]:
    return [option.owner for option in found.options] if found else []


def test_the_expected_gain_by_hand() -> None:
    """P(churn) 0.4 x best P(reach) x P(save) x 12 months of 30 - cost."""
    whose = customer(**ZONE)
    book, task = opened(whose)
    found = day().candidate(book, task, whose, margin=30.0)
    assert found is not None
    (option,) = found.options
    reach = max(POLICY.reach.outbound[9:20])
    assert option.gain == pytest.approx(0.4 * reach * 0.4 * 30 * 12 - POLICY.outbound.cost)


def test_the_deputy_and_the_team_may_step_in_where_the_policy_lets_them() -> None:
    key = customer(**KEY)
    assert owners_of(day().candidate(*opened(key), key, 400.0)) == ["m-1", "m-2"]
    small = customer(**{**KEY, "segment": "business", "star": 1})
    assert owners_of(day().candidate(*opened(small), small, 40.0)) == ["m-1", "m-2", OUTBOUND]
    silent = customer(**{**KEY, "segment": "business", "star": 1}, call=False)
    assert owners_of(day().candidate(*opened(silent), silent, 40.0)) == ["m-1", "m-2"]


def test_a_manager_who_is_away_is_not_planned() -> None:
    away = msgspec.structs.replace(POLICY, away={"m-1": "2026-03-01/2026-03-05"})
    key = customer(**KEY)
    assert owners_of(day(rules=replace(RULES, capacity=away)).candidate(*opened(key), key, 400.0)) == ["m-2"]


def test_nobody_is_planned_who_opted_out_whose_window_is_over_or_whose_caps_are_full() -> None:
    whose = customer(**ZONE)
    book, task = opened(whose)
    assert day().candidate(msgspec.structs.replace(book, opted_out=True), task, whose, 30.0) is None
    assert day(MORNING_MS + 12 * HOUR_MS).candidate(book, task, whose, 30.0) is None
    called = msgspec.structs.replace(book, contacts=[MORNING_MS - 2 * HOUR_MS])
    assert day().candidate(called, task, whose, 30.0) is None


def test_managers_are_not_planned_on_a_day_off() -> None:
    key = customer(**KEY)
    book, task = opened(key)
    sunday_ms = MORNING_MS + 5 * DAY_MS
    assert owners_of(day(sunday_ms).candidate(book, task, key, 400.0)) == []


def test_a_promised_contact_comes_before_any_gain_and_a_broken_promise_is_told() -> None:
    hours = [Hour(MORNING_MS, 0.5)]
    rich = [Candidate(f"t-{n}", f"a-{n}", [Option("m-1", hours, 1000.0)]) for n in range(3)]
    promised = [Candidate(f"p-{n}", f"b-{n}", [Option("m-1", hours, 1.0)], promise=5) for n in range(3)]
    plan = daily_plan([*rich, *promised], {"m-1": 4}, POLICY)
    assert [one.candidate.task_id for one in plan.planned] == ["p-0", "p-1", "p-2"]
    assert (plan.promised, plan.broken) == (3, 0)
    assert daily_plan(promised, {"m-1": 2}, POLICY).broken == 1


def test_the_order_of_the_candidates_plays_no_part() -> None:
    hours = [Hour(MORNING_MS, 0.5)]
    some = [Candidate(f"t-{n}", f"a-{n % 20}", [Option(f"m-{n % 3}", hours, 5.0 + n % 7)]) for n in range(60)]
    room = {f"m-{n}": 5 for n in range(3)}
    assert daily_plan(some, room, POLICY) == daily_plan(some[::-1], room, POLICY)


def test_one_account_gets_one_contact_a_plan() -> None:
    hours = [Hour(MORNING_MS, 0.5)]
    same = [Candidate(f"t-{n}", "a-1", [Option("m-1", hours, 5.0 + n)]) for n in range(3)]
    plan = daily_plan(same, {"m-1": 12}, POLICY)
    assert [one.candidate.task_id for one in plan.planned] == ["t-2"]


def test_the_hours_of_a_day_are_spread() -> None:
    hours = [Hour(MORNING_MS + n * HOUR_MS, 0.6 - n / 10) for n in range(3)]
    taken = [(Candidate(f"t-{n}", f"a-{n}", []), Option("m-1", hours, float(n))) for n in range(5)]
    at = [one.at_ms for one in spread(taken, POLICY)]
    assert [at.count(hour.at_ms) for hour in hours] == [2, 2, 1]


def test_between_two_plans_a_contact_must_beat_the_shadow_price() -> None:
    option = Option("m-1", [Hour(0, 0.5)], 10.0)
    assert worth_now(option, 0, {"m-1": 9.0})
    assert not worth_now(option, 0, {"m-1": 11.0})
    assert worth_now(option, 1, {"m-1": 11.0})
    assert hour_price("m-1", 10.0, POLICY) == 30.0


def test_a_reservation_dies_with_its_task_or_when_it_is_put_aside() -> None:
    whose = customer(**ZONE)
    book, task = opened(whose)
    slot = Slot(OUTBOUND, "2026-03-03", MORNING_MS + HOUR_MS, 1)
    book, event = happened(book, reserve(book, task, slot, SYSTEM, whose, RULES, MORNING_MS))
    held = event.task
    assert held is not None
    assert held.slot == slot
    for move in (
        recover(held, MORNING_MS, RULES.tasks),
        snooze(held, SUPERVISOR, MORNING_MS + DAY_MS, MORNING_MS),
        record(held, SUPERVISOR, Disposition.REACHED_SAVED, "", MORNING_MS, RULES.tasks),
    ):
        assert isinstance(move, TaskEvent)
        assert move.task is not None
        assert move.task.slot is None


def test_a_reserved_contact_takes_the_customers_cap_from_all_other_tasks() -> None:
    whose = customer(**ZONE)
    book, task = opened(whose)
    told = warning("w-2", signal("spend_drop"), account_id="a-1", ts_ms=MORNING_MS)
    book, event = happened(book, admit(book, told, whose, RULES, MORNING_MS))
    other = event.task
    assert other is not None
    slot = Slot(OUTBOUND, "2026-03-03", MORNING_MS + HOUR_MS, 1)
    book, _ = happened(book, reserve(book, task, slot, SYSTEM, whose, RULES, MORNING_MS))
    late = msgspec.structs.replace(slot, at_ms=MORNING_MS + 5 * HOUR_MS)
    assert the_refusal(reserve(book, other, late, SYSTEM, whose, RULES, MORNING_MS)).reason is RefusalReason.CONTACT_CAP
    refusal = the_refusal(begin(book, other, DIALER, 1, whose, RULES, MORNING_MS))
    assert refusal.reason is RefusalReason.CONTACT_CAP
    assert refusal.retry_ms is not None
    early = the_refusal(begin(book, book.open["service"], DIALER, 1, whose, RULES, MORNING_MS))
    assert early.retry_ms == slot.at_ms
    begun, event = happened(book, begin(book, book.open["service"], DIALER, 1, whose, RULES, slot.at_ms))
    assert event.task is not None
    assert (event.task.slot, event.task.spent) == (None, [slot])
    assert begun.contacts == [slot.at_ms]


def test_a_person_begins_and_ends_a_contact_which_counts_once() -> None:
    key = customer(**KEY)
    book, task = opened(key)
    assert the_refusal(begin(book, task, DIALER, 1, key, RULES, MORNING_MS)).reason is RefusalReason.WRONG_STATE
    book, event = happened(book, begin(book, task, MANAGER, 1, key, RULES, MORNING_MS))
    held = event.task
    assert held is not None
    assert (held.state, held.contact_by) == (TaskState.IN_CONTACT, "m-1")
    wrong = record(held, DEPUTY, Disposition.NO_ANSWER, "", MORNING_MS, RULES.tasks)
    assert the_refusal(wrong).reason is RefusalReason.WRONG_STATE
    told = record(held, MANAGER, Disposition.NO_ANSWER, "", MORNING_MS + HOUR_MS, RULES.tasks)
    book, event = happened(book, told)
    assert book.contacts == [MORNING_MS]
    assert event.task is not None
    assert (event.task.attempts, event.task.contact_by) == (1, None)


def test_rates_are_learnt_from_dispositions_by_hour_reason_and_segment() -> None:
    _, task = opened(customer(**KEY))
    told = record(task, MANAGER, Disposition.REACHED_SAVED, "", MORNING_MS, RULES.tasks)
    assert isinstance(told, TaskEvent)
    fields = learnt(told)
    assert fields == ["reach|manager|09|tries", "reach|manager|09|hits", "save|service|key_account|tries",
                      "save|service|key_account|hits"]  # fmt: skip
    missed = record(task, MANAGER, Disposition.NO_ANSWER, "", MORNING_MS, RULES.tasks)
    assert isinstance(missed, TaskEvent)
    assert learnt(missed) == ["reach|manager|09|tries"]


def test_a_learnt_rate_by_hand_moves_from_its_prior_and_its_interval_narrows() -> None:
    prior = Rates(POLICY, {}).save("service", "key_account")
    assert prior.mean == pytest.approx(0.5)
    assert prior.tries == 0
    much = Rates(POLICY, {"save|service|key_account|tries": 180, "save|service|key_account|hits": 140})
    rate = much.save("service", "key_account")
    assert rate.mean == pytest.approx((0.5 * 20 + 140) / 200)
    assert prior.low < prior.mean < prior.high
    assert rate.high - rate.low < prior.high - prior.low
    assert much.mean_save("service", "key_account") == rate.mean


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("interval = 2", "interval"),
        ('[away]\nm-1 = "2026-13-01"', "there is no such day"),
        ('[away]\nm-1 = "2026-03-05/2026-03-01"', "before the first"),
        ("[save.by_group]\nprice = { rich = 0.5 }", "rich"),
        ("[manager]\ncontacts_per_day = -1", "manager"),
        ("nonsense = 1", "nonsense"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_file_and_key(tmp_path: Path, line: str, problem: str) -> None:
    text = CAPACITY_POLICY_FILE.read_text(encoding="utf-8")
    table, _, key = line.rpartition("\n")
    if table:
        head, _, tail = text.partition(table + "\n")
        name = key.partition(" =")[0]
        rest = "\n".join(old for old in tail.splitlines() if not (table == "[manager]" and old.startswith(name)) and
                         not (table.startswith("[save.by") and old.startswith("price")))  # fmt: skip
        text = f"{head}{table}\n{key}\n{rest}"
    else:
        name = key.partition(" =")[0]
        text = key + "\n" + "\n".join(old for old in text.splitlines() if not old.startswith(name + " ="))
    path = tmp_path / "capacity.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CapacityPolicyError, match=problem) as told:
        read_capacity_policy(path)
    assert str(path) in str(told.value)


def test_a_level_below_the_promise_is_not_promised() -> None:
    key = customer(**KEY)
    book, task = opened(key, level=Level.CRITICAL)
    found = day().candidate(book, task, key, 400.0)
    assert found is not None
    assert found.promise == 5
    book, task = opened(key)
    found = day().candidate(book, task, key, 400.0)
    assert found is not None
    assert found.promise == 0
