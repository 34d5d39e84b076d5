"""A keeper of labels that only writes down what it is told."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.events import ChurnKind, Example
from pipeline.ports import FloatMatrix


class RecordingLabels:
    """Remembers calls; never has an example due."""

    def __init__(self) -> None:
        self.snapshots: list[tuple[int, list[str], FloatMatrix]] = []
        self.passed: list[tuple[int, list[str]]] = []
        self.churns: list[tuple[str, int, int, ChurnKind]] = []
        self.returns: list[tuple[str, int]] = []
        self.contacts: list[tuple[str, str | None, int]] = []

    def snapshot(
        self,
        tick_ms: int,
        line_ids: Sequence[str],
        account_ids: Sequence[str],
        features: FloatMatrix,
        last_activity_ms: NDArray[np.int64] | None = None,
    ) -> None:
        self.snapshots.append((tick_ms, list(line_ids), features))

    def passed_over(self, tick_ms: int, line_ids: Sequence[str], last_activity_ms: NDArray[np.int64]) -> None:
        self.passed.append((tick_ms, list(line_ids)))

    def churned(self, line_id: str, churn_ms: int, known_ms: int, kind: ChurnKind) -> str | None:
        self.churns.append((line_id, churn_ms, known_ms, kind))
        return None

    def returned(self, line_id: str, ts_ms: int) -> None:
        self.returns.append((line_id, ts_ms))

    def contacted(self, account_id: str, line_id: str | None, ts_ms: int) -> None:
        self.contacts.append((account_id, line_id, ts_ms))

    def due(self, tick_ms: int) -> list[Example]:
        return []

    def changed_pages(self) -> Mapping[str, bytes | None]:
        return {}

    def restore(self, pages: Mapping[str, bytes]) -> None:
        pass
