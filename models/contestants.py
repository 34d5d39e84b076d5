"""Who learns side by side in production and in a backtest; the first is the champion until another does better."""

from collections.abc import Callable, Sequence

from models.learners.adaptive_forest import AdaptiveForestLearner
from models.learners.blend import BlendLearner
from models.learners.logistic import LogisticLearner, PriorLearner
from models.learners.protocol import Learner
from pipeline.features.catalogue import PRIOR_COLUMN


def _prior_column(n_features: int) -> int | None:
    return PRIOR_COLUMN if n_features > PRIOR_COLUMN else None


def _blend(n_features: int) -> Learner:
    return BlendLearner(n_features, _prior_column(n_features))


def _logistic(n_features: int) -> Learner:
    return LogisticLearner(n_features, prior_column=_prior_column(n_features))


def _prior(n_features: int) -> Learner:
    return PriorLearner(n_features, prior_column=_prior_column(n_features))


#: Every learner that can take part, by the name that settings use.
CONTESTANTS: dict[str, Callable[[int], Learner]] = {
    "prior": _prior,
    "blend": _blend,
    "logistic": _logistic,
    "forest": AdaptiveForestLearner,
}


def contestants(names: Sequence[str]) -> dict[str, Callable[[int], Learner]]:
    """Those of these names, in their order.

    Raises:
        KeyError: there is no such learner.
    """
    return {name: CONTESTANTS[name] for name in names}
