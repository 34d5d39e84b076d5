"""A worker's daily list is what a backtest writes with --scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from churnwatch.daily_list_file import DailyListFile
from churnwatch.errors import UserError
from pipeline.state.partition import PartitionState

DAY_MS = 86_400_000


def partition() -> PartitionState:
    state = PartitionState.empty(3, 16)
    state.create_lines(["a1-1", "a1-2"], ["a1", "a1"])
    return state


def test_every_sweep_is_appended_a_line_each(tmp_path: Path) -> None:
    lists = DailyListFile(tmp_path / "scores", partition())

    lists(DAY_MS, np.array([0, 1]), np.array([0.25, 0.5], np.float32))
    lists(2 * DAY_MS, np.array([1]), np.array([0.75], np.float32))

    rows = [json.loads(line) for line in (tmp_path / "scores" / "scores-003.jsonl").read_text().splitlines()]
    assert rows == [
        {"day_ms": DAY_MS, "line_id": "a1-1", "score": 0.25},
        {"day_ms": DAY_MS, "line_id": "a1-2", "score": 0.5},
        {"day_ms": 2 * DAY_MS, "line_id": "a1-2", "score": 0.75},
    ]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match=r"worker\.scores_dir"):
        DailyListFile(tmp_path / "file" / "scores", partition())
