"""Silence as a label of prepaid lines, and when it is none."""

import numpy as np

from pipeline.calm.incidents import CALLS, EVERYWHERE, Incident
from pipeline.events import ChurnKind
from pipeline.silence_labels import label_silence
from tests.fakes.labels import RecordingLabels
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, call, customer, run_of


def test_nobody_becomes_a_leaver_by_silence_while_the_calls_of_the_region_are_missing() -> None:
    run = run_of(customers=[customer()], cdr=[call(1, MONDAY_MS)])
    run.state.accounts["prepaid"][:] = 1
    incidents, rows, told = run.state.crowd.incidents, np.arange(1), RecordingLabels()
    incidents["calls"] = Incident(EVERYWHERE, CALLS, MONDAY_MS + 39 * DAY_MS, 0, lines=1)

    label_silence(run.state, rows, MONDAY_MS + 41 * DAY_MS, told)
    assert told.churns == []

    incidents.clear()
    label_silence(run.state, rows, MONDAY_MS + 42 * DAY_MS, told)
    assert told.churns == [("a1-1", MONDAY_MS, MONDAY_MS + 42 * DAY_MS, ChurnKind.SILENCE)]

    run.state.lines["last_ms"][0] = MONDAY_MS + 43 * DAY_MS
    incidents["calls"] = Incident(EVERYWHERE, CALLS, MONDAY_MS + 43 * DAY_MS, 0, lines=1)
    label_silence(run.state, rows, MONDAY_MS + 44 * DAY_MS, told)
    assert told.returns == [("a1-1", MONDAY_MS + 43 * DAY_MS)]
