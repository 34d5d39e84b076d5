"""A learner's export as a model in numpy, every number checked first."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.forest import NEVER, Forest
from models.scorers import BlendModel, LinearModel
from models.voting_trees import VotingTrees

VALUE_LIMIT = 1e15  # beyond it a product could overflow
SLOPE_LIMIT = 1e200  # a weight over a tiny scale; times VALUE_LIMIT it is finite still
LINEAR_ARRAYS = ("mean", "scale", "weights", "low", "high")


class ModelRefusal(StrEnum):
    """Why a model was not taken over. Closed: a metric label. The model in use stays."""

    UNREADABLE = "unreadable"
    NEWER_SCHEMA = "newer_schema"
    WRONG_CHECKSUM = "wrong_checksum"
    UNKNOWN_KIND = "unknown_kind"
    FOREIGN_FEATURES = "foreign_features"
    WRONG_SHAPE = "wrong_shape"
    NOT_FINITE = "not_finite"


class WrongBodyError(ValueError):
    """The body of a model is not what its kind promises; `reason` says in which way."""

    def __init__(self, reason: ModelRefusal, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_linear(body: dict[str, Any], n_features: int) -> LinearModel:
    """Raises WrongBodyError: something missing, of another length, or no finite number."""
    arrays = {name: _numbers(body, name, (n_features,)) for name in LINEAR_ARRAYS}
    prior_column = body.get("prior_column", -1)
    if not isinstance(prior_column, int) or not -1 <= prior_column < n_features:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`prior_column` is none of {n_features}")
    model = LinearModel(**arrays, intercept=float(_numbers(body, "intercept", ())), prior_column=prior_column)
    if not (np.abs(model.slopes()) <= SLOPE_LIMIT).all():
        raise WrongBodyError(ModelRefusal.NOT_FINITE, "`weights` over `scale` is more than a score can hold")
    return model


def read_forest(body: dict[str, Any], n_features: int) -> Forest:
    """Raises WrongBodyError: the arrays are no complete trees over these features."""
    trees, inner = _shape(body, "feature")
    depth = (inner + 1).bit_length() - 1
    if trees == 0 or inner != 2**depth - 1:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"{inner} inner nodes make no complete tree")
    feature = _numbers(body, "feature", (trees, inner))
    if not ((feature >= 0) & (feature < n_features) & (feature % 1 == 0)).all():
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"a cut on a feature that is none of {n_features}")
    return Forest(
        feature.astype(np.int64),
        _numbers(body, "threshold", (trees, inner), limit=NEVER),
        _numbers(body, "value", (trees, 2 * inner + 1)),
        float(_numbers(body, "base", ())),
    )


def read_blend(body: dict[str, Any], n_features: int) -> BlendModel:
    """Raises WrongBodyError: one of its parts is wrong."""
    linear, boosted, mix = (_part(body, name) for name in ("logistic", "boosted", "mix"))
    return BlendModel(
        read_linear(linear, n_features),
        read_forest(boosted, n_features) if boosted else None,
        *(float(_numbers(mix, name, ())) for name in ("logistic_share", "boosted_share", "intercept")),
    )


def read_voting_trees(body: dict[str, Any], n_features: int) -> VotingTrees:
    """Raises WrongBodyError: a node leads out of the forest, back, or cuts on a feature that is none."""
    roots, nodes = _length(body, "root"), _length(body, "feature")
    numbers = {name: _numbers(body, name, (nodes,)) for name in ("threshold", "left_share", "stayed_share")}
    links = {name: _numbers(body, name, (nodes,)).astype(np.int64) for name in ("feature", "left", "right")}
    root = _numbers(body, "root", (roots,)).astype(np.int64)
    depth = int(_numbers(body, "depth", ()))
    own = np.arange(nodes)
    onward = all(((own <= links[name]) & (links[name] < nodes)).all() for name in ("left", "right"))
    cuts = ((links["feature"] >= 0) & (links["feature"] < n_features)).all()
    if not (onward and cuts and ((root >= 0) & (root < nodes)).all() and 0 <= depth <= nodes):
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"{nodes} nodes that make no trees over {n_features} features")
    vote, mean = _numbers(body, "vote", (roots,)), _numbers(body, "mean", (n_features,))
    return VotingTrees(
        links["feature"],
        numbers["threshold"],
        links["left"],
        links["right"],
        numbers["left_share"],
        numbers["stayed_share"],
        root,
        vote,
        mean,
        depth,
    )


def _length(body: dict[str, Any], name: str) -> int:
    values = body.get(name)
    if not isinstance(values, list) or not values:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`{name}` is no list")
    return len(values)


def read_calibration(body: dict[str, Any]) -> Calibration | None:
    """None when there is none. Raises WrongBodyError: it is no rising line. `haste` came later: without it there is none."""
    if "calibration" not in body:
        return None
    part = _part(body, "calibration")
    part = {"haste": 0.0} | part
    slope, intercept, floor, haste = (
        float(_numbers(part, name, ())) for name in ("slope", "intercept", "floor", "haste")
    )
    if slope <= 0.0 or floor < 0.0:
        detail = f"a calibration with the slope {slope} and the floor {floor} turns the list over"
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, detail)
    if not 0.0 <= haste <= 1.0:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"a calibration with the haste {haste} is none of 0 to 1")
    return Calibration(slope, intercept, floor, haste)


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    if not isinstance(part, dict):
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`{name}` is missing")
    return part


def _shape(body: dict[str, Any], name: str) -> tuple[int, int]:
    rows = body.get(name)
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list):
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`{name}` is no table")
    return len(rows), len(rows[0])


def _numbers(
    body: dict[str, Any], name: str, shape: tuple[int, ...], limit: float = VALUE_LIMIT
) -> NDArray[np.float64]:
    try:
        numbers = np.array(body[name], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`{name}`: {error}") from None
    if numbers.shape != shape:
        raise WrongBodyError(ModelRefusal.WRONG_SHAPE, f"`{name}` has the shape {numbers.shape} instead of {shape}")
    if not (np.abs(numbers) <= limit).all():  # false for NaN as well
        raise WrongBodyError(ModelRefusal.NOT_FINITE, f"`{name}` holds a value that is no finite number")
    return numbers


#: The documented prior: of it nothing but the level is learnt, by its calibration.
PRIOR_KIND = "prior"
ArrayModel = LinearModel | BlendModel | VotingTrees
READERS: dict[str, Callable[[dict[str, Any], int], ArrayModel]] = {
    "forest": read_voting_trees,
    "logistic": read_linear,
    PRIOR_KIND: read_linear,
    "blend": read_blend,
}
