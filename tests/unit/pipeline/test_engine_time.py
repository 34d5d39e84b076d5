"""Sessions, duplicates, late records, sweeps, clocks and models: what the engine does over time."""

from typing import Any

import numpy as np
import pytest

from pipeline.calm.crowd import Crowd
from pipeline.engine import EngineConfig
from pipeline.events import ChurnWarning, ScoreBasis, Stream
from pipeline.ports import FloatMatrix, FloatVector
from pipeline.state.catalogue import QUANTITY_INDEX
from pipeline.state.decay import decayed
from tests.fakes.labels import RecordingLabels
from tests.fakes.pipeline_runs import (
    DAY_MS,
    HOUR_MS,
    MONDAY_MS,
    Run,
    call,
    care,
    column,
    customer,
    order,
    run_of,
    topics_of,
)

NOON_MS = MONDAY_MS + 12 * HOUR_MS


def test_the_parts_of_a_session_are_one_session_with_all_their_amounts() -> None:
    parts = [
        call(n, NOON_MS + n * 1000, service="data", session_id="s1", partial_seq=n, bytes_down=1_000_000, charge=1.0)
        for n in range(5)
    ]
    other = call(9, NOON_MS, service="data", session_id="s1", line_id="a1-2")
    run = run_of(cdr=[*parts, other])
    whole = run_of(cdr=[call(0, NOON_MS, service="data", session_id="s1", bytes_down=5_000_000, charge=5.0), other])
    day = NOON_MS // DAY_MS % 32
    for each in (run, whole):
        assert [column(each, "activity", line)[day] for line in ("a1-1", "a1-2")] == [1, 1]
    sums = [column(each, "sums").reshape(len(QUANTITY_INDEX), -1) for each in (run, whole)]
    for name in ("megabytes", "charge", "data_sessions"):
        np.testing.assert_allclose(sums[0][QUANTITY_INDEX[name]], sums[1][QUANTITY_INDEX[name]], rtol=1e-4)


def test_a_record_that_comes_twice_counts_once() -> None:
    twice = run_of(cdr=[call(1), call(1), call(2, NOON_MS), call(1, received_ms=NOON_MS)], care=[care("complaint")] * 2)
    once = run_of(cdr=[call(1), call(2, NOON_MS)], care=[care("complaint")])
    assert twice.effects.counts["duplicates"] == 3
    assert twice.state.lines.dump_page(0) == once.state.lines.dump_page(0)


def test_an_id_is_remembered_for_three_days_of_reception() -> None:
    for days_later, counted in ((1, 1), (3, 1), (5, 2)):
        again_ms = NOON_MS + days_later * DAY_MS
        run = run_of(cdr=[call(1, NOON_MS), call(2, again_ms - DAY_MS), call(1, NOON_MS, received_ms=again_ms)])
        assert column(run, "activity")[NOON_MS // DAY_MS % 32] == counted + (days_later == 1)


def test_the_three_days_count_from_each_records_own_day() -> None:
    calls = [
        call(1, NOON_MS),
        call(2, NOON_MS + 3 * DAY_MS),
        call(2, NOON_MS + 3 * DAY_MS, received_ms=NOON_MS + 5 * DAY_MS),
    ]
    assert run_of(cdr=calls).effects.counts["duplicates"] == 1


def test_a_late_record_counts_where_it_happened() -> None:
    on_time = [call(1, NOON_MS), call(2, NOON_MS + 3 * DAY_MS)]
    late = [call(2, NOON_MS + 3 * DAY_MS), call(1, NOON_MS, received_ms=NOON_MS + 3 * DAY_MS)]
    runs = [run_of(cdr=calls) for calls in (on_time, late)]
    assert runs[1].effects.counts["late"] == 1
    assert column(runs[0], "activity").tolist() == column(runs[1], "activity").tolist()
    now_ms = NOON_MS + 3 * DAY_MS
    sums = [
        decayed(column(run, "sums").reshape(len(QUANTITY_INDEX), -1), now_ms, run.state.landmark.ms) for run in runs
    ]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-6)
    assert sums[0][QUANTITY_INDEX["voice_out"], 0] == pytest.approx(1.0 + 2.0 ** (-3 / 3.5), rel=1e-6)


