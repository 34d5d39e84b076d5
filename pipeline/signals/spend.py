"""Signals of what the customer pays: a bill, or what a recharge was worth a day, against the customer's own."""

import math
from collections.abc import Sequence
from statistics import median

MIN_EARLIER_BILLS = 2
#: A drop within this share of the usual bill, or within this many of its usual deviations, is noise.
NOISE_RATIO = 0.12
NOISE_DEVIATIONS = 2.0
FULL_DROP = 0.60
#: The smallest amount of money (CONTRACT.md section 1: up to 4 decimals); from less than that nothing can fall.
LEAST_BILL = 0.0001
#: Recharges closer than this are one.
ONE_RECHARGE_DAYS = 1.0
#: A customer who uses at least this share of what it usually does (of which 1 is as ever) has a smaller bill for another reason.
FALLS_WITH = 0.85


def spend_drop(bills: list[float]) -> tuple[float, dict[str, float]]:
    """Strength and evidence of the last of these bills against the median of those before it.

    `bills` are amounts, oldest first. The drop beyond noise, as a share of a full drop (60 % of the usual bill). Noise is the
    larger of 12 % and two median absolute deviations, so that a customer whose bills always jump is no alarm. Times
    `usage_fell`: the smaller bill of a customer who calls as ever is a tariff or a month without extras. Of a prepaid customer
    the same of what recharges were worth a day: the sum over the days until the next one.

    >>> round(spend_drop([50.0, 52.0, 50.0, 30.0])[0], 4)
    0.5833
    >>> spend_drop([50.0, 30.0])[0]
    0.0
    """
    earlier = bills[:-1]
    if len(earlier) < MIN_EARLIER_BILLS or not bills:
        return 0.0, {}
    usual = median(earlier)
    if usual < LEAST_BILL or not math.isfinite(usual):
        return 0.0, {}
    spread = median(abs(bill - usual) for bill in earlier) / usual
    drop = 1.0 - bills[-1] / usual
    noise = max(NOISE_RATIO, NOISE_DEVIATIONS * spread)
    strength = min(1.0, max(0.0, (drop - noise) / (FULL_DROP - NOISE_RATIO)))
    evidence = {"last_bill": bills[-1], "median_bill": usual, "drop_ratio": drop, "bills": float(len(bills))}
    return strength, evidence


def recharge_drop(days: Sequence[float], amounts: Sequence[float]) -> tuple[float, dict[str, float]]:
    """Strength and evidence of what the recharge before the last was worth a day, as `spend_drop` of a bill.

    A recharge is worth its sum over the days until the next one; the last is being used up. `days` are times, oldest first.
    Recharges within a day are one.

    >>> round(recharge_drop([0, 10, 20, 30, 50], [20, 20, 20, 20, 20])[0], 4)
    0.7917
    >>> recharge_drop([0, 10, 20, 30, 45], [20, 20, 20, 30, 20])[0]
    0.0
    """
    begun: list[float] = []
    sums: list[float] = []
    for day, amount in zip(days, amounts, strict=True):
        if begun and day - begun[-1] < ONE_RECHARGE_DAYS:
            sums[-1] += amount
        else:
            begun.append(day)
            sums.append(amount)
    worth = [amount / (then - day) for amount, day, then in zip(sums, begun, begun[1:], strict=False)]
    strength, told = spend_drop(worth)
    evidence = {"spent_per_day": told["last_bill"], "usual_spent_per_day": told["median_bill"],
                "drop_ratio": told["drop_ratio"], "recharges": float(len(sums))} if told else {}  # fmt: skip
    return strength, evidence


def usage_fell(usage_ratio: float) -> float:
    """How far the account's usage confirms a smaller bill: 0 as much as ever, 1 at 85 % of usual or less.

    >>> round(usage_fell(0.925), 3), usage_fell(1.2), usage_fell(0.4)
    (0.5, 0.0, 1.0)
    """
    return min(1.0, max(0.0, (1.0 - usage_ratio) / (1.0 - FALLS_WITH)))
