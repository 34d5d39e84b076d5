"""What the warnings themselves were worth, and their hash."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from models.evaluation.daily_lists import DAY_MS, Lists
from models.evaluation.truth import INVOLUNTARY
from pipeline.calm.incidents import is_incident
from pipeline.events import ChurnWarning, Truth


@dataclass(frozen=True, slots=True)
class Alarms:
    """Warnings whose horizon is over: how many, how many of them for nobody who left, over how many line-weeks."""

    judged: int
    false: int
    line_weeks: float

    @property
    def false_per_1000_line_weeks(self) -> float | None:
        """None when no line was watched long enough."""
        return 1000.0 * self.false / self.line_weeks if self.line_weeks else None


def judge_alarms(
    warnings: Iterable[ChurnWarning], lines_of: Mapping[str, Sequence[str]], truths: Mapping[str, Truth], lists: Lists
) -> Alarms:
    """A warning is false when neither its line, nor any line of its account if it names none, leaves within the horizon.

    One for a line that leaves involuntarily is neither right nor false, nor is one of an incident. Line-weeks: live
    lines of the daily lists of the same days, divided by 7.
    """
    judged = false = 0
    for warning in warnings:
        if is_incident(warning) or not lists.is_complete(warning.ts_ms):
            continue
        lines = lines_of.get(warning.account_id, ()) if warning.line_id is None else (warning.line_id,)
        left = [truth for line in lines if (truth := truths.get(line)) and _leaves(truth, warning.ts_ms, lists)]
        if left and all(truth.cause == INVOLUNTARY for truth in left):
            continue
        judged += 1
        false += not left
    line_days = sum(len(day.lines) for day in lists.days if lists.is_complete(day.day_ms))
    return Alarms(judged, false, line_days / 7.0)


def warned_lines(warnings: Iterable[ChurnWarning], lines_of: Mapping[str, Sequence[str]]) -> set[str]:
    """Lines that were named in a warning, or belong to an account that was."""
    found: set[str] = set()
    for warning in warnings:
        found.update(lines_of.get(warning.account_id, ()) if warning.line_id is None else (warning.line_id,))
    return found


def warnings_hash(warnings: Iterable[ChurnWarning]) -> str:
    """SHA-256 over the warnings as one canonical JSON array (sorted keys, no spaces), sorted by `warning_id`
    (an incident that several partitions see has one id: then by time and content).

    >>> warnings_hash([])[:8]
    '4f53cda1'
    """
    ranked = sorted(warnings, key=lambda warning: (warning.warning_id, warning.ts_ms, msgspec.json.encode(warning)))
    canonical = json.dumps(msgspec.to_builtins(ranked), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def alarms_by_day(warnings: Iterable[ChurnWarning]) -> dict[int, dict[str, int]]:
    """Warnings of each UTC day (its start in ms) by level."""
    days: dict[int, dict[str, int]] = {}
    for warning in warnings:
        levels = days.setdefault(warning.ts_ms // DAY_MS * DAY_MS, {})
        levels[warning.level.value] = levels.get(warning.level.value, 0) + 1
    return dict(sorted(days.items()))


def _leaves(truth: Truth, ts_ms: int, lists: Lists) -> bool:
    return ts_ms < truth.churn_ms <= ts_ms + lists.horizon_ms
