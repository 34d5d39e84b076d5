"""What an account pays between two bills: from records to facts, and what each signal makes of them."""

from typing import Any

import numpy as np
import pytest

from pipeline.features.account_facts import AccountFacts
from pipeline.features.money_facts import MoneyFacts, money_facts
from pipeline.signals.money import MONEY_SIGNALS, overdue, plan_downgrade, recharge_lapse, spend_run_rate
from pipeline.signals.spend import recharge_drop
from tests.fakes.pipeline_runs import DAY_MS, HOUR_MS, MONDAY_MS, Run, call, customer, invoice, run_of

UNKNOWN = {
    "prepaid": 0.0, "recharges": 0.0, "balance": 0.0, "overdues": 0.0, "owed": 0.0, "cycle_charge": 0.0,
    "crowd_charge": 1.0,
}  # fmt: skip


def facts(cycles: tuple[float, ...] = (), **money: float) -> AccountFacts:
    """One account of which only this is known."""
    values = {name: np.array([money.get(name, UNKNOWN.get(name, np.nan))]) for name in MoneyFacts.__dataclass_fields__}
    kept = np.full((1, 3), np.nan)
    if cycles:
        kept[0, -len(cycles) :] = cycles
    values["cycle_charges"] = kept
    others = ("contract_days", "tenure_days", "business", "live_lines", "left_lines", "moving", "loosened")
    zeros = dict.fromkeys(others, np.zeros(1))
    return AccountFacts(now_ms=0, rows=np.zeros(1, np.int64), money=MoneyFacts(**values), **zeros)


def bill(kind: str, day: float, amount: float, number: int, **changes: Any) -> dict[str, Any]:
    record = {
        "record_id": f"m{number}", "ts_ms": MONDAY_MS + int(day * DAY_MS), "account_id": "a1", "kind": kind,
        "amount": amount,
    }  # fmt: skip
    return {**record, **changes}


def told(run: Run, day: float) -> MoneyFacts:
    return money_facts(run.state, np.zeros(1, np.int64), MONDAY_MS + int(day * DAY_MS))


def test_charges_behind_the_same_day_of_earlier_cycles() -> None:
    """40 usual, day 15 of 30: 20 expected, 8 seen; drop 0.6, noise 0.1 / sqrt(0.5)."""
    behind = facts((40.0, 40.0, 40.0), cycle_charge=8.0, cycle_days=15.0, cycle_length=30.0)
    assert spend_run_rate(behind)[0] == pytest.approx((0.6 - 0.1 / 0.5**0.5) / 0.65)

    for changed in (
        facts((40.0, 40.0, 40.0), cycle_charge=18.0, cycle_days=15.0, cycle_length=30.0),
        facts((40.0, 40.0, 40.0), cycle_charge=0.0, cycle_days=6.0, cycle_length=30.0),
        facts((40.0,), cycle_charge=0.0, cycle_days=15.0, cycle_length=30.0),
        facts((10.0, 90.0, 40.0), cycle_charge=8.0, cycle_days=15.0, cycle_length=30.0),
        facts((40.0, 40.0, 40.0), cycle_charge=8.0, cycle_days=15.0, cycle_length=30.0, crowd_charge=0.45),
    ):
        assert spend_run_rate(changed)[0] == 0.0


def test_a_recharge_that_is_long_due() -> None:
    due: dict[str, Any] = {"prepaid": 1.0, "recharge_gap": 10.0}
    assert recharge_lapse(facts(recharges=5.0, recharge_days=30.0, **due))[0] == pytest.approx((3.0 - 1.5) / 2.5)
    assert recharge_lapse(facts(recharges=2.0, recharge_days=30.0, **due))[0] == 0.0
    assert recharge_lapse(facts(recharges=5.0, recharge_days=14.0, **due))[0] == 0.0
    assert recharge_lapse(facts(recharges=5.0, recharge_days=30.0, recharge_gap=10.0))[0] == 0.0


def test_an_overdue_bill_is_news_of_a_good_payer_and_habit_of_a_bad_one() -> None:
    first, habit = (overdue(facts(overdue_days=3.0, overdues=times, owed=50.0))[0] for times in (1.0, 4.0))
    assert first == pytest.approx(0.35 + 0.65 * 0.1)
    assert habit < first / 3
    assert overdue(facts(overdue_days=30.0, overdues=4.0, owed=50.0))[0] == 1.0
    assert overdue(facts())[0] == 0.0


def test_a_smaller_plan_fades_and_is_nothing_when_calls_cost_more_instead() -> None:
    smaller: dict[str, Any] = {"fee": 39.0, "fee_before": 59.0}
    assert plan_downgrade(facts(fee_days=6.0, **smaller))[0] == pytest.approx(20 / 59 / 0.5 * 0.8)
    assert plan_downgrade(facts(fee_days=30.0, **smaller))[0] == 0.0
    chose = facts((10.0, 10.0, 10.0), fee_days=6.0, cycle_charge=30.0, cycle_days=20.0, cycle_length=30.0, **smaller)
    assert plan_downgrade(chose)[0] == 0.0
    for days in (1.0, 60.0):
        assert plan_downgrade(facts(fee=59.0, fee_before=39.0, fee_days=days))[0] == 0.0


def test_of_an_account_of_which_nothing_is_known_nothing_is_said() -> None:
    for signal in MONEY_SIGNALS:
        assert signal.strength(facts()).tolist() == [0.0]
        assert all(np.isfinite(values).all() for values in signal.evidence(facts()).values())


