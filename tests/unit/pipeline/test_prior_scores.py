"""Before there is a model the prior scores: every line at the sweep, lines with a case at each tick."""

import numpy as np
import pytest

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
    policy,
    run_of,
)

NOON_MS = MONDAY_MS + 12 * HOUR_MS


def two_lines(until_ms: int) -> Run:
    """Both lines call at noon, the first asks whether it could port; a last call moves time to `until_ms`."""
    return run_of(
        customers=[customer(lines=["a1-1", "a1-2"], ts_ms=NOON_MS)],
        cdr=[
            call(1, NOON_MS),
            call(2, NOON_MS, line_id="a1-2"),
            call(3, until_ms, line_id="a1-3"),
        ],
        orders=[order("port_eligibility_query", 1, NOON_MS)],
    )


def test_at_a_tick_only_lines_with_a_case_are_scored() -> None:
    run = two_lines(NOON_MS + 2 * HOUR_MS)
    asked = policy().weight("port_eligibility_query") * policy().hard["port_eligibility_query"].strength
    expected = 1.0 - (1.0 - policy().base_rate) * (1.0 - asked)
    assert float(column(run, "score", "a1-1")) == pytest.approx(expected, rel=0.01)
    assert np.isnan(column(run, "score", "a1-2"))


def test_at_the_sweep_all_are_scored_and_what_one_line_did_raises_the_other() -> None:
    run = two_lines(MONDAY_MS + DAY_MS + HOUR_MS)
    first, second = (float(column(run, "score", line_id)) for line_id in ("a1-1", "a1-2"))
    assert policy().base_rate < second < first
    assert column(run, "by_model", "a1-2") == 0


def test_a_complaint_of_the_account_reaches_its_lines_at_the_next_tick() -> None:
    run = run_of(
        customers=[customer(ts_ms=NOON_MS)],
        cdr=[call(1, NOON_MS + HOUR_MS), call(2, NOON_MS + 3 * HOUR_MS, line_id="a1-2")],
        care=[care("crisis_report", 1, NOON_MS, line_id=None, severity=5)],
    )
    assert float(column(run, "score")) > 2 * policy().base_rate
