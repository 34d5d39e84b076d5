"""What every learner can do. Learning is sequential: the same rows in the same order give the same model."""

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.scorers import BlendModel, LinearModel
from models.voting_trees import VotingTrees
from pipeline.ports import FloatMatrix, FloatVector

BoolVector = NDArray[np.bool_]


class Learner(Protocol):
    """Learns churn from feature vectors (NaN = missing; an infinity is clipped; neither may spoil the model)."""

    @property
    def kind(self) -> str:
        """Name of the family, the key of the model's topic."""
        ...

    def learn(self, features: FloatMatrix, churned: BoolVector, weight: FloatVector) -> None:
        """Learn rows in order. Shapes (n, n_features), (n,), (n,); a weight of 0 changes nothing."""
        ...

    def take_back(self, features: FloatMatrix, weight: FloatVector) -> None:
        """Undo that these rows were learnt as churners; what they are is learnt apart. Shapes (n, n_features), (n,)."""
        ...

    def model(self) -> LinearModel | BlendModel | VotingTrees:
        """The model as it stands, in arrays; later learning does not change it."""
        ...

    def score(self, features: FloatMatrix) -> FloatVector:
        """Probability of churn within the horizon, shape (n,)."""
        ...

    def explain(self, features: FloatVector) -> FloatVector:
        """What each feature of one row adds to its log-odds, shape (n_features,)."""
        ...

    def is_finite(self) -> bool:
        """No weight is NaN or infinite."""
        ...

    def export(self) -> dict[str, Any]:
        """Everything that scoring needs, as JSON values only."""
        ...

    @classmethod
    def load(cls, body: dict[str, Any]) -> Self:
        """A learner that scores as the exported one did, and may go on learning from there."""
        ...
