"""Signals of what an account pays between two bills: charges behind, no recharge, an unpaid bill, a smaller plan."""

from collections.abc import Mapping

import numpy as np

from pipeline.features.account_facts import AccountFacts
from pipeline.features.facts import Floats
from pipeline.features.money_facts import MoneyFacts
from pipeline.signals.base import ratio, unit
from pipeline.signals.relationship import AccountSignal

#: The first days of a cycle tell nothing of it.
FIRST_DAYS = 7.0
CYCLES_NEEDED = 2
#: Noise of a whole cycle's charges, at least; of a part of one it is larger by the root of the part.
NOISE_RATIO, NOISE_DEVIATIONS = 0.10, 2.0
FULL_DROP = 0.75
MONTH_DAYS = 30.0

#: A recharge is late from this many times the time that the last one should have lasted, and surely missing from that many.
LATE_TIMES, MISSING_TIMES = 1.5, 4.0
RECHARGES_NEEDED = 3
#: A notice is news for a good payer and habit for a bad one; what it says grows over so many days.
OVERDUE_FULL_DAYS = 30.0
OVERDUE_AT_ONCE = 0.35
#: A smaller plan is told for so long; half the fee less is full strength.
PLAN_DAYS, PLAN_FULL = 30.0, 0.5


def _money(facts: AccountFacts) -> MoneyFacts:
    """What the accounts pay.

    Raises:
        ValueError: the facts were made without it.
    """
    if facts.money is None:
        raise ValueError("these facts of accounts do not say what they pay")
    return facts.money


def _expected_charges(money: MoneyFacts) -> tuple[Floats, Floats, Floats]:
    """Charges expected by this day of the cycle, the noise of that as a share, and the part of the cycle that is over."""
    known = np.sum(~np.isnan(money.cycle_charges), axis=1)
    enough = (known >= CYCLES_NEEDED) & (money.cycle_days >= FIRST_DAYS)
    usual = np.where(enough, _median(money.cycle_charges), 0.0)
    spread = np.where(enough, ratio(_median(np.abs(money.cycle_charges - usual[:, None])), usual), 0.0)
    length = np.where(np.isnan(money.cycle_length), MONTH_DAYS, np.clip(money.cycle_length, 20.0, 40.0))
    part = np.where(enough, np.minimum(money.cycle_days / length, 1.0), 0.0)
    noise = np.maximum(NOISE_RATIO, NOISE_DEVIATIONS * spread) / np.sqrt(np.maximum(part, 0.01))
    return usual * part * np.minimum(money.crowd_charge, 1.0), noise, part


