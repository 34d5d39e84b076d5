"""The daily list of one partition as a file: what `backtest --scores` writes, from a running worker."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnwatch.errors import UserError
from pipeline.state.partition import PartitionState

_ENCODE_LINES = msgspec.json.Encoder().encode_lines


class DailyListFile:
    """Appends {`day_ms`, `line_id`, `score`} of every live line at each 00:00 UTC of stream time.

    A day that is decided again after a restart is written again, with the same scores: the last one counts.

    Raises:
        UserError: the folder or file cannot be written.
    """

    def __init__(self, folder: Path, state: PartitionState) -> None:
        self._state = state
        self._path = folder / f"scores-{state.partition:03d}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder} (worker.scores_dir): {error.strerror}") from None

    def __call__(self, day_ms: int, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """What the engine tells at a daily sweep."""
        ids = self._state.lines.ids
        lines = _ENCODE_LINES(
            {"day_ms": day_ms, "line_id": ids[row], "score": score}
            for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
        )
        try:
            with self._path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise UserError(f"cannot write {self._path} (worker.scores_dir): {error.strerror}") from None
