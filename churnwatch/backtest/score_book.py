"""The daily scores of a replay as they come: rows of each partition's state, day by day."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.daily_lists import DailyList

Rows = NDArray[np.int64]


@dataclass(slots=True)
class _Part:
    partition: int
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


class ScoreBook:
    """Scores by day and partition, 8 bytes a line and day."""

    def __init__(self) -> None:
        self._days: defaultdict[int, list[_Part]] = defaultdict(list)
        self._declared: dict[int, set[str]] = {}

    def observer(self, partition: int) -> Callable[[int, Rows, NDArray[np.float32]], None]:
        """What the engine of this partition tells its daily sweeps to."""

        def note(day_ms: int, rows: Rows, scores: NDArray[np.float32]) -> None:
            self._days[day_ms].append(_Part(partition, rows.astype(np.int32), scores.copy()))

        return note

    def note_declared(self, day_ms: int, subjects: set[str]) -> None:
        """Lines and accounts whose leaving was declared by that day."""
        self._declared[day_ms] = subjects

    def days(self, line_ids: Sequence[Sequence[str]], account_ids: Sequence[Sequence[str]]) -> Iterator[DailyList]:
        """The lists; both arguments are ids by partition and row, accounts those of the lines. Lines are numbered on."""
        first = np.cumsum([0, *map(len, line_ids)])
        for day_ms in sorted(self._days):
            parts = self._days[day_ms]
            subjects = self._declared.get(day_ms, set())
            declared = [
                line_ids[part.partition][row] in subjects or account_ids[part.partition][row] in subjects
                for part in parts
                for row in part.rows.tolist()
            ]
            yield DailyList(
                day_ms,
                np.concatenate([part.rows.astype(np.int64) + first[part.partition] for part in parts]),
                np.concatenate([part.scores for part in parts]).astype(np.float64),
                np.array(declared, np.bool_),
            )
