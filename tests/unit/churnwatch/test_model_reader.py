"""What a worker does with messages of churn.models."""

import msgspec
from structlog.testing import capture_logs

from churnwatch.engine_parts import KEPT_MODELS, engine_parts
from churnwatch.model_reader import ModelReader
from churnwatch.settings import Settings
from models.exchange import ArrayScorer, write_model
from models.learners.logistic import LogisticLearner
from pipeline.metrics import Metrics


def test_a_model_that_cannot_be_used_is_counted_by_reason_and_the_next_is_taken_over() -> None:
    settings, metrics, used = Settings(), Metrics(), []
    parts = engine_parts(settings)
    reader = ModelReader(settings, parts, metrics, lambda scorer, since: used.append((scorer.version, since)))
    model = write_model(
        "logistic",
        LogisticLearner(len(parts.features)).export(),
        created_ms=1,
        counts_from_ms=7,
        labels_learned=32,
        feature_schema=parts.schema,
        metrics={},
    )
    raw = msgspec.json.encode(model)

    with capture_logs():
        for sent in (raw[:-40], raw.replace(b'"version":"', b'"version":"\xff'), b"[" * 20_000, None, raw):
            reader.take(sent)

    assert used == [(model.version, 7)]
    assert metrics.registry.get_sample_value("churnwatch_models_refused_total", {"reason": "unreadable"}) == 3.0


def test_a_worker_keeps_as_many_models_as_the_topic() -> None:
    parts = engine_parts(Settings())
    scorer = ArrayScorer("v", LogisticLearner(len(parts.features)).model())
    for counts_from_ms in range(KEPT_MODELS + 7):
        parts.add_model(scorer, counts_from_ms)

    assert [since for _, since in parts.models] == list(range(7, KEPT_MODELS + 7))
