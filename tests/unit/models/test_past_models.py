"""What was said then: no model that knew a label from after the snapshot may speak of it."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.past_models import COPIES_MAX, KEEP_EVERY_MS, PastModels
from models.scorers import LinearModel
from pipeline.state.decay import DAY_MS


def saying(number: float) -> LinearModel:
    """A model that gives every row these log-odds."""
    none = np.zeros(1)
    return LinearModel(none, none, none, none - 1.0, none + 1.0, number)


@dataclass(frozen=True)
class Copies:
    past: PastModels
    moments: list[int]


def kept(moments: list[int]) -> Copies:
    """Copies that say the day of their newest label."""
    past, taken = PastModels(saying(0.0)), [0]
    for moment in moments:
        if past.is_due(moment):
            past.keep(moment, saying(moment / DAY_MS))
            taken.append(moment)
    return Copies(past, taken)


@given(st.lists(st.integers(0, 100), max_size=60).map(sorted), st.integers(0, 110))
def test_a_snapshot_is_spoken_of_by_the_newest_copy_that_knew_no_label_after_it(days: list[int], day: int) -> None:
    copies = kept([number * DAY_MS for number in days])

    said = copies.past.log_odds(np.zeros((1, 1)), np.array([day * DAY_MS]))[0]

    assert said == max(moment for moment in copies.moments if moment <= day * DAY_MS) / DAY_MS


def test_rows_of_many_snapshots_are_told_apart() -> None:
    past = kept([7 * DAY_MS, 15 * DAY_MS]).past

    said = past.log_odds(np.zeros((4, 1)), np.array([16, 3, 7, 14], np.int64) * DAY_MS)

    assert said.tolist() == [15.0, 0.0, 7.0, 7.0]


def test_of_a_snapshot_older_than_every_copy_the_oldest_speaks() -> None:
    weeks = COPIES_MAX + 3
    past = kept([week * KEEP_EVERY_MS for week in range(1, weeks + 1)]).past

    said = past.log_odds(np.zeros((1, 1)), np.array([0], np.int64))

    assert said[0] == (weeks - COPIES_MAX + 1) * KEEP_EVERY_MS / DAY_MS
