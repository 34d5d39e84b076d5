"""Learning from the ordered log of examples: pure, no clock, no Kafka. The same log gives the same models."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.evaluation import RollingFigures
from models.exchange import write_model
from models.label_rules import DAY_MS
from models.learners.protocol import BoolVector, Learner
from pipeline.events import Example, ModelMessage
from pipeline.ports import FloatMatrix, FloatVector

HOUR_MS = 3_600_000
CHUNK_ROWS = 64
REMEMBERED_EXAMPLES = 1_000_000
CORRECTION_WEIGHT_MAX = 20.0


class ExampleRefusal(StrEnum):
    """Why an example was not learnt. Closed: a metric label."""

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    FOREIGN_FEATURES = "foreign_features"
    WRONG_SHAPE = "wrong_shape"
    LABEL_TOO_EARLY = "label_too_early"
    LABEL_TOO_OLD = "label_too_old"


@dataclass(frozen=True, slots=True)
class TrainingRules:
    """When a model is worth publishing, and what is too old to learn from.

    `minimum_positives`: churners seen before the first model. `tick_ms`: a model counts from the first such
    moment of stream time after its newest label.
    """

    minimum_positives: int = 30
    publish_every_labels: int = 500
    tick_ms: int = HOUR_MS
    example_age_max_ms: int = 400 * DAY_MS


class Training:
    """One learner and what it has learnt. `counts` tells refusals by name and labels by class."""

    def __init__(self, make_learner: Callable[[int], Learner], rules: TrainingRules | None = None) -> None:
        """`make_learner` is given the number of features; a new feature schema starts a new learner."""
        self._make_learner = make_learner
        self._rules = rules or TrainingRules()
        self._learner: Learner | None = None
        self._schema = ""
        self._width = 0
        self._schemas_seen: set[str] = set()
        self._ids: dict[str, None] = {}
        self._figures = RollingFigures()
        self._newest_known_ms = 0
        self._positives = 0
        self._published_labels = 0
        self.labels_learned = 0
        self.counts: Counter[str] = Counter()

    def take(self, examples: Sequence[Example]) -> None:
        """Score, then learn these examples in order; those that cannot be learnt are counted by reason."""
        block: list[Example] = []
        for example in examples:
            if example.feature_schema not in self._schemas_seen:
                self._learn(block)
                block = []
                self._start(example)
            refusal = self._refusal(example)
            if refusal is not None:
                self.counts[refusal] += 1
                continue
            self._remember(example)
            block.append(example)
            if len(block) == CHUNK_ROWS:
                self._learn(block)
                block = []
        self._learn(block)

    @property
    def has_news(self) -> bool:
        """Labels were learnt since the last model, and enough churners for a first one."""
        return self._positives >= self._rules.minimum_positives and self.labels_learned > self._published_labels

    @property
    def is_due(self) -> bool:
        """A round number of labels is reached: the next model, at the same place of the log in every run."""
        return self.has_news and self.labels_learned % self._rules.publish_every_labels == 0

    @property
    def labels_until_due(self) -> int:
        """How many more labels until the next round number; at least 1."""
        return self._rules.publish_every_labels - self.labels_learned % self._rules.publish_every_labels

    @property
    def is_finite(self) -> bool:
        """Every weight of the model is a finite number; true before the first example."""
        return self._learner is None or self._learner.is_finite()

    def message(self, created_ms: int) -> ModelMessage:
        """The model as it stands; it counts from the first tick after the newest label that it knows."""
        if self._learner is None:
            raise ValueError("there is no model before the first example")
        tick_ms = self._rules.tick_ms
        return write_model(
            self._learner.kind,
            self._learner.export(),
            created_ms=created_ms,
            counts_from_ms=(self._newest_known_ms // tick_ms + 1) * tick_ms,
            labels_learned=self.labels_learned,
            feature_schema=self._schema,
            metrics=self.figures(),
        )

    def mark_published(self) -> None:
        """The model as it stands was published."""
        self._published_labels = self.labels_learned

    def figures(self) -> dict[str, float]:
        """Prequential figures over the last examples."""
        return self._figures.figures()

    def _start(self, example: Example) -> None:
        self._schema, self._width = example.feature_schema, len(example.features)
        self._schemas_seen.add(example.feature_schema)
        self._learner = self._make_learner(self._width)
        self._figures = RollingFigures()
        self._positives = self._published_labels = self.labels_learned = 0

    def _refusal(self, example: Example) -> ExampleRefusal | None:
        if example.example_id in self._ids:
            return ExampleRefusal.DUPLICATE
        if example.feature_schema != self._schema:
            return ExampleRefusal.FOREIGN_FEATURES
        if len(example.features) != self._width:
            return ExampleRefusal.WRONG_SHAPE
        if example.known_ms < example.snapshot_ms:
            return ExampleRefusal.LABEL_TOO_EARLY
        if example.known_ms - example.snapshot_ms > self._rules.example_age_max_ms:
            return ExampleRefusal.LABEL_TOO_OLD
        return None

    def _remember(self, example: Example) -> None:
        self._ids[example.example_id] = None
        if len(self._ids) > REMEMBERED_EXAMPLES:
            del self._ids[next(iter(self._ids))]

    def _learn(self, block: Sequence[Example]) -> None:
        if not block or self._learner is None:
            return
        features, churned, weight = as_arrays(block)
        score = self._learner.score(features)
        corrections = np.array([example.corrects is not None for example in block])
        self._figures.add(churned[~corrections], score[~corrections])
        weight = np.where(corrections, weight * correction_weight(score), weight)
        self._learner.learn(features, churned, weight)
        self._newest_known_ms = max(self._newest_known_ms, *(example.known_ms for example in block))
        positives = int(churned.sum())
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


def correction_weight(score: FloatVector) -> FloatVector:
    """How much heavier a corrected stayer is learnt, so that its wrong label is undone as well.

    Learning "churned" moved the log-odds' gradient by p - 1, learning "stayed" moves it by p. To undo the one and have
    the other it must move by (p - 0) - (p - 1) = 1, that is 1 / p times a stayer's; limited where p is small.

    >>> correction_weight(np.array([0.5, 0.001])).tolist()
    [2.0, 20.0]
    """
    return np.asarray(np.minimum(1.0 / np.maximum(score, 1e-12), CORRECTION_WEIGHT_MAX), dtype=np.float64)
