"""The poison guard: labels that go wild stop the learning before they are learnt. Scoring goes on.

It counts accounts, not lines: a company that leaves with a hundred lines is one event. Thresholds are far from chance (a
price war that triples the leavers passes), since a freeze needs a person to end it.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.learners.protocol import BoolVector
from pipeline.ports import FloatVector


class Alarm(StrEnum):
    """Why learning was frozen. Closed: a metric label."""

    LABELS_JUMPED = "labels_jumped"
    LABELS_MISSING = "labels_missing"
    BY_ORDER = "by_order"


@dataclass(frozen=True, slots=True)
class GuardRules:
    """`window`: newest examples that are looked at for a jump. `deviations`, `times`: both must be passed, of what was
    expected. `short_window`: newest examples of which more than `short_share` leaving is a jump at once, so that little is
    learnt of it. `missing_expected`: leavers that must have been expected before their absence means anything;
    `missing_share`: fewer than this share of them is an absence. `after_labels`: before so many, nothing is usual.
    """

    window: int = 256
    deviations: float = 8.0
    times: float = 4.0
    short_window: int = 64
    short_share: float = 0.4
    missing_expected: float = 60.0
    missing_share: float = 0.2
    after_labels: int = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What moved: leaving accounts seen among the newest examples, how many were expected, since when (stream time)."""

    alarm: Alarm
    seen: float
    expected: float
    examples: int
    since_ms: int


class PoisonGuard:
    """Looks at each block of examples before it is learnt."""

    def __init__(self, rules: GuardRules | None = None) -> None:
        self._rules = rules or GuardRules()
        self._recent: deque[tuple[str | None, float, int]] = deque(maxlen=self._rules.window)
        self._labels = 0
        self._leavers = 0.0
        self._missing_expected = 0.0
        self._missing_seen = 0.0
        self._missing_since_ms = 0

    def examine(
        self, accounts: list[str], churned: BoolVector, score: FloatVector, known_ms: list[int]
    ) -> Finding | None:
        """A block in order, as it was scored before being learnt; None: learn it."""
        usual = self._leavers / self._labels if self._labels else 0.0
        expected = np.maximum(score, usual)
        for account, label, chance, moment in zip(accounts, churned.tolist(), expected.tolist(), known_ms, strict=True):
            self._recent.append((account if label else None, chance, moment))
        finding = None
        if self._labels >= self._rules.after_labels:
            finding = self._jump() or self._absence(accounts, churned, usual, known_ms[0])
        if finding is None:
            self._labels += len(churned)
            self._leavers += _leaving_accounts(accounts, churned)
        return finding

    def forget_recent(self) -> None:
        """Learning was allowed again: what alarmed is no measure for what comes."""
        self._recent.clear()
        self._missing_expected = self._missing_seen = 0.0

    def _jump(self) -> Finding | None:
        rules = self._rules
        if len(self._recent) < rules.window // 2:
            return None
        recent = list(self._recent)
        return self._jump_in(recent, 0.0) or self._jump_in(recent[-rules.short_window :], rules.short_share)

    def _jump_in(self, recent: list[tuple[str | None, float, int]], share: float) -> Finding | None:
        rules = self._rules
        seen = float(len({account for account, _, _ in recent if account is not None}))
        expected = sum(chance for _, chance, _ in recent)
        unlikely = expected + rules.deviations * max(1.0, expected) ** 0.5
        limit = max(share * len(recent) if share else rules.times * expected, unlikely)
        if seen <= min(limit, 0.9 * len(recent)):
            return None
        return Finding(Alarm.LABELS_JUMPED, seen, expected, len(recent), recent[0][2])

    def _absence(self, accounts: list[str], churned: BoolVector, usual: float, known_ms: int) -> Finding | None:
        """Fewer leavers than usual; not than the learner says, which has begun to learn that nobody leaves."""
        if self._missing_expected == 0.0:
            self._missing_since_ms = known_ms
        self._missing_expected += usual * len(churned)
        self._missing_seen += _leaving_accounts(accounts, churned)
        if self._missing_expected < self._rules.missing_expected:
            return None
        seen, expected = self._missing_seen, self._missing_expected
        self._missing_expected = self._missing_seen = 0.0
        if seen >= self._rules.missing_share * expected:
            return None
        return Finding(Alarm.LABELS_MISSING, seen, expected, self._labels, self._missing_since_ms)


def _leaving_accounts(accounts: list[str], churned: BoolVector) -> int:
    return len({account for account, label in zip(accounts, churned.tolist(), strict=True) if label})
