"""Pages of what the customer pays."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.features.account_facts import AccountFacts
from pipeline.features.facts import Floats
from pipeline.features.money_facts import MoneyFacts
from pipeline.policy import SignalPolicy
from pipeline.signals.money import overdue, plan_downgrade, recharge_lapse, spend_run_rate
from pipeline.signals.pages import SignalPage
from pipeline.signals.spend import spend_drop
from pipeline.state.catalogue import CYCLES_KEPT

NOTHING = np.full(1, np.nan)
ZERO = np.zeros(1)


def _of_account(strength: Callable[[AccountFacts], Floats], **changes: float) -> Callable[[SignalPolicy], float]:
    """The strength for one account of which no more is known than these changes; `cycle_charges` stands for all cycles kept."""
    money = MoneyFacts(
        prepaid=ZERO, recharge_days=NOTHING, recharge_gap=NOTHING, recharges=ZERO, balance=NOTHING, overdue_days=NOTHING,
        overdues=ZERO, owed=ZERO, fee=NOTHING, fee_before=NOTHING, fee_days=NOTHING, cycle_charge=ZERO,
        cycle_charges=np.full((1, CYCLES_KEPT), np.nan), cycle_days=NOTHING, cycle_length=NOTHING, crowd_charge=np.ones(1),
    )  # fmt: skip
    shapes = {"cycle_charges": (1, CYCLES_KEPT)}
    told = replace(money, **{name: np.full(shapes.get(name, (1,)), value) for name, value in changes.items()})
    facts = AccountFacts(0, np.zeros(1, np.int64), NOTHING, NOTHING, ZERO, np.ones(1), ZERO, ZERO, ZERO, money=told)
    return lambda _: float(strength(facts)[0])


SPEND_PAGES: dict[str, SignalPage] = {
    "spend_drop": SignalPage(
        "The last bill, or of a prepaid customer what a recharge was worth a day, is far below the customer's own usual.",
        "Bills that always jump: a drop within 12 %, or within two of the usual deviations, is noise. Who calls as much as ever "
        "has a smaller bill for another reason: nothing is said, and fully only at 85 % of the usual usage.",
        "Bills 50, 52, 50, 30: the drop is 0.40, noise the larger of 0.12 and 2 x 0: (0.40 - 0.12) / (0.60 - 0.12) = 0.58.",
        0.28 / 0.48,
        lambda _: spend_drop([50.0, 52.0, 50.0, 30.0])[0],
    ),
    "spend_run_rate": SignalPage(
        "Charges of this cycle are far behind the same day of the cycles before: known before the bill is.",
        "The crowd spends less too; cycles that always differ; the first week of a cycle says nothing.",
        "Cycles of 40, half of the cycle over, 5 charged where 20 are usual: the drop is 0.75, noise 0.10 / sqrt(0.5) = 0.14: "
        "(0.75 - 0.14) / (0.75 - 0.10) = 0.94.",
        0.936,
        _of_account(spend_run_rate, cycle_charge=5.0, cycle_charges=40.0, cycle_days=15.0, cycle_length=30.0),
    ),
    "recharge_lapse": SignalPage(
        "A prepaid customer should have recharged long ago.",
        "Balances last longer while the crowd spends less; after fewer than three recharges nothing is said.",
        "Usually every 10 days, the last one 25 days ago: (25 / 10 - 1.5) / (4 - 1.5) = 0.40.",
        0.40,
        _of_account(recharge_lapse, prepaid=1.0, recharge_days=25.0, recharge_gap=10.0, recharges=6.0),
    ),
    "overdue": SignalPage(
        "A bill is unpaid after its notice.",
        "Mostly somebody who cannot pay, which is no wish to leave: small weight. Who always pays late is excused for days.",
        "For the first time, 15 days since: 0.35 + 0.65 x 15 / 30 = 0.675.",
        0.675,
        _of_account(overdue, overdue_days=15.0, overdues=1.0),
    ),
    "plan_downgrade": SignalPage(
        "The monthly fee went down with a change of plan.",
        "Who pays more for calls than the fee saves has only chosen otherwise.",
        "50 to 35 a month, 15 days ago: (15 / 50) / 0.5 x (1 - 15 / 30) = 0.30.",
        0.30,
        _of_account(plan_downgrade, fee=35.0, fee_before=50.0, fee_days=15.0),
    ),
}