def test_recharges_tell_their_rhythm_whatever_the_order() -> None:
    records = [bill("recharge", day, 30.0, number, balance=32.0) for number, day in enumerate((0, 10, 20, 5))]
    known = told(run_of(customers=[customer(payment="prepaid")], cdr=[call()], billing=records), 25.0)
    assert (known.recharges[0], known.recharge_gap[0], known.recharge_days[0], known.balance[0]) == (
        3.0,
        10.0,
        5.0,
        32.0,
    )


def test_a_recharge_that_lasted_far_longer_than_usual_is_a_drop_of_what_is_spent() -> None:
    """30 each 10 days, then one that lasted 24: worth 1.25 a day instead of 3, (0.583 - 0.12) / 0.48."""
    prepaid = [customer(payment="prepaid")]
    records = [bill("recharge", day, 30.0, number) for number, day in enumerate((0, 10, 20, 30, 54))]
    run = run_of(customers=prepaid, billing=records)
    drop = run.state.accounts.cases[0].episodes["spend_drop"]
    assert (round(drop.strength, 3), drop.told, run.warnings) == (0.965, False, [])
    assert (drop.evidence["spent_per_day"], drop.evidence["usual_spent_per_day"]) == (1.25, 3.0)

    again = run_of(customers=prepaid, billing=[*records, bill("recharge", 64, 30.0, 5)])
    assert "spend_drop" not in again.state.accounts.case(0).episodes
    steady = run_of(customers=prepaid, billing=records[:4])
    assert 0 not in steady.state.accounts.cases


@pytest.mark.parametrize(("days", "amounts"), [((), ()), ((0,), (30.0,)), ((0, 0.5, 0.9), (9.0, 9.0, 9.0))])
def test_few_recharges_tell_nothing(days: tuple[float, ...], amounts: tuple[float, ...]) -> None:
    assert recharge_drop(days, amounts) == (0.0, {})


def test_recharges_within_a_day_are_one() -> None:
    assert recharge_drop((0, 0.2, 10, 20, 20.5, 30), (10.0, 20.0, 30.0, 15.0, 15.0, 30.0))[0] == 0.0


def test_the_first_invoice_forgets_the_recharges_before_it() -> None:
    records = [bill("recharge", day, 30.0, number) for number, day in enumerate((0, 10, 20))]
    run = run_of(customers=[customer()], billing=[*records, invoice(90.0, 7, MONDAY_MS + 30 * DAY_MS, line_id=None)])
    kept = run.state.accounts["bills"][0]
    assert kept[~np.isnan(kept)].tolist() == [90.0]


def test_a_payment_settles_what_is_overdue_and_a_part_of_it_does_not() -> None:
    records = [bill("overdue", 1, 50.0, 0, balance=50.0), bill("payment", 2, 20.0, 1)]
    part = told(run_of(customers=[customer()], cdr=[call()], billing=records), 4.0)
    assert (part.overdue_days[0], part.owed[0]) == (3.0, 30.0)
    paid = told(run_of(customers=[customer()], cdr=[call()], billing=[*records, bill("payment", 3, 30.0, 2)]), 4.0)
    assert np.isnan(paid.overdue_days[0])


def test_a_fee_is_another_plan_only_after_a_plan_change() -> None:
    first = [bill("charge", 0, 59.0, 0), bill("charge", 3, 8.0, 1)]
    once = told(run_of(customers=[customer()], cdr=[call()], billing=first), 40.0)
    assert (once.fee[0], bool(np.isnan(once.fee_before[0]))) == (59.0, True)
    change = [bill("plan_change", 20, 0.0, 2, plan_id="small"), bill("charge", 30, 39.0, 3)]
    changed = told(run_of(customers=[customer()], cdr=[call()], billing=[*first, *change]), 40.0)
    assert (changed.fee[0], changed.fee_before[0], changed.fee_days[0]) == (39.0, 59.0, 10.0)


def test_a_bill_closes_a_cycle_and_charges_of_all_lines_fill_the_next() -> None:
    calls = [
        call(number, MONDAY_MS + day * DAY_MS + HOUR_MS, line_id=f"a1-{number % 2}", charge=2.5)
        for number, day in enumerate((1, 5, 12, 13, 14))
    ]
    records = [invoice(30.0, 1, MONDAY_MS + 10 * DAY_MS, line_id=None)]
    known = told(run_of(customers=[customer(lines=["a1-0", "a1-1"])], cdr=calls, billing=records), 16.0)
    assert known.cycle_charge[0] == 7.5
    assert known.cycle_charges[0].tolist()[-1] == 5.0
    assert known.cycle_days[0] == 6.0


def test_an_overdue_account_is_evidence_and_is_over_when_it_has_paid() -> None:
    days = [call(number, MONDAY_MS + number * DAY_MS) for number in range(12)]
    run = run_of(customers=[customer()], cdr=days, billing=[bill("overdue", 2, 50.0, 0, balance=50.0)])
    assert not run.state.accounts.cases[0].episodes["overdue"].told
    assert run.warnings == []

    paid = [bill("overdue", 2, 50.0, 0, balance=50.0), bill("payment", 5, 50.0, 1)]
    after = run_of(customers=[customer()], cdr=days, billing=paid)
    assert "overdue" not in after.state.accounts.case(0).episodes
