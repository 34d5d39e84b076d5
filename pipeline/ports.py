"""What the engine asks of others: a scorer and a keeper of labels. Implemented in `models`, wired in `churnwatch`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.events import ChurnKind, Example, ScoreBasis

FloatMatrix = NDArray[np.float64]
FloatVector = NDArray[np.float64]


class Scorer(Protocol):
    """A model as workers use it: numbers in, probabilities out, no learning."""

    @property
    def version(self) -> str:
        """Name of the published model, written into every warning."""
        ...

    @property
    def basis(self) -> ScoreBasis:
        """What its scores say of themselves: `prior` as long as all that was learnt is the prior's level."""
        ...

    def score(self, features: FloatMatrix) -> FloatVector:
        """Probability of churn within the horizon, shape (n_lines,), for features of shape (n_lines, n_features).

        A missing value is NaN and must not make a score NaN.
        """
        ...

    def contributions(self, features: FloatVector) -> FloatVector:
        """What each feature of one line adds to its log-odds, shape (n_features,)."""
        ...


class LabelKeeper(Protocol):
    """Keeps feature snapshots of one partition until their label is known. State in memory, no I/O, no clock."""

    def snapshot(
        self,
        tick_ms: int,
        line_ids: Sequence[str],
        account_ids: Sequence[str],
        features: FloatMatrix,
        last_activity_ms: NDArray[np.int64] | None = None,
    ) -> None:
        """Offer the features of these live lines at a daily sweep; the keeper samples which ones it keeps.

        `last_activity_ms`, shape (n_lines,): last activity of each line, 0 for none; a stayer who is quiet when its horizon
        ends waits until it shows life or counts as gone.
        """
        ...

    def passed_over(self, tick_ms: int, line_ids: Sequence[str], last_activity_ms: NDArray[np.int64]) -> None:
        """Live lines that this sweep did not offer, since records of theirs are missing; the quiet ones wait as well."""
        ...

    def churned(self, line_id: str, churn_ms: int, known_ms: int, kind: ChurnKind) -> str | None:
        """A line left at `churn_ms`; we learnt of it at `known_ms` (CONTRACT.md section 3). Why it is no news, or None."""
        ...

    def returned(self, line_id: str, ts_ms: int) -> None:
        """A reconnect or win-back: takes back a churn of the 30 days before."""
        ...

    def contacted(self, account_id: str, line_id: str | None, ts_ms: int) -> None:
        """A retention contact reached this account: its open examples no longer tell what would have happened."""
        ...

    def due(self, tick_ms: int) -> list[Example]:
        """Examples whose label is known by `tick_ms`, each returned once, in a deterministic order."""
        ...

    def changed_pages(self) -> Mapping[str, bytes | None]:
        """Pages (name -> bytes, None = deleted) that changed since the last call; for the state table."""
        ...

    def restore(self, pages: Mapping[str, bytes]) -> None:
        """Take back what `changed_pages` gave, after a restart."""
        ...
