"""Learning from the ordered log of examples: pure, no clock, no Kafka. The same log gives the same models.

Examples are taken in blocks of a fixed size, whatever the batches in which they come: each block is scored by every contestant
as it stood before, looked at by the guard, and only then learnt.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from enum import StrEnum

import numpy as np

from models.bodies import PRIOR_KIND
from models.calibration import Calibration, OnlineCalibration
from models.contest import Change, ChangeOfChampion, Contest, ContestRules
from models.crowding import Crowding
from models.drift import Drift, DriftWatch
from models.evaluation import RollingFigures
from models.exchange import write_model
from models.guard import Alarm, Finding, GuardRules, PoisonGuard
from models.label_rules import DAY_MS
from models.learners.protocol import BoolVector, Learner
from models.orders import OrderKind, TrainerOrder
from models.past_models import PastModels
from models.scorers import probability
from pipeline.events import Example, ModelMessage
from pipeline.ports import FloatMatrix, FloatVector

HOUR_MS = 3_600_000
BLOCK_ROWS = 32
REMEMBERED_EXAMPLES = 1_000_000
HELD_EXAMPLES_MAX = 100_000
#: The documented prior takes its level from this operator after a sixth of the churners that a first model needs.
LEVEL_SHARE = 6
#: What the documented prior says is a probability already, not the odds of leavers against drawn stayers.
AS_IT_IS = Calibration(haste=1.0)

Notice = Finding | ChangeOfChampion | Drift


class ExampleRefusal(StrEnum):
    """Why an example was not learnt. Closed: a metric label."""

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    FOREIGN_FEATURES = "foreign_features"
    WRONG_SHAPE = "wrong_shape"
    LABEL_TOO_EARLY = "label_too_early"
    LABEL_TOO_OLD = "label_too_old"
    WHILE_FROZEN = "while_frozen"


@dataclass(frozen=True, slots=True)
class TrainingRules:
    """When a model is worth publishing, and what is too old to learn from.

    `minimum_positives`: churners seen before the first model that learns; a sixth of them before the level of the prior.
    `publish_every_labels`: rounded up to whole blocks. `tick_ms`: a model counts from the first such moment of stream time after
    its newest label. `groups`: the reason code of each feature, `kinds`: of customers, both for drift (models/drift.py).
    `barred`: features that this tenant may not learn from, by position. `horizon_ms`: of the labels. `feature_schema`: of this
    release, others are refused; empty: a new one starts anew.
    """

    minimum_positives: int = 30
    publish_every_labels: int = 500
    tick_ms: int = HOUR_MS
    example_age_max_ms: int = 400 * DAY_MS
    groups: tuple[str, ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    barred: tuple[int, ...] = ()
    horizon_ms: int = 30 * DAY_MS
    feature_schema: str = ""
    guard: GuardRules = field(default_factory=GuardRules)
    contest: ContestRules = field(default_factory=ContestRules)


class Training:
    """The contestants and what they have learnt. `counts` tells refusals by name and labels by class."""

    def __init__(self, makers: Mapping[str, Callable[[int], Learner]], rules: TrainingRules | None = None) -> None:
        """`makers`: by contestant, the first is the champion; each is given the number of features. A new feature
        schema starts anew.
        """
        self._makers = makers
        self._rules = rules or TrainingRules()
        self._schema = ""
        self._width = 0
        self._schemas_seen: set[str] = set()
        self._ids: dict[str, None] = {}
        self._newest_known_ms = 0
        self._block: list[Example] = []
        self._held: list[Example] = []
        self._dropped_leavers: set[str] = set()
        self._was_ordered = False
        self._notices: list[Notice] = []
        self.counts: Counter[str] = Counter()
        self.frozen: Alarm | None = None
        self.is_pinned = False
        self._begin()

    def _begin(self) -> None:
        self._learners = {name: make(self._width) for name, make in self._makers.items()} if self._width else {}
        self._past = {name: PastModels(learner.model()) for name, learner in self._learners.items()}
        self._calibrations = {
            name: OnlineCalibration(AS_IT_IS if learner.kind == PRIOR_KIND else None)
            for name, learner in self._learners.items()
        }
        self._contest = Contest(list(self._makers), self._rules.contest)
        self._guard = PoisonGuard(self._rules.guard)
        self._drift = self._drift_watch()
        self._crowding = Crowding()
        self._figures = RollingFigures()
        self._block = []
        self._positives = self._published_labels = self.labels_learned = 0

    def _drift_watch(self) -> DriftWatch:
        """Names of features say nothing of another schema's."""
        rules = self._rules
        return DriftWatch(rules.groups, rules.kinds) if len(rules.groups) == self._width else DriftWatch()

    def take(self, examples: Sequence[Example]) -> None:
        """Take these examples in order; those that cannot be learnt are counted by reason."""
        for example in examples:
            if example.feature_schema not in self._schemas_seen and self._can_learn(example):
                self._schema, self._width = example.feature_schema, len(example.features)
                self._schemas_seen.add(example.feature_schema)
                self._drop_held()
                self._begin()
            refusal = self._refusal(example)
            if refusal is not None:
                self.counts[refusal] += 1
                continue
            self._remember(example)
            if self.frozen is not None:
                self._hold([example])
                continue
            self._block.append(example)
            if len(self._block) == BLOCK_ROWS:
                block, self._block = self._block, []
                self._learn(block)

    def obey(self, order: TrainerOrder) -> None:
        """An order of the log, in its place."""
        if order.order is OrderKind.FREEZE and self.frozen is None:
            self._freeze(Finding(Alarm.BY_ORDER, 0.0, 0.0, 0, order.given_ms))
        elif order.order is OrderKind.UNFREEZE and self.frozen is not None:
            self.frozen = None
            self._guard.forget_recent()
            if order.learn_held:
                held, self._held = self._held, []
                self._learn_without_guard(held)
            else:
                self._drop_held()
        elif order.order is OrderKind.PROMOTE:
            change = self._contest.promote(order.contestant)
            self._was_ordered = self._was_ordered or self.is_pinned or change is not None
            self.is_pinned = False
            self._notices += [change] if change is not None else []
        elif order.order in (OrderKind.PIN, OrderKind.RELEASE):
            self.is_pinned = order.order is OrderKind.PIN

    def notices(self) -> list[Notice]:
        """What a person should hear of since the last call: alarms, changes of the champion, drift."""
        told, self._notices = self._notices, []
        return told

    @property
    def champion(self) -> str:
        """Who scores."""
        return self._contest.champion

    @property
    def has_news(self) -> bool:
        """Labels were learnt since the last model, or a person said who is to score, and enough churners: for a first one that
        learns from them, or, as long as the documented prior scores, for its level
        (docs/adr/0090-the-prior-takes-its-level.md). Never while pinned.
        """
        is_new = self.labels_learned > self._published_labels or self._was_ordered
        return self._has_enough and is_new and not self.is_pinned

    @property
    def _has_enough(self) -> bool:
        needed = self._rules.minimum_positives
        if self._learners and self._learners[self.champion].kind == PRIOR_KIND:
            needed = -(-needed // LEVEL_SHARE)
        return self._positives >= needed

    @property
    def is_due(self) -> bool:
        """A round number of labels is reached: the next model, at the same place of the log in every run."""
        return self.has_news and self.labels_learned % self._publish_every < BLOCK_ROWS

    @property
    def labels_until_due(self) -> int:
        """How many more labels until the next round number; at least 1."""
        labels = self._publish_every - self.labels_learned % self._publish_every
        return -(-labels // BLOCK_ROWS) * BLOCK_ROWS - len(self._block)

    @property
    def _publish_every(self) -> int:
        return -(-self._rules.publish_every_labels // BLOCK_ROWS) * BLOCK_ROWS

    @property
    def is_finite(self) -> bool:
        """Every number of the champion and its calibration is finite; true before the first example."""
        if not self._learners:
            return True
        calibration = astuple(self._calibrations[self.champion].current)
        return self._learners[self.champion].is_finite() and bool(np.isfinite(calibration).all())

    def message(self, created_ms: int) -> ModelMessage:
        """The champion as it stands; it counts from the first tick after the newest label that it knows."""
        if not self._learners:
            raise ValueError("there is no model before the first example")
        learner, tick_ms = self._learners[self.champion], self._rules.tick_ms
        calibration = self._calibrations[self.champion].current
        return write_model(
            learner.kind,
            {**learner.export(), "calibration": asdict(calibration)},
            created_ms=created_ms,
            counts_from_ms=(self._newest_known_ms // tick_ms + 1) * tick_ms,
            labels_learned=self.labels_learned,
            feature_schema=self._schema,
            metrics=self.figures(),
        )

    def mark_published(self) -> None:
        """The model as it stands was published."""
        self._published_labels, self._was_ordered = self.labels_learned, False

    def figures(self) -> dict[str, float]:
        """Prequential figures over the last examples."""
        return self._figures.figures()

    def stability(self) -> dict[str, float]:
        """Population stability index by group of features, and of the score, between the last two periods."""
        return self._drift.indices

    def _refusal(self, example: Example) -> ExampleRefusal | None:
        if example.example_id in self._ids:
            return ExampleRefusal.DUPLICATE
        if example.feature_schema != self._schema or not self._width:
            return ExampleRefusal.FOREIGN_FEATURES
        if len(example.features) != self._width:
            return ExampleRefusal.WRONG_SHAPE
        if example.known_ms < example.snapshot_ms:
            return ExampleRefusal.LABEL_TOO_EARLY
        if example.known_ms - example.snapshot_ms > self._rules.example_age_max_ms:
            return ExampleRefusal.LABEL_TOO_OLD
        if example.corrects in self._dropped_leavers:
            return ExampleRefusal.WHILE_FROZEN
        return None

    def _can_learn(self, example: Example) -> bool:
        """Whether its features can be learnt; what is barred is known by its place in this release's features."""
        rules, width = self._rules, len(example.features)
        is_own = rules.feature_schema in ("", example.feature_schema)
        return is_own and width > 0 and (not rules.barred or width == len(rules.groups))

    def _remember(self, example: Example) -> None:
        self._ids[example.example_id] = None
        if len(self._ids) > REMEMBERED_EXAMPLES:
            del self._ids[next(iter(self._ids))]

    def _freeze(self, finding: Finding) -> None:
        self.frozen = finding.alarm
        self._notices.append(finding)
        held, self._block = self._block, []
        self._hold(held)

    def _hold(self, examples: Sequence[Example]) -> None:
        self._held += examples
        self._drop_held(len(self._held) - HELD_EXAMPLES_MAX)

    def _drop_held(self, oldest: int | None = None) -> None:
        """Never learn what is held, or so many of the oldest; nor what takes one of these leavers back."""
        dropped = self._held[: len(self._held) if oldest is None else max(0, oldest)]
        del self._held[: len(dropped)]
        self._dropped_leavers.update(example.example_id for example in dropped if example.churned)
        self.counts[ExampleRefusal.WHILE_FROZEN] += len(dropped)

    def _learn_without_guard(self, examples: Sequence[Example]) -> None:
        for start in range(0, len(examples), BLOCK_ROWS):
            self._learn(examples[start : start + BLOCK_ROWS], guarded=False)

    def _learn(self, block: Sequence[Example], *, guarded: bool = True) -> None:
        features, churned, weight = as_arrays(block)
        if self._rules.barred:
            features[:, list(self._rules.barred)] = np.nan
        news = np.array([example.corrects is None for example in block])
        snapshot_ms = np.array([example.snapshot_ms for example in block])
        said = {name: past.log_odds(features, snapshot_ms) for name, past in self._past.items()}
        now = {name: learner.model().log_odds(features) for name, learner in self._learners.items()}
        scores = {name: probability(self._calibrations[name].current.corrected(now[name])) for name in said}
        finding = self._examined(block, churned, scores[self.champion], news) if guarded else None
        if finding is not None:
            self._freeze(finding)
            self._hold(block)
            return
        self._judge(features[news], churned[news], {name: score[news] for name, score in scores.items()}, block)
        shared = weight * self._crowding.shares(block)
        elapsed = np.array([example.known_ms for example in block]) - snapshot_ms
        elapsed_share = (elapsed / self._rules.horizon_ms)[news]
        ids = [example.example_id for example in block if example.corrects is None]
        for name, learner in self._learners.items():
            self._calibrations[name].add(said[name][news], churned[news], weight[news], elapsed_share, ids)
            self._calibrations[name].take_back([example.corrects for example in block if example.corrects is not None])
            learner.learn(features[news], churned[news], shared[news])
            if not news.all():
                learner.take_back(features[~news], shared[~news])
        self._count(block, int(churned.sum()))

    def _examined(
        self, block: Sequence[Example], churned: BoolVector, score: FloatVector, news: BoolVector
    ) -> Finding | None:
        fresh = [example for example, is_news in zip(block, news.tolist(), strict=True) if is_news]
        if not fresh:
            return None
        accounts, moments = [example.account_id for example in fresh], [example.known_ms for example in fresh]
        return self._guard.examine(accounts, churned[news], score[news], moments)

    def _judge(
        self, features: FloatMatrix, churned: BoolVector, scores: dict[str, FloatVector], block: Sequence[Example]
    ) -> None:
        score = scores[self.champion]
        self._figures.add(churned, score)
        self._notices += self._drift.add(features, score, churned, block[-1].known_ms)
        change = self._contest.add(churned, scores)
        if change is not None:
            self._notices.append(change)
            self._drift.forget_scores()
            self.counts[f"champion_{change.change}"] += 1

    def _count(self, block: Sequence[Example], positives: int) -> None:
        self._newest_known_ms = max(self._newest_known_ms, *(example.known_ms for example in block))
        for name, past in self._past.items():
            if past.is_due(self._newest_known_ms):
                past.keep(self._newest_known_ms, self._learners[name].model())
        self._positives += positives
        self.labels_learned += len(block)
        self.counts["learned_1"] += positives
        self.counts["learned_0"] += len(block) - positives


def as_arrays(examples: Sequence[Example]) -> tuple[FloatMatrix, BoolVector, FloatVector]:
    """Features (n, n_features) with NaN for None, labels (n,), weights (n,)."""
    features = np.array([example.features for example in examples], dtype=np.float64)
    churned = np.array([example.churned for example in examples], dtype=np.bool_)
    weight = np.array([example.weight for example in examples], dtype=np.float64)
    return features, churned, weight


__all__ = ["Change", "ExampleRefusal", "Notice", "Training", "TrainingRules", "as_arrays"]
