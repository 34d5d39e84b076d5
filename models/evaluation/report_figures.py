"""All figures of a backtest that need the truth, as the contract names them (CONTRACT.md section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.alarms import Alarms, judge_alarms
from models.evaluation.calibration import CalibrationBin, calibration_bins, expected_calibration_error
from models.evaluation.daily_lists import JudgedList, Lists
from models.evaluation.lead_time import LeadTimes, lead_times
from models.evaluation.list_figures import ListFigures, figures_of, mean_profit
from models.evaluation.truth import LineTruth, truth_of
from pipeline.events import ChurnWarning, Truth

WARNED_DAYS = 7.0
QUANTILES = {"p10": 0.10, "p50": 0.50, "p90": 0.90}
#: Figures that cannot be told without `truth.jsonl`.
NEED_TRUTH = (
    "churners", "base_rate", "precision_at", "recall_at", "average_precision", "auc", "ece", "lead_time_days",
    "warned_7d_before", "false_alarms_per_1000_line_weeks", "expected_profit", "by_cause", "undeclared",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that was judged, for the figures and for the report."""

    truth: LineTruth
    judged: Sequence[JudgedList]
    figures: ListFigures
    undeclared: ListFigures
    bins: Sequence[CalibrationBin]
    leads: LeadTimes
    alarms: Alarms
    profit: float | None

    def as_dict(self) -> dict[str, object]:
        """By the names of the contract; None where the replay is too short to tell."""
        ece = expected_calibration_error(list(self.bins))
        return {
            "churners": len(self.leads.lines),
            "base_rate": self.figures.churners / self.figures.rows if self.figures.rows else None,
            **self.figures.as_dict(),
            "ece": None if np.isnan(ece) else ece,
            **lead_figures(self.leads.days),
            "false_alarms_per_1000_line_weeks": self.alarms.false_per_1000_line_weeks,
            "expected_profit": self.profit,
            "by_cause": by_cause(self.leads),
            "undeclared": self.undeclared.as_dict(),
            "lists_judged": len(self.judged),
        }


def judge(
    lists: Lists,
    truths: Mapping[str, Truth],
    warnings: Sequence[ChurnWarning],
    lines_of: Mapping[str, Sequence[str]],
) -> Judgement:
    """Judge lists and warnings by the truth."""
    truth = truth_of(lists.line_ids, dict(truths))
    judged = list(lists.judged(truth))
    first_ms = lists.days[0].day_ms if lists.days else lists.end_ms
    scores = np.concatenate([day.scores for day in judged] or [np.zeros(0)])
    churned = np.concatenate([day.churned for day in judged] or [np.zeros(0, np.bool_)])
    return Judgement(
        truth=truth,
        judged=judged,
        figures=figures_of(judged),
        undeclared=figures_of(day.undeclared() for day in judged),
        bins=calibration_bins(churned, scores),
        leads=lead_times((lists.judge(day, truth) for day in lists.days), truth, first_ms, lists.end_ms),
        alarms=judge_alarms(warnings, lines_of, truths, lists),
        profit=mean_profit(judged),
    )


def lead_figures(days: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, object]:
    """Quantiles of the lead times in days (undetected ones are 0), and the share that had a week or more."""
    if not len(days):
        return {"lead_time_days": dict.fromkeys(QUANTILES), "warned_7d_before": None}
    quantiles = {name: float(np.quantile(days, share)) for name, share in QUANTILES.items()}
    return {"lead_time_days": quantiles, "warned_7d_before": float((days >= WARNED_DAYS).mean())}


def by_cause(leads: LeadTimes) -> dict[str, dict[str, object]]:
    """Per cause: churners, share detected at all, and the lead-time figures."""
    causes = np.array(leads.causes)
    result: dict[str, dict[str, object]] = {}
    for cause in sorted(set(leads.causes)):
        days = leads.days[causes == cause]
        result[cause] = {"churners": len(days), "detected": float((days > 0).mean()), **lead_figures(days)}
    return result
