"""The page's drawings, from what was judged."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from alerts.console.charts.plane import round_top
from churnwatch.backtest.report.markup import day
from churnwatch.backtest.report.svg import Axes, Curve, bars, curves
from models.evaluation.alarms import alarms_by_day
from models.evaluation.calibration import CalibrationBin
from models.evaluation.daily_lists import JudgedList
from models.evaluation.list_figures import figures_of, mean
from pipeline.events import ChurnWarning, Level

LIST_SHARES = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)
LEAD_DAYS = (0.0, 1.0, 3.0, 7.0, 14.0, 21.0, 30.0, 45.0)


def list_size_chart(lists: Sequence[JudgedList]) -> str:
    """Precision and recall against the share of lines listed."""
    figures = figures_of(lists, LIST_SHARES)
    precision = [(100 * share, mean(figures.precision.get(share, [])) or 0.0) for share in LIST_SHARES]
    recall = [(100 * share, mean(figures.recall.get(share, [])) or 0.0) for share in LIST_SHARES]
    top = round_top([value for _, value in [*precision, *recall]])
    axes = Axes("list size, % of all lines", "share", 100 * LIST_SHARES[-1], top)
    return curves(
        "precision and recall against list size",
        axes,
        [Curve("precision: listed lines that left within 30 days", precision, "first"),
         Curve("recall: leavers that were listed", recall, "second")],
    )  # fmt: skip


def lead_time_chart(days: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """How many churners had how much warning."""
    edges = [*LEAD_DAYS, np.inf]
    names = ["none", *(f"{low:g}-{high:g}" for low, high in pairwise(LEAD_DAYS))]
    names.append(f"{LEAD_DAYS[-1]:g} or more")
    counts = [int((days == 0).sum())]
    counts += [int(((days > 0) & (days >= low) & (days < high)).sum()) for low, high in pairwise(edges)]
    axes = Axes("lead time, days", "churners", len(names), round_top(counts))
    return bars("lead times", axes, names, [[(count, "plain")] for count in counts])


def calibration_chart(bins: Sequence[CalibrationBin]) -> str:
    """Mean score of each bin against the share that left."""
    top = round_top([max(part.score, part.churned) for part in bins])
    points = [(part.score, part.churned) for part in bins]
    axes = Axes("mean score of a bin", "share that left", top, top)
    return curves(
        "calibration", axes, [Curve("observed", points, "first"), Curve("perfect", [(0, 0), (top, top)], "third")]
    )


def over_time_chart(lists: Sequence[JudgedList]) -> str:
    """Average precision of each day's list, with the base rate beside it."""
    found = [(figures_of([one]), one) for one in lists]
    points = [(number, one.average_precision[0]) for number, (one, _) in enumerate(found) if one.average_precision]
    base = [(number, float(one.churned.mean())) for number, (_, one) in enumerate(found)]
    top = round_top([value for _, value in points])
    axes = Axes(f"days since {day(lists[0].day_ms)}", "average precision", max(1, len(lists) - 1), top)
    return curves(
        "average precision by day", axes, [Curve("daily list", points, "first"), Curve("base rate", base, "third")]
    )


def alarm_chart(warnings: Sequence[ChurnWarning]) -> str:
    """Warnings of each day by level."""
    days = alarms_by_day(warnings)
    stacks = [[(float(levels.get(level.value, 0)), level.value) for level in Level] for levels in days.values()]
    top = round_top([sum(value for value, _ in pieces) for pieces in stacks])
    return bars("warnings a day", Axes("day", "warnings", len(days), top), [day(one)[5:] for one in days], stacks)
