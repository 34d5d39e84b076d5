"""How quickly models score: the linear one for a million lines, River's forest as arrays beside River itself."""

import time
from dataclasses import dataclass

import numpy as np

from models.learners.adaptive_forest import AdaptiveForestLearner
from models.learners.blend import BlendLearner
from models.learners.logistic import LogisticLearner
from pipeline.ports import FloatMatrix

FEATURES = 54
EXAMPLES = 2000
RIVER_ROWS = 2000
SEED = 1


@dataclass(frozen=True, slots=True)
class ScoringFigures:
    """`linear_s`: CPU seconds to score `lines` lines. `forest_speedup`: rows a second against River's `predict_proba_one`,
    `forest_difference_max`: largest difference of the two. `blend_us_per_line`: what the blend costs a worker.
    """

    lines: int
    linear_s: float
    blend_us_per_line: float
    forest_us_per_line: float
    river_us_per_line: float
    forest_speedup: float
    forest_difference_max: float


def bench_scoring(lines: int) -> ScoringFigures:
    """Figures on one core; times are of this process alone, so that a busy machine does not spoil them."""
    random = np.random.default_rng(SEED)
    features = random.normal(size=(EXAMPLES, FEATURES))
    churned = features[:, 0] * features[:, 1] + features[:, 2] > 1.5
    many = random.normal(size=(lines, FEATURES))
    linear, blend = LogisticLearner(FEATURES), BlendLearner(FEATURES)
    forest = AdaptiveForestLearner(FEATURES)
    for learner in (linear, blend, forest):
        learner.learn(features, churned, np.ones(EXAMPLES))
    part, few = many[: max(1, lines // 20)], many[:RIVER_ROWS]
    ours_s = min(_seconds(forest, few) for _ in range(3))
    as_dicts = [dict(enumerate(row)) for row in few.tolist()]
    started = time.process_time()
    rivers = np.array([forest.rivers_probability(row) for row in as_dicts])
    rivers_s = time.process_time() - started
    return ScoringFigures(
        lines=lines,
        linear_s=_seconds(linear, many),
        blend_us_per_line=1e6 * _seconds(blend, part) / len(part),
        forest_us_per_line=1e6 * ours_s / len(few),
        river_us_per_line=1e6 * rivers_s / len(few),
        forest_speedup=rivers_s / ours_s,
        forest_difference_max=float(np.abs(rivers - forest.score(few)).max()),
    )


def _seconds(
    learner: LogisticLearner | BlendLearner | AdaptiveForestLearner,
    rows: FloatMatrix,
) -> float:
    model = learner.model()
    started = time.process_time()
    model.score(rows)
    return time.process_time() - started
