"""A warning that a model raises says why: reason codes from its contributions, each with its numbers."""

import numpy as np

from alerts.reason_texts import load_reason_texts
from churnwatch.settings import CONFIG_DIR
from models.exchange import ArrayScorer
from models.learners.logistic import PriorLearner
from pipeline.events import ChurnWarning
from pipeline.features.catalogue import PRIOR_COLUMN, features_for
from pipeline.ports import FloatMatrix, FloatVector
from tests.fakes.labels import RecordingLabels
from tests.fakes.pipeline_runs import DAY_MS, HOUR_MS, MONDAY_MS, Run, call, policy, topics_of

FEATURES = [feature.name for feature in features_for(list(policy().hard))]
FROM_MS = MONDAY_MS + 42 * DAY_MS


class AfraidOfLessUse(ArrayScorer):
    """Finds everybody likely to leave; because of fewer calls, and of whatever the documented prior says."""

    def score(self, features: FloatMatrix) -> FloatVector:
        return np.full(len(features), 0.7)

    def contributions(self, features: FloatVector) -> FloatVector:
        told = super().contributions(features)
        told[FEATURES.index("activity_change")] = -features[FEATURES.index("activity_change")]
        return told


def warning_of_a_line_that_calls_less_and_asked_a_rival() -> ChurnWarning:
    prior = PriorLearner(len(FEATURES), prior_column=PRIOR_COLUMN).model()
    run = Run(RecordingLabels())
    run.task.engine.use_model(AfraidOfLessUse("m1", prior), FROM_MS)
    calls = [
        call(100 * day + n, MONDAY_MS + day * DAY_MS + (9 + n) * HOUR_MS)
        for day in range(45)
        for n in range(12 if day < 28 else day % 2)
    ]
    rival = call(9999, FROM_MS - 2 * HOUR_MS, peer_operator="rival-a", peer_kind="competitor_hotline")
    run.fetch_all(topics_of(cdr=sorted([*calls, rival], key=lambda record: record["ts_ms"])))
    return next(warning for warning in run.warnings if warning.reasons[0] == "model_score")


def test_a_score_gives_its_reasons_with_numbers_also_those_within_the_prior() -> None:
    warning = warning_of_a_line_that_calls_less_and_asked_a_rival()
    told = next(signal.evidence for signal in warning.signals if signal.name == "model_score")

    assert set(warning.reasons) == {"model_score", "usage_drop", "competitor_hotline"}
    assert told["usage_drop.drop_ratio"] > 0.5
    assert 0.0 < told["competitor_hotline.share"] < 1.0
    assert any(signal.name == "competitor_hotline" and "calls_28d" in signal.evidence for signal in warning.signals)


def test_a_score_says_in_both_languages_why_and_what_was_allowed_for() -> None:
    warning = warning_of_a_line_that_calls_less_and_asked_a_rival()
    told = next(signal.evidence for signal in warning.signals if signal.name == "model_score")
    for language, texts in load_reason_texts(CONFIG_DIR / "reasons").items():
        sentence = texts.sentence("model_score", told)
        assert sentence.startswith(texts.sentence("model_score", {"score": 0.7})), language
        assert f"{told['usage_drop.drop_ratio'] * 100:.0f}" in sentence
        assert texts.benign("usage_drop") in texts.benign("model_score", told)
        assert all("." not in label for label, _ in texts.evidence_rows(told))
