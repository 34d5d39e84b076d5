"""The page's figures, from what was judged."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from churnwatch.backtest.report.incidents import Marked
from churnwatch.backtest.report.plots import BAD, FIRST, GOOD, INK, LINE, SECOND, SMALL, SOFT, plot
from models.evaluation.alarms import alarms_by_day
from models.evaluation.calibration import CalibrationBin
from models.evaluation.daily_lists import DAY_MS, JudgedList
from models.evaluation.list_figures import figures_of, mean
from models.evaluation.report_figures import WARNED_DAYS
from pipeline.calm.incidents import is_incident
from pipeline.events import ChurnWarning, Level
from pipeline.ports import FloatVector

LIST_SHARES = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)
LEAD_DAYS = (0.0, 1.0, 3.0, 7.0, 14.0, 21.0, 30.0, 45.0)
LEVEL_COLOURS = {Level.WATCH: GOOD, Level.WARN: SECOND, Level.CRITICAL: BAD}
_PER_CENT = PercentFormatter(1.0, symbol=" %")


def list_size_chart(lists: Sequence[JudgedList]) -> str:
    """Precision and recall against the share of lines listed."""
    figures = figures_of(lists, LIST_SHARES)

    def draw(axes: Axes) -> None:
        precision = [mean(figures.precision.get(share, [])) or 0.0 for share in LIST_SHARES]
        recall = [mean(figures.recall.get(share, [])) or 0.0 for share in LIST_SHARES]
        axes.plot(
            LIST_SHARES, precision, color=FIRST, marker="o", ms=3, label="precision: listed, and left within 30 days"
        )
        axes.plot(LIST_SHARES, recall, color=SECOND, marker="o", ms=3, label="recall: left, and was listed")
        axes.xaxis.set_major_formatter(_PER_CENT)
        axes.yaxis.set_major_formatter(_PER_CENT)
        axes.set_xlabel("list size, share of all lines")
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        legend_above(axes)

    return plot("precision and recall against list size", draw)


def lead_time_chart(days: FloatVector) -> str:
    """How many churners had how much warning."""
    edges = [*LEAD_DAYS, np.inf]
    names = ["not found", *(f"{low:g}-{high:g}" for low, high in pairwise(LEAD_DAYS)), f"{LEAD_DAYS[-1]:g}+"]
    counts = [int((days == 0).sum())]
    counts += [int(((days > 0) & (days >= low) & (days < high)).sum()) for low, high in pairwise(edges)]

    def draw(axes: Axes) -> None:
        late = [SOFT, *(SECOND if low < WARNED_DAYS else FIRST for low in LEAD_DAYS)]
        drawn = axes.bar(names, counts, color=late)
        axes.bar_label(drawn, color=SOFT)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("lead time, days (blue: a week or more)")
        axes.set_ylabel("churners")

    return plot("lead times", draw)


def calibration_chart(bins: Sequence[CalibrationBin]) -> str:
    """Mean score of each bin against the share that left, both on a log scale: most scores are small."""

    def draw(axes: Axes) -> None:
        least = min((value for part in bins for value in (part.score, part.churned) if value > 0), default=1e-3)
        most = max((max(part.score, part.churned) for part in bins), default=1.0)
        axes.plot([least, most], [least, most], color=SOFT, linestyle="--", label="as it should be")
        seen = [part for part in bins if part.churned > 0]
        axes.plot(
            [part.score for part in seen], [part.churned for part in seen], color=FIRST, marker="o", label="observed"
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=1, symbol=" %"))
        axes.set_xlabel("mean score of a twentieth of all lines")
        axes.set_ylabel("share that left within 30 days")
        legend_above(axes)

    return plot("calibration", draw)


def over_time_chart(lists: Sequence[JudgedList]) -> str:
    """Average precision of each day's list, with the base rate beside it."""
    found = [(figures_of([one]).average_precision, one) for one in lists]

    def draw(axes: Axes) -> None:
        days = [_date(one.day_ms) for precision, one in found if precision]
        axes.plot(days, [precision[0] for precision, _ in found if precision], color=FIRST, label="daily list")
        every = [_date(one.day_ms) for _, one in found]
        axes.plot(every, [float(one.churned.mean()) for _, one in found], color=SOFT, linestyle="--", label="base rate")
        axes.set_ylim(bottom=0.0)
        axes.xaxis_date()
        axes.set_ylabel("average precision")
        legend_above(axes)

    return plot("average precision by day", draw)