def regular_days(line_id: str, days: int, first_number: int) -> list[dict[str, Any]]:
    """Three calls a day, every day."""
    return [
        call(first_number + 3 * day + n, MONDAY_MS + day * DAY_MS + (9 + n) * HOUR_MS, line_id=line_id)
        for day in range(days)
        for n in range(3)
    ]


def test_silence_is_found_by_the_sweep_without_an_event_of_the_line() -> None:
    calls = regular_days("quiet", 25, 0) + regular_days("busy", 45, 1000)
    run = run_of(cdr=sorted(calls, key=lambda record: record["ts_ms"]))
    silent = [warning for warning in run.warnings if warning.reasons[0] == "silence"]
    assert {warning.line_id for warning in silent} == {"quiet"}
    assert silent[0].ts_ms % DAY_MS == 0
    assert 2 <= (silent[0].ts_ms - MONDAY_MS) / DAY_MS - 25 <= 10


def test_lines_whose_records_are_missing_are_passed_over_and_their_quiet_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Crowd, "learning_frozen", lambda _, regions: np.ones(len(regions), np.bool_))
    labels = RecordingLabels()
    run_of(labels, cdr=[call(1, NOON_MS), call(2, NOON_MS + DAY_MS)])

    assert labels.passed == [(MONDAY_MS + DAY_MS, ["a1-1"])]
    assert [(tick, lines) for tick, lines, _ in labels.snapshots] == [(MONDAY_MS + DAY_MS, [])]


def test_no_tick_is_decided_before_the_frontier_has_passed_it() -> None:
    run, topics = Run(RecordingLabels()), topics_of(cdr=[call(1, NOON_MS), call(2, NOON_MS + 3 * DAY_MS)])
    run.fetch(topics, Stream.CDR, 1)
    run.poll(topics)
    run.now_s += 1000.0
    run.poll(topics)
    assert run.state.clock_ms <= NOON_MS
    run.fetch_all(topics)
    assert run.state.clock_ms == NOON_MS + 3 * DAY_MS


def test_reference_data_of_long_ago_does_not_start_the_clock() -> None:
    labels = RecordingLabels()
    run = run_of(
        labels, customers=[customer(ts_ms=0), customer(ts_ms=5, account_id="a2", lines=["a2-1"])], cdr=[call()]
    )
    assert run.state.landmark.ms == MONDAY_MS
    assert labels.snapshots == []


def test_accounts_without_lines_live_through_years() -> None:
    run = run_of(care=[care("price_inquiry", n, MONDAY_MS + n * 40 * DAY_MS, line_id=None) for n in range(4)])
    assert len(run.warnings) == 4


