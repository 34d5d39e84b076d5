"""What everybody's change and everybody's days say of one line, and how few lines are no crowd."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.calm.relative import LEAST_CHANGE, MOST_CHANGE, CrowdNow, crowd_now
from pipeline.features.facts import RHYTHM_DAYS, Facts
from pipeline.state.catalogue import BILLS_KEPT, HALF_LIVES_DAYS, QUANTITY_INDEX
from tests.fakes.line_facts import facts

VOICE, HOTLINE = QUANTITY_INDEX["voice_out"], QUANTITY_INDEX["hotline"]


def crowd(lines: int, now: float, usual: float, cell: int = 0, heavy: float = 1.0) -> tuple[Facts, NDArray[np.int64]]:
    """Lines of one cell that all fell from their usual rate; the first one is `heavy` times as busy and did not fall."""
    rates = np.zeros((lines, len(QUANTITY_INDEX), len(HALF_LIVES_DAYS)))
    rates[:, VOICE] = (now, now, usual)
    rates[0, VOICE] = heavy * usual if heavy > 1.0 else (now, now, usual)
    rates[:, HOTLINE] = (1.0, 0.5, 0.1)
    rows = np.arange(lines)
    many = np.full(lines, 100.0)
    nothing = np.zeros(lines)
    bills = np.full((lines, BILLS_KEPT), np.nan)
    made = Facts(0, rows, rows, rates, many, nothing, nothing, many, many, nothing, bills)
    return made, np.full(lines, cell, np.int64)


def days_of(lines: int, quiet: int = -1, share: float = 1.0) -> NDArray[np.float64]:
    """All lines active on all days, but only a share of them on a quiet one (counted from the oldest)."""
    days = np.ones((lines, RHYTHM_DAYS))
    if quiet >= 0:
        days[round(lines * share) :, quiet] = 0.0
    return days


def test_the_crowds_change_is_its_rate_now_over_its_usual_one() -> None:
    made, cells = crowd(400, 4.5, 10.0)
    change = crowd_now(made, days_of(400), cells, 3, 3).change
    assert change[0, VOICE] == pytest.approx(0.45, abs=0.005)
    assert change[0, HOTLINE] == 1.0
    assert change[1].tolist() == pytest.approx([1.0] * len(QUANTITY_INDEX))


def test_one_machine_does_not_speak_for_the_crowd() -> None:
    made, cells = crowd(400, 4.5, 10.0, heavy=5000.0)
    assert crowd_now(made, days_of(400), cells, 3, 3).change[0, VOICE] == pytest.approx(0.45, abs=0.04)


def test_few_lines_are_shrunk_towards_the_segment_everywhere() -> None:
    made, cells = crowd(400, 10.0, 10.0, cell=0)
    few, there = crowd(2, 0.0, 1.0, cell=3)
    both = Facts(
        0, np.arange(402), np.arange(402), np.vstack([made.rates, few.rates]), np.full(402, 100.0), np.zeros(402),
        np.zeros(402), np.full(402, 28.0), np.full(402, 28.0), np.zeros(402), np.full((402, BILLS_KEPT), np.nan),
    )  # fmt: skip
    change = crowd_now(both, days_of(402), np.concatenate([cells, there]), 6, 3).change
    assert 0.75 < change[3, VOICE] < 0.95


@pytest.mark.parametrize(("now", "bound"), [(0.0, LEAST_CHANGE), (100.0, MOST_CHANGE)])
def test_the_crowd_excuses_much_and_not_everything(now: float, bound: float) -> None:
    made, cells = crowd(4000, now, 10.0)
    assert crowd_now(made, days_of(4000), cells, 3, 3).change[0, VOICE] == bound


def test_a_line_is_told_what_its_own_cell_does_and_an_unknown_cell_is_ordinary() -> None:
    now = CrowdNow(np.full((3, len(QUANTITY_INDEX)), 0.5), np.cumsum(np.ones((3, RHYTHM_DAYS + 1)), axis=1) - 1)
    line = facts({"voice_out": (1.0, 1.0, 4.0)}, gap_days=3.0)
    assert now.beside(line, np.array([2])).usual("voice_out").tolist() == [2.0]
    assert now.beside(line, np.array([9])).usual("voice_out").tolist() == [4.0]


def test_a_day_that_everybody_rested_is_hardly_a_chance_to_call() -> None:
    made, cells = crowd(300, 10.0, 10.0)
    yesterday = crowd_now(made, days_of(300, RHYTHM_DAYS - 1, 0.1), cells, 3, 3)
    silent = facts(gap_days=3.4)
    told = yesterday.beside(silent, np.array([0])).gap_chances
    assert told is not None
    assert told[0] == pytest.approx(2.0 + 0.1, abs=0.07)
    ordinary = crowd_now(made, days_of(300), cells, 3, 3).beside(silent, np.array([0])).gap_chances
    assert ordinary is not None
    assert ordinary[0] == pytest.approx(3.0)


def test_a_gap_longer_than_what_is_remembered_counts_its_older_days_in_full() -> None:
    made, cells = crowd(300, 10.0, 10.0)
    now = crowd_now(made, days_of(300, 5, 0.0), cells, 3, 3)
    told = now.beside(facts(gap_days=50.0), np.array([0])).gap_chances
    assert told is not None
    assert told[0] == pytest.approx(49.0, abs=0.1)


def test_no_lines_at_all_are_an_ordinary_crowd() -> None:
    made, cells = crowd(1, 1.0, 1.0)
    columns: dict[str, Any] = {name: getattr(made, name)[:0] for name in list(Facts.__dataclass_fields__)[1:11]}
    nobody = Facts(now_ms=0, **columns)
    assert crowd_now(nobody, days_of(0), cells[:0], 3, 3).change.tolist() == [[1.0] * len(QUANTITY_INDEX)] * 3