def score_chart(lists: Sequence[JudgedList]) -> str:
    """Where the scores of those who will leave stand above those of all, day by day."""

    def draw(axes: Axes) -> None:
        days = [_date(one.day_ms) for one in lists]
        leaving = [float(np.median(one.scores[one.churned])) if one.churned.any() else np.nan for one in lists]
        axes.plot(days, leaving, color=SECOND, label="median of those who leave within 30 days")
        axes.plot(days, [float(np.median(one.scores)) for one in lists], color=FIRST, label="median of all lines")
        top = [float(np.quantile(one.scores, 0.98)) for one in lists]
        axes.plot(days, top, color=SOFT, linestyle="--", label="place in the top 2 % from here")
        axes.xaxis_date()
        axes.set_yscale("log")
        axes.set_ylabel("score")
        legend_above(axes)

    return plot("scores by day", draw)


def group_chart(title: str, names: Sequence[str], detected: Sequence[float], early: Sequence[float]) -> str:
    """Share of each group's churners that were found at all, and a week before."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        axes.barh(places - 0.2, detected, 0.38, color=SECOND, label="found before they left")
        axes.barh(places + 0.2, early, 0.38, color=FIRST, label="found a week or more before")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(_PER_CENT)
        legend_above(axes)

    return plot(title, draw, (8.6, 1.1 + 0.32 * len(names)))


def alarm_chart(warnings: Sequence[ChurnWarning], incidents: Sequence[Marked]) -> str:
    """Warnings of each day by level; known incidents are shaded, those that the engine saw marked where they began."""
    days = alarms_by_day(warning for warning in warnings if not is_incident(warning))

    def draw(axes: Axes) -> None:
        for number, incident in enumerate(incidents, 1):
            first, last = _date(incident.start_ms - DAY_MS // 2), _date(incident.end_ms + DAY_MS // 2)
            if incident.is_known:
                axes.axvspan(first, last, color=LINE, zorder=0)
            else:
                axes.axvline(first, color=SOFT, linestyle=":", zorder=1)
            axes.text(first, 0.99, f" {number}", color=INK, size=8, va="top", transform=axes.get_xaxis_transform())
        places = [_date(one) for one in days]
        below = np.zeros(len(days))
        for level, colour in LEVEL_COLOURS.items():
            counts = np.array([levels.get(level.value, 0) for levels in days.values()], np.float64)
            axes.bar(places, counts, 0.85, below, color=colour, label=level.value)
            below += counts
        axes.grid(visible=False, axis="x")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis_date()
        axes.set_ylabel("warnings")
        legend_above(axes)

    return plot("warnings a day", draw)


def timeline(title: str, places: Sequence[float | None], warned: Sequence[int]) -> str:
    """A line's place in the daily lists, day by day up to its leaving: 1 is the top, None not listed.

    `warned`: positions in `places` of days with a warning.
    """

    def draw(axes: Axes) -> None:
        values = [np.nan if place is None else place for place in places]
        axes.axhspan(0.98, 1.0, color=LINE)  # the top 2 %
        axes.plot(values, color=FIRST, linewidth=1.2)
        axes.plot(list(warned), [-0.12] * len(warned), color=BAD, marker="o", ms=3, linestyle="")
        axes.axvline(len(places), color=BAD, linestyle=":")
        axes.set_xlim(-1, len(places) + 1)
        axes.set_ylim(-0.2, 1.08)

    return plot(title, draw, SMALL, bare=True)


def legend_above(axes: Axes) -> None:
    """Keys in a row above the drawing, where they hide nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderaxespad=0.2)


def _date(ms: int) -> float:
    """A moment as matplotlib's dates: days since 1970."""
    return ms / DAY_MS
