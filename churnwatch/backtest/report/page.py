"""The page: what a manager asks, in that order."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from churnwatch.backtest.report.cases import best_and_worst, case_table, ledger
from churnwatch.backtest.report.charts import (
    alarm_chart,
    calibration_chart,
    group_chart,
    lead_time_chart,
    list_size_chart,
    over_time_chart,
    score_chart,
)
from churnwatch.backtest.report.incidents import incident_table, incidents_of
from churnwatch.backtest.report.markup import number, page, percent, section, table
from churnwatch.backtest.run import Backtest
from churnwatch.errors import UserError
from models.evaluation.report_figures import NEED_TRUTH, WARNED_DAYS, Judgement
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
    incidents = incidents_of(result)
    yield section(
        "Warnings a day",
        "About customers. Numbers are incidents: grey, known to the operator; dotted, where the engine saw one begin.",
        alarm_chart(result.replayed.warnings, incidents),
        incident_table(incidents),
    )


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
            "Over time",
            "Before the first model the score is the documented prior.",
            over_time_chart(judgement.judged),
            score_chart(judgement.judged),
        )
    if judgement.leads.lines:
        yield section(
            "How early?",
            "Days in the top 2 % before leaving; the undetected count 0.",
            lead_time_chart(judgement.leads.days),
            ledger(result, judgement),
        )
        segments = [result.segments[line] for line in judgement.leads.lines]
        yield section(
            "By cause",
            "What makes people leave, and how early it shows.",
            *_by_group(judgement.leads.causes, judgement),
        )
        yield section("By segment", "Who they are.", *_by_group(segments, judgement))
        yield section(
            "By cause and segment",
            "Churners, and in brackets the share found a week or more before they left.",
            _cause_by_segment(segments, judgement),
        )
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


def _by_group(groups: Sequence[str], judgement: Judgement) -> Iterator[str]:
    names, days = np.array(groups), judgement.leads.days
    kinds = sorted(set(groups))
    own = [days[names == kind] for kind in kinds]
    detected = [float((part > 0).mean()) for part in own]
    early = [float((part >= WARNED_DAYS).mean()) for part in own]
    yield group_chart(f"found before they left, {', '.join(kinds[:3])}", kinds, detected, early)
    rows = (
        (kind, number(len(part)), percent(found), number(float(np.median(part)), 1), percent(week))
        for kind, part, found, week in zip(kinds, own, detected, early, strict=True)
    )
    yield table(("", "churners", "detected", "median lead, days", "a week or more"), rows)


def _cause_by_segment(segments: Sequence[str], judgement: Judgement) -> str:
    who, why, days = np.array(segments), np.array(judgement.leads.causes), judgement.leads.days
    columns = sorted(set(segments))
    rows = []
    for cause in sorted(set(judgement.leads.causes)):
        cells = [days[(why == cause) & (who == segment)] for segment in columns]
        told = [f"{len(cell)} ({percent(float((cell >= WARNED_DAYS).mean()))})" if len(cell) else "" for cell in cells]
        rows.append((cause, *told))
    return table(("", *columns), rows)
