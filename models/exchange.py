"""Models on the wire: numbers in JSON with a checksum. A wrong, cut, newer or foreign one is refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import msgspec

from models.bodies import PRIOR_KIND, READERS, ArrayModel, ModelRefusal, WrongBodyError, read_calibration
from models.calibration import Calibration
from pipeline.events import SCHEMA_VERSION, ModelMessage, ScoreBasis
from pipeline.ports import FloatMatrix, FloatVector
from pipeline.refusals import UNREADABLE

RIVER_VERSION = version("river")


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """What `read_model` returns instead of a model."""

    reason: ModelRefusal
    detail: str


@dataclass(frozen=True, slots=True)
class ArrayScorer:
    """Implements `pipeline.ports.Scorer`; its linear part equals River's own `predict_proba_one` within 1e-9.

    `calibration`: makes of the model's log-odds the probability to leave within the horizon; None = they are that. `basis`:
    `prior` for the documented prior, of which nothing but the level was learnt.
    """

    version: str
    model: ArrayModel
    calibration: Calibration | None = None
    basis: ScoreBasis = "model"

    def score(self, features: FloatMatrix) -> FloatVector:
        if self.calibration is None:
            return self.model.score(features)
        return self.calibration.probability(self.model.log_odds(features))

    def contributions(self, features: FloatVector) -> FloatVector:
        return self.model.contributions(features)


@dataclass(frozen=True, slots=True)
class ReceivedModel:
    """A model that passed all checks, and its message."""

    message: ModelMessage
    scorer: ArrayScorer


def checksum(body: Mapping[str, Any]) -> str:
    """SHA-256 of the body as canonical JSON (sorted keys, no spaces)."""
    return sha256(msgspec.json.encode(body, order="sorted")).hexdigest()


def write_model(
    kind: str,
    body: dict[str, Any],
    *,
    created_ms: int,
    counts_from_ms: int,
    labels_learned: int,
    feature_schema: str,
    metrics: dict[str, float],
) -> ModelMessage:
    """The message of a learner's export; its version is a function of its content."""
    digest = checksum(body)
    return ModelMessage(
        version=f"{kind}-{labels_learned}-{digest[:8]}",
        kind=kind,
        created_ms=created_ms,
        counts_from_ms=counts_from_ms,
        labels_learned=labels_learned,
        feature_schema=feature_schema,
        river_version=RIVER_VERSION,
        body=body,
        metrics=metrics,
        sha256=digest,
    )


def read_model(raw: bytes, feature_schema: str, n_features: int) -> ReceivedModel | RefusedModel:
    """Check a message from churn.models and make a scorer of it.

    `feature_schema` and `n_features` are what this worker computes; a model for other features is refused.
    """
    try:
        message = msgspec.json.decode(raw, type=ModelMessage)
    except UNREADABLE as error:
        return RefusedModel(ModelRefusal.UNREADABLE, str(error))
    refusal = _refusal(message, feature_schema)
    if refusal is not None:
        return refusal
    try:
        model = READERS[message.kind](message.body, n_features)
        calibration = read_calibration(message.body)
    except WrongBodyError as error:
        return RefusedModel(error.reason, f"model {message.version}: {error}")
    basis: ScoreBasis = "prior" if message.kind == PRIOR_KIND else "model"
    return ReceivedModel(message, ArrayScorer(message.version, model, calibration, basis))


def _refusal(message: ModelMessage, feature_schema: str) -> RefusedModel | None:
    if message.schema_version > SCHEMA_VERSION:
        told = f"schema {message.schema_version}, this release reads up to {SCHEMA_VERSION}"
        return RefusedModel(ModelRefusal.NEWER_SCHEMA, told)
    if checksum(message.body) != message.sha256:
        return RefusedModel(ModelRefusal.WRONG_CHECKSUM, f"model {message.version}")
    if message.kind not in READERS:
        return RefusedModel(ModelRefusal.UNKNOWN_KIND, f"{message.kind}; known are {', '.join(READERS)}")
    if message.feature_schema != feature_schema:
        told = f"made for features {message.feature_schema}, this worker computes {feature_schema}"
        return RefusedModel(ModelRefusal.FOREIGN_FEATURES, told)
    return None
