"""The daily scores of a replay as they come: rows of each partition's state, day by day."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.evaluation.daily_lists import DailyList

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Swept:
    """One partition's live lines at one midnight: rows, scores, and whether their leaving was declared, each (n,)."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    declared: NDArray[np.bool_]


@dataclass(slots=True)
class ScoreBook:
    """Scores by day and partition, 9 bytes a line and day."""

    swept: defaultdict[int, dict[int, Swept]] = field(default_factory=lambda: defaultdict(dict))

    def note(
        self, partition: int, day_ms: int, rows: Rows, scores: NDArray[np.float32], declared: NDArray[np.bool_]
    ) -> None:
        """One partition's sweep."""
        self.swept[day_ms][partition] = Swept(rows.astype(np.int32), scores.copy(), declared)

    def add(self, other: "ScoreBook") -> None:
        """Take in the sweeps of other partitions."""
        for day_ms, parts in other.swept.items():
            self.swept[day_ms].update(parts)

    def days(self, first_line: Mapping[int, int]) -> Iterator[DailyList]:
        """The lists; `first_line` is the number of each partition's first line among all lines."""
        for day_ms in sorted(self.swept):
            parts = sorted(self.swept[day_ms].items())
            yield DailyList(
                day_ms,
                np.concatenate([part.rows.astype(np.int64) + first_line[partition] for partition, part in parts]),
                np.concatenate([part.scores for _, part in parts]).astype(np.float64),
                np.concatenate([part.declared for _, part in parts]),
            )
