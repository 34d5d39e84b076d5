"""The page: what a manager asks, in that order."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from churnwatch.backtest.report.cases import best_and_worst, case_table, ledger
from churnwatch.backtest.report.charts import (
    alarm_chart,
    calibration_chart,
    lead_time_chart,
    list_size_chart,
    over_time_chart,
)
from churnwatch.backtest.report.markup import number, page, percent, section, table
from churnwatch.backtest.run import Backtest
from churnwatch.errors import UserError
from models.evaluation.report_figures import NEED_TRUTH, Judgement
from models.evaluation.what_if import what_if


def write_report(result: Backtest, assignments: Mapping[str, str], path: Path) -> None:
    """Write the page.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.write_text(report_page(result, assignments), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose a folder that exists and is yours") from None


def report_page(result: Backtest, assignments: Mapping[str, str]) -> str:
    """The page as HTML."""
    return page(f"Backtest of {result.directory.path.name}", _sections(result, assignments))


def _sections(result: Backtest, assignments: Mapping[str, str]) -> Iterator[str]:
    figures, judgement = result.figures, result.judgement
    changed = ", ".join(f"{key} = {value}" for key, value in assignments.items()) or "settings as shipped"
    yield f'<p class="lead">{escape(changed)}; warnings {escape(str(figures["warnings_hash"])[:12])}</p>'
    yield section("What was replayed", "Records in, warnings out.", _replayed(result))
    if judgement is None:
        yield section("No truth", f"Without truth.jsonl these are left out: {', '.join(NEED_TRUTH)}.")
    else:
        yield from _judged(result, judgement)
    yield section("Warnings a day", "Green: watch, orange: warn, red: critical.", alarm_chart(result.replayed.warnings))


def _judged(result: Backtest, judgement: Judgement) -> Iterator[str]:
    yield section(
        "What it was worth", "Daily lists against what happened within 30 days.", _headline(result, judgement)
    )
    if judgement.judged:
        yield section(
            "How long a list?", "A longer list finds more and is right less often.", list_size_chart(judgement.judged)
        )
        yield section("What if", "Another threshold on the score, every day.", _what_if(judgement))
        yield section(
            "Can the score be believed?",
            "On the dashed line, 0.3 means three of ten.",
            calibration_chart(judgement.bins),
        )
        yield section(
            "Over time", "Before the first model the score is the documented prior.", over_time_chart(judgement.judged)
        )
    if judgement.leads.lines:
        yield section(
            "How early?",
            "Days in the top 2 % before leaving; the undetected count 0.",
            lead_time_chart(judgement.leads.days),
            ledger(result, judgement),
        )
        yield section(
            "By cause", "What makes people leave, and how early it shows.", _by_group(judgement.leads.causes, judgement)
        )
        segments = [result.segments[line] for line in judgement.leads.lines]
        yield section("By segment", "Who they are.", _by_group(segments, judgement))
        best, worst = best_and_worst(result, judgement)
        legend = "The blue line is the place in the daily list (top is first), red dots are warnings."
        yield section("Ten best cases", legend, case_table(result, judgement, best))
        yield section("Ten missed cases", legend, case_table(result, judgement, worst))


def _replayed(result: Backtest) -> str:
    names = (
        "events",
        "lines",
        "warnings",
        "warned_lines",
        "dead_letters",
        "duplicates",
        "late",
        "labels_learned",
        "models_published",
        "events_per_s",
    )
    return table(("", ""), ((name.replace("_", " "), number(result.figures[name])) for name in names))


def _headline(result: Backtest, judgement: Judgement) -> str:
    figures = result.figures
    rows = [
        ("churners", number(figures["churners"])),
        ("base rate", percent(figures["base_rate"])),
        ("average precision", number(figures["average_precision"])),
        ("average precision without declared leavers", number(judgement.undeclared.as_dict()["average_precision"])),
        ("AUC", number(figures["auc"])),
        ("calibration error", number(figures["ece"])),
        ("warned a week before", percent(figures["warned_7d_before"])),
        ("false alarms per 1,000 line-weeks", number(figures["false_alarms_per_1000_line_weeks"], 1)),
        ("expected profit per line of a list", number(figures["expected_profit"])),
    ]
    return table(("", ""), rows)


def _what_if(judgement: Judgement) -> str:
    rows = (
        (
            f"{row.threshold:.2f}",
            number(row.listed_per_day, 1),
            percent(row.precision),
            percent(row.recall),
            number(row.new_per_1000_line_weeks, 1),
        )
        for row in what_if(judgement.judged)
    )
    return table(("score at least", "lines a day", "precision", "recall", "new per 1,000 line-weeks"), rows)


def _by_group(groups: Sequence[str], judgement: Judgement) -> str:
    names, days = np.array(groups), judgement.leads.days
    rows = []
    for name in sorted(set(groups)):
        own = days[names == name]
        rows.append((
            name, number(len(own)), percent(float((own > 0).mean())), number(float(np.median(own)), 1),
            percent(float((own >= 7.0).mean())),
        ))  # fmt: skip
    return table(("", "churners", "detected", "median lead, days", "a week or more"), rows)
