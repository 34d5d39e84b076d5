"""Who scores: the champion, until a challenger was better by a margin over a stated number of labels."""

from dataclasses import dataclass
from enum import StrEnum

from models.evaluation.ranking import average_precision, found_in_top, top_count
from models.evaluation.rolling import log_loss
from models.learners.protocol import BoolVector
from models.newest import Newest
from pipeline.ports import FloatVector

#: Labels between two looks.
JUDGE_EVERY = 128


class Change(StrEnum):
    """Why another contestant scores from now on."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    BY_ORDER = "by_order"


@dataclass(frozen=True, slots=True)
class ContestRules:
    """`labels`: examples that both were judged on before anything changes. `margin`: by how large a part the
    challenger's log loss must be below the champion's. `watch_labels`: for so long after a promotion the one before may come
    back, by the same margin. `list_share`: of the examples, for precision at list size.
    """

    labels: int = 4000
    margin: float = 0.02
    watch_labels: int = 5000
    list_share: float = 0.02


@dataclass(frozen=True, slots=True)
class ChangeOfChampion:
    """Both with their figures over the examples that decided."""

    change: Change
    before: str
    after: str
    figures_before: dict[str, float]
    figures_after: dict[str, float]


class Contest:
    """Judges contestants on the same examples, each scored before it was learnt."""

    def __init__(self, names: list[str], rules: ContestRules | None = None) -> None:
        """The first of `names` is the champion."""
        self._rules = rules or ContestRules()
        self._names = names
        self._churned = Newest(self._rules.labels)
        self._scores = {name: Newest(self._rules.labels) for name in names}
        self._since_change = 0
        self._former: str | None = None
        self.champion = names[0]

    def add(self, churned: BoolVector, scores: dict[str, FloatVector]) -> ChangeOfChampion | None:
        """Examples in order with the score that each contestant gave; a change, if it is due after them."""
        self._churned.add(churned)
        for name, score in scores.items():
            self._scores[name].add(score)
        judged_before = self._since_change // JUDGE_EVERY
        self._since_change += len(churned)
        if self._since_change < self._rules.labels or self._since_change // JUDGE_EVERY == judged_before:
            return None
        labels = self._churned.numbers() > 0.0
        losses = {name: log_loss(labels, self._scores[name].numbers()) for name in self._names}
        best = min(losses, key=losses.__getitem__)
        if best == self.champion or losses[best] >= (1.0 - self._rules.margin) * losses[self.champion]:
            return None
        again = best == self._former and self._since_change <= self._rules.labels + self._rules.watch_labels
        return self._change(Change.ROLLED_BACK if again else Change.PROMOTED, best)

    def promote(self, name: str) -> ChangeOfChampion | None:
        """By order of a person; None when it is the champion already or no contestant."""
        if name == self.champion or name not in self._names:
            return None
        return self._change(Change.BY_ORDER, name)

    def figures(self, name: str) -> dict[str, float]:
        """Log loss, average precision and precision of the list, over the newest examples."""
        churned, score = self._churned.numbers() > 0.0, self._scores[name].numbers()
        if not churned.any():
            return {"examples": float(len(churned))}
        listed = top_count(len(score), self._rules.list_share)
        return {
            "examples": float(len(churned)),
            "log_loss": log_loss(churned, score),
            "average_precision": average_precision(churned, score),
            "precision_at_list": found_in_top(churned, score, listed) / listed,
        }

    def _change(self, change: Change, name: str) -> ChangeOfChampion:
        told = ChangeOfChampion(change, self.champion, name, self.figures(self.champion), self.figures(name))
        self._former, self.champion, self._since_change = self.champion, name, 0
        return told
