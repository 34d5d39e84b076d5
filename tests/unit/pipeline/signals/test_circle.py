"""The circle: a sketch that does not depend on cuts, and contacts that leave."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.signals.neighbours import circle_left, neighbour_churn
from pipeline.state.catalogue import CIRCLE_WIDTH, HALF_LIVES_DAYS
from pipeline.state.circle import NO_CELL, add_to_circle, circle_cells, circle_rates, move_circle
from pipeline.state.decay import Landmark
from tests.fakes.line_facts import facts
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, Run, call, column, run_of


def calls(days: range, operator: str, peer: str, first: int) -> list[dict[str, Any]]:
    """One call a day to this contact, who answers on this network."""
    return [call(first + day, MONDAY_MS + day * DAY_MS, peer_operator=operator, peer_id=peer) for day in days]


def test_a_record_without_a_contact_has_no_cell() -> None:
    assert circle_cells([None, ""])[0] == NO_CELL
    assert circle_cells(["p1", "p2", "p1"])[0] == circle_cells(["p1"])[0] < 8


@given(
    st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.integers(0, 20 * DAY_MS)), max_size=30), st.integers(0, 30)
)
def test_where_blocks_are_cut_changes_no_bit(contacts: list[tuple[int, bool, int]], cut: int) -> None:
    columns = list(zip(*contacts, strict=True)) or [(), (), ()]
    cells, rival, ts_ms = np.array(columns[0], np.uint8), np.array(columns[1], bool), np.array(columns[2], np.int64)
    rows = np.zeros(len(contacts), np.int64)
    whole, parts = np.zeros((1, CIRCLE_WIDTH), np.float32), np.zeros((1, CIRCLE_WIDTH), np.float32)
    add_to_circle(whole, rows, cells, rival, ts_ms, 0)
    for part in (slice(0, cut), slice(cut, None)):
        add_to_circle(parts, rows[part], cells[part], rival[part], ts_ms[part], 0)
    assert whole.tobytes() == parts.tobytes()


def test_rates_are_the_same_before_and_after_the_landmark_moves() -> None:
    circle, landmark = np.zeros((1, CIRCLE_WIDTH), np.float32), Landmark(0)
    times = np.arange(28, dtype=np.int64) * DAY_MS
    add_to_circle(circle, np.zeros(28, np.int64), np.full(28, 3, np.uint8), np.zeros(28, bool), times, landmark.ms)
    age, now_ms = np.array([28.0]), 28 * DAY_MS
    before = circle_rates(circle, now_ms, landmark.ms, age)
    move_circle(circle, landmark.move(now_ms))
    assert circle_rates(circle, now_ms, landmark.ms, age) == pytest.approx(before, rel=1e-5)
    assert before[0, 3, 0] == pytest.approx([1.0, 1.0], abs=0.05)
    assert before.sum() == pytest.approx(before[0, 3, 0].sum())


def test_contacts_who_ported_are_seen_by_their_new_network() -> None:
    stays = calls(range(60), "self", "p-stays", 1000)
    ported = calls(range(35), "self", "p-ported", 2000) + calls(range(35, 60), "rival-a", "p-ported", 3000)
    friend = calls(range(35, 60), "rival-a", "p-new", 4000)

    def strength(cdr: list[dict[str, Any]]) -> float:
        run: Run = run_of(cdr=sorted(cdr, key=lambda record: record["ts_ms"]))
        circle = column(run, "circle")[None]
        rates = circle_rates(circle, MONDAY_MS + 60 * DAY_MS, run.state.landmark.ms, np.array([60.0]))
        line = facts(age_days=60.0)
        object.__setattr__(line, "circle", rates)
        return float(neighbour_churn(line)[0])

    assert len({int(circle_cells([peer])[0]) for peer in ("p-stays", "p-ported", "p-new")}) == 3
    assert strength(stays) == 0.0
    assert strength(stays + friend) == 0.0
    assert strength(stays + ported) > 0.15


def test_nothing_is_said_between_sweeps_and_of_a_young_line() -> None:
    assert circle_left(facts())[0] == 0.0
    young = facts(age_days=20.0)
    object.__setattr__(young, "circle", np.ones((1, 8, 2, 2)))
    assert neighbour_churn(young)[0] == 0.0
    assert len(HALF_LIVES_DAYS) == 3
