"""Models on the wire: what is taken over and what is refused."""

from typing import Any

import msgspec
import numpy as np
import pytest

from models.bodies import ModelRefusal
from models.exchange import ReceivedModel, RefusedModel, checksum, read_model, write_model
from models.learners.logistic import LogisticLearner
from pipeline.events import ModelMessage


def learner() -> LogisticLearner:
    made = LogisticLearner(2)
    features = np.random.default_rng(1).normal(size=(200, 2))
    made.learn(features, features[:, 0] > 0, np.ones(200))
    return made


def message(**changes: Any) -> ModelMessage:
    made = write_model(
        "logistic",
        learner().export(),
        created_ms=1,
        counts_from_ms=3_600_000,
        labels_learned=200,
        feature_schema="abc",
        metrics={"auc": 0.8},
    )
    return msgspec.structs.replace(made, **changes)


def with_body(**changes: Any) -> ModelMessage:
    body = {**message().body, **changes}
    return message(body=body, sha256=checksum(body))


def test_a_model_arrives_as_it_was() -> None:
    features = np.random.default_rng(2).normal(size=(50, 2))

    received = read_model(msgspec.json.encode(message()), "abc", 2)

    assert isinstance(received, ReceivedModel)
    assert received.scorer.version == received.message.version
    assert np.allclose(received.scorer.score(features), learner().score(features), atol=1e-12)
    assert np.allclose(received.scorer.contributions(features[0]), learner().explain(features[0]), atol=1e-12)


@pytest.mark.parametrize(("kind", "basis"), [("logistic", "model"), ("prior", "prior")])
def test_a_prior_at_the_level_of_this_operator_says_that_it_is_one(kind: str, basis: str) -> None:
    received = read_model(msgspec.json.encode(message(kind=kind)), "abc", 2)

    assert isinstance(received, ReceivedModel)
    assert received.scorer.basis == basis


def test_the_version_is_a_function_of_the_content() -> None:
    assert message().version == message(created_ms=5).version
    assert message().version.startswith("logistic-200-")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (msgspec.json.encode(message())[:-40], ModelRefusal.UNREADABLE),
        (b"", ModelRefusal.UNREADABLE),
        (b"\xff\xfe", ModelRefusal.UNREADABLE),
        (b'{"version": "x"}', ModelRefusal.UNREADABLE),
        (msgspec.json.encode(message()).replace(b'"version":"', b'"version":"\xff'), ModelRefusal.UNREADABLE),
        (b'{"body":{"deep":' + b"[" * 20_000 + b"]" * 20_000 + b"}}", ModelRefusal.UNREADABLE),
        (msgspec.json.encode(message(schema_version=99)), ModelRefusal.NEWER_SCHEMA),
        (msgspec.json.encode(message(sha256="0" * 64)), ModelRefusal.WRONG_CHECKSUM),
        (msgspec.json.encode(message(body={**message().body, "intercept": 9.0})), ModelRefusal.WRONG_CHECKSUM),
        (msgspec.json.encode(message(kind="oracle")), ModelRefusal.UNKNOWN_KIND),
        (msgspec.json.encode(message(feature_schema="other")), ModelRefusal.FOREIGN_FEATURES),
        (msgspec.json.encode(with_body(weights=[1.0])), ModelRefusal.WRONG_SHAPE),
        (msgspec.json.encode(with_body(weights="many")), ModelRefusal.WRONG_SHAPE),
        (msgspec.json.encode(with_body(intercept=[])), ModelRefusal.WRONG_SHAPE),
        (msgspec.json.encode(with_body(weights=[None, 1.0])), ModelRefusal.NOT_FINITE),
        (msgspec.json.encode(with_body(mean=[1e308, 1e308])), ModelRefusal.NOT_FINITE),
        (msgspec.json.encode(with_body(weights=[1.0, 1.0], scale=[1e-320, 1.0])), ModelRefusal.NOT_FINITE),
    ],
)
def test_a_wrong_model_is_refused_with_its_reason(sent: bytes, reason: ModelRefusal) -> None:
    answer = read_model(sent, "abc", 2)

    assert isinstance(answer, RefusedModel)
    assert answer.reason is reason