def _median(values: Floats) -> Floats:
    """Median of what is known of each row, NaN where nothing is; numpy's own is slow on many short rows."""
    ordered = np.sort(values, axis=1)
    known = np.sum(~np.isnan(values), axis=1)
    row = np.arange(len(values))
    result: Floats = (ordered[row, np.maximum(known - 1, 0) // 2] + ordered[row, known // 2]) / 2.0
    return result


def spend_run_rate(facts: AccountFacts) -> Floats:
    """Charges of this cycle so far, against the same day of the cycles before: known days before the bill is.

    The drop beyond noise as a share of a full drop of 75 %. Noise is the larger of 10 % and two median absolute deviations of
    the last cycles, over the root of the part of the cycle that is over: half a cycle is a rougher measure than a whole one.
    Checked benign explanations: the crowd spends less too; a customer whose cycles always differ.
    """
    expected, noise, _ = _expected_charges(_money(facts))
    drop = 1.0 - ratio(_money(facts).cycle_charge, expected)
    return unit(np.where(expected > 0, (drop - noise) / (FULL_DROP - NOISE_RATIO), 0.0))


def _run_rate_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    expected, _, _ = _expected_charges(_money(facts))
    return {
        "charges_so_far": _money(facts).cycle_charge,
        "charges_usual": expected,
        "drop_ratio": np.where(expected > 0, unit(1.0 - ratio(_money(facts).cycle_charge, expected)), 0.0),
        "day_of_cycle": np.nan_to_num(_money(facts).cycle_days),
    }


def recharge_lapse(facts: AccountFacts) -> Floats:
    """A prepaid customer who should have recharged long ago: 0 up to 1.5 times its own mean gap, 1 from 4 times.

    Checked benign explanation: the crowd spends less, so that balances last longer; after few recharges nothing is said.
    """
    money = _money(facts)
    due = np.maximum(money.recharge_gap, 1.0) / np.clip(money.crowd_charge, 0.3, 1.0)
    says = (money.prepaid > 0) & (money.recharges >= RECHARGES_NEEDED)
    return unit(np.where(says, (money.recharge_days / due - LATE_TIMES) / (MISSING_TIMES - LATE_TIMES), 0.0))


def _lapse_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    money = _money(facts)
    return {
        "days_since_recharge": np.nan_to_num(money.recharge_days),
        "usual_recharge_gap_days": np.nan_to_num(money.recharge_gap),
        "balance": np.nan_to_num(money.balance),
    }


def overdue(facts: AccountFacts) -> Floats:
    """A bill is unpaid after its notice: 0.35 at once, 1 after 30 days, halved by each earlier time it came to that.

    Mostly a customer who cannot pay, not one who leaves (involuntary churn is no target): its weight in the prior is small.
    Checked benign explanation: a customer who always pays late.
    """
    money = _money(facts)
    grown = OVERDUE_AT_ONCE + (1.0 - OVERDUE_AT_ONCE) * money.overdue_days / OVERDUE_FULL_DAYS
    habit = np.exp2(-np.maximum(money.overdues - 1.0, 0.0))
    # A habit excuses days, not weeks: after a month nothing of it is left.
    excused = habit + (1.0 - habit) * unit(money.overdue_days / OVERDUE_FULL_DAYS)
    return unit(np.minimum(grown, 1.0) * excused)


def _overdue_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    money = _money(facts)
    return {"days_overdue": np.nan_to_num(money.overdue_days), "owed": money.owed, "times_overdue": money.overdues}


def plan_downgrade(facts: AccountFacts) -> Floats:
    """The monthly fee went down with a change of plan: 1 at half the fee less, fading over 30 days.

    Checked benign explanation: the account pays more in charges of calls now than it saves in fees: it only chose otherwise.
    """
    money = _money(facts)
    told, result = np.flatnonzero(~np.isnan(money.fee_days)), np.zeros(len(facts.rows))
    if len(told):
        changed = money.of(told)
        expected, _, _ = _expected_charges(changed)
        more_calls = np.maximum(changed.cycle_charge - expected, 0.0) * (expected > 0)
        saved = np.nan_to_num(changed.fee_before - changed.fee - more_calls)
        drop = ratio(saved, np.nan_to_num(changed.fee_before))
        # Each by itself: of a larger plan, long ago, both are negative.
        result[told] = unit(drop / PLAN_FULL) * unit(1.0 - changed.fee_days / PLAN_DAYS)
    return result


def _plan_evidence(facts: AccountFacts) -> Mapping[str, Floats]:
    money = _money(facts)
    return {
        "fee": np.nan_to_num(money.fee),
        "fee_before": np.nan_to_num(money.fee_before),
        "days_since": np.minimum(np.nan_to_num(money.fee_days), 365.0),
    }


SPEND_RUN_RATE = AccountSignal("spend_run_rate", spend_run_rate, _run_rate_evidence, held_with="cdr")
RECHARGE_LAPSE = AccountSignal("recharge_lapse", recharge_lapse, _lapse_evidence, held_with="billing")
OVERDUE = AccountSignal("overdue", overdue, _overdue_evidence, held_with="billing")
PLAN_DOWNGRADE = AccountSignal("plan_downgrade", plan_downgrade, _plan_evidence)
MONEY_SIGNALS: tuple[AccountSignal, ...] = (SPEND_RUN_RATE, RECHARGE_LAPSE, OVERDUE, PLAN_DOWNGRADE)