def test_more_events_a_day_than_a_counter_holds_do_not_wrap_it() -> None:
    calls = [call(n, NOON_MS + n % 1000) for n in range(70_000)]
    calls.sort(key=lambda record: record["ts_ms"])
    whole, pieces, topics = Run(RecordingLabels()), Run(RecordingLabels()), topics_of(cdr=calls)
    whole.fetch_all(topics)
    while pieces.position(Stream.CDR) < len(calls):
        pieces.fetch(topics, Stream.CDR, 9_000)
    pieces.settle(topics)
    for run in (whole, pieces):
        assert column(run, "activity")[NOON_MS // DAY_MS % 32] == 65_535


def test_lines_keep_their_order_in_an_account_over_a_restart() -> None:
    labels = RecordingLabels()
    run = run_of(
        labels,
        customers=[
            customer(lines=["x"], account_id="a2"),
            customer(MONDAY_MS + 1, lines=["y"]),
            customer(MONDAY_MS + 2, lines=["y", "x"]),
        ],
    )
    before = list(run.state.rows_of_account("a1"))
    run.save()
    run.restart()
    assert run.state.rows_of_account("a1") == before == [0, 1]


class ConstantModel:
    """Every line is as likely to leave."""

    version = "m1"

    def __init__(self, basis: ScoreBasis, says: float = 0.7) -> None:
        self.basis = basis
        self.says = says

    def score(self, features: FloatMatrix) -> FloatVector:
        return np.full(len(features), self.says)

    def contributions(self, features: FloatVector) -> FloatVector:
        return np.zeros_like(features)


@pytest.mark.parametrize("basis", ["model", "prior"])
def test_a_model_counts_from_its_tick_and_is_named_in_every_warning_that_it_scored(basis: ScoreBasis) -> None:
    run = Run(RecordingLabels())
    run.task.engine.use_model(ConstantModel(basis), MONDAY_MS + 2 * DAY_MS)
    complaints = [care("complaint", 1, NOON_MS), care("fault", 2, NOON_MS + 3 * DAY_MS)]
    run.fetch_all(topics_of(cdr=regular_days("a1-1", 5, 0), care=complaints))
    found: dict[str, ChurnWarning] = {warning.reasons[0]: warning for warning in run.warnings}
    assert (found["complaint"].score_basis, found["complaint"].model_version) == ("prior", "none")
    assert (found["model_score"].score_basis, found["model_score"].model_version) == (basis, "m1")
    assert found["model_score"].ts_ms == MONDAY_MS + 2 * DAY_MS
    assert (found["open_fault"].score_basis, found["open_fault"].model_version) == (basis, "m1")
    assert found["open_fault"].score == pytest.approx(0.7)


def test_a_warning_whose_number_is_the_priors_says_so_although_a_model_scores() -> None:
    run = Run(RecordingLabels())
    run.task.engine.use_model(ConstantModel("model", 0.05), MONDAY_MS + 2 * DAY_MS)
    leaving = order("termination", 1, NOON_MS + 3 * DAY_MS)
    run.fetch_all(topics_of(cdr=regular_days("a1-1", 5, 0), orders=[leaving]))
    (told,) = (warning for warning in run.warnings if warning.reasons[0] == "termination")
    assert told.score > 0.05
    assert told.score_basis == "prior"


def test_a_call_to_a_rivals_hotline_warns_at_the_next_tick_with_a_view_beside_it() -> None:
    hotline = call(1, NOON_MS + 59 * 60_000, peer_operator="rival-a", peer_kind="competitor_hotline")
    run = run_of(cdr=[hotline, call(2, NOON_MS + 2 * HOUR_MS)])
    (warning,) = run.warnings
    assert warning.reasons[0] == "competitor_hotline"
    assert warning.ts_ms == NOON_MS + HOUR_MS
    assert warning.signals[0].evidence["calls_28d"] == pytest.approx(1.0, abs=0.01)
    assert [(view.line_id, view.ts_ms) for view in run.effects.views] == [("a1-1", NOON_MS + HOUR_MS)]


def test_an_engine_that_leaves_out_views_warns_all_the_same() -> None:
    hotline = call(1, NOON_MS + 59 * 60_000, peer_operator="rival-a", peer_kind="competitor_hotline")
    topics = topics_of(cdr=[hotline, call(2, NOON_MS + 2 * DAY_MS)])
    drawn, plain = Run(RecordingLabels()), Run(RecordingLabels())
    plain.task.engine.leave_out_views()

    for run in (drawn, plain):
        run.fetch_all(topics)

    assert len(drawn.effects.views) > 1
    assert plain.effects.views == []
    assert plain.warnings == drawn.warnings
    assert plain.pages() == drawn.pages()


def test_a_straggler_of_an_idle_input_is_decided_at_the_time_that_the_stream_has_reached() -> None:
    run, topics = (
        Run(RecordingLabels()),
        topics_of(cdr=[call(1, NOON_MS)], orders=[order("device_unlock", 1, NOON_MS - HOUR_MS)]),
    )
    run.fetch(topics, Stream.CDR, 1)
    run.settle(topics_of(cdr=[call(1, NOON_MS)]))
    run.fetch_all(topics)
    assert [warning.ts_ms for warning in run.warnings] == [NOON_MS]


@pytest.mark.parametrize("tick_ms", [7 * HOUR_MS, 2 * DAY_MS])
def test_a_tick_that_misses_midnight_is_refused(tick_ms: int) -> None:
    with pytest.raises(ValueError, match=r"engine\.tick_s must divide 86400"):
        EngineConfig(tick_ms=tick_ms)
