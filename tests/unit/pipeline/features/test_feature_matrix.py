"""The feature matrix: one column a feature, NaN only where documented, never infinite; facts by hand."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import Stream
from pipeline.features.assemble import feature_matrix
from pipeline.features.catalogue import DENSE_FEATURES, feature_schema, features_for
from pipeline.features.facts import facts_of, recent_days
from pipeline.signals.cases import standing_strengths
from pipeline.state.cases import Case, HardEvent
from pipeline.state.catalogue import RING_DAYS
from tests.fakes.labels import RecordingLabels
from tests.fakes.line_facts import facts
from tests.fakes.pipeline_runs import (
    DAY_MS,
    HOUR_MS,
    MONDAY_MS,
    Run,
    call,
    care,
    customer,
    invoice,
    policy,
    topics_of,
)

INDEX = {feature.name: place for place, feature in enumerate(DENSE_FEATURES)}
#: Features that are missing where the catalogue or the nature of the line says so.
MAY_BE_MISSING = {"gap", "own_gap", "bill_drop", "contract_left"}
MOMENTS = st.integers(MONDAY_MS - 80 * DAY_MS, MONDAY_MS + 20 * DAY_MS)


def features_of(run: Run, now_ms: int) -> Any:
    """All features of all lines."""
    state = run.state
    rows = np.arange(len(state.lines))
    found = facts_of(state.lines, rows, now_ms, state.landmark.ms)
    return feature_matrix(found, state, policy())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from(["voice", "sms", "data"]), st.floats(0, 1e15)), max_size=30),
    st.lists(st.tuples(MOMENTS, st.floats(-1e15, 1e15)), max_size=8),
    st.lists(MOMENTS, max_size=3),
    st.one_of(st.none(), st.integers(-5_000_000_000_000, 32_503_680_000_000)),
)
def test_features_are_finite_or_missing_where_documented(
    calls: list[tuple[int, str, float]],
    bills: list[tuple[int, float]],
    complaints: list[int],
    tenure_start_ms: int | None,
) -> None:
    run = Run(RecordingLabels())
    run.fetch_all(
        topics_of(
            customers=[customer(lines=["a1-1", "idle"], tenure_start_ms=tenure_start_ms)],
            cdr=[
                call(n, ts, received_ms=max(ts, MONDAY_MS), service=service, charge=amount, duration_s=amount)
                for n, (ts, service, amount) in enumerate(calls)
            ],
            billing=[invoice(amount, n, ts, received_ms=max(ts, MONDAY_MS)) for n, (ts, amount) in enumerate(bills)],
            care=[care("complaint", n, ts, received_ms=max(ts, MONDAY_MS)) for n, ts in enumerate(complaints)],
        )
    )
    matrix = features_of(run, max(run.state.newest_ms, MONDAY_MS) + HOUR_MS)
    assert matrix.shape == (2, len(features_for(list(policy().hard))))
    assert not np.isinf(matrix).any()
    missing = {DENSE_FEATURES[place].name for place in np.flatnonzero(np.isnan(matrix).any(axis=0)).tolist()}
    assert missing <= MAY_BE_MISSING


def test_a_line_by_hand() -> None:
    lines = facts(
        {"voice_out": (1.0, 2.0, 3.8), "charge": (0.0, 0.0, 0.8)},
        age_days=99.0,
        gap_days=1.0,
        bills=[40.0, 60.0, 80.0, 30.0],
    )
    run = Run(RecordingLabels())
    run.fetch_all(topics_of(customers=[customer(star=4, segment="business", payment="prepaid", tenure_start_ms=None)]))
    run.state.line_row("a1-1", "a1")
    row = dict(zip(INDEX, feature_matrix(lines, run.state, policy())[0].tolist(), strict=False))
    expected = {
        "activity_slow": np.log(4.8), "activity_change": np.log(1.2 / 4.0),
        "activity_change_14d": np.log(2.2 / 4.0), "voice_change": np.log(1.2 / 4.0), "messages_change": 0.0,
        "charge_change": np.log(0.2), "gap": np.log(2.0), "bill_drop": 0.5, "age": np.log(100.0),
        "prepaid": 1.0, "business": 1.0, "star": 0.8,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert np.isnan(row["contract_left"])


def test_a_hard_signal_fades_to_half_over_its_days_and_then_stands_no_more() -> None:
    hard = policy().hard
    case = Case(hard={"termination": HardEvent(0, 0), "no_longer_configured": HardEvent(0, 0)})
    days = hard["termination"].days
    full = hard["termination"].strength
    strengths = [standing_strengths(case, int(share * days * DAY_MS), hard) for share in (0.0, 0.5, 0.999)]
    assert [round(found["termination"], 3) for found in strengths] == [
        full,
        0.75 * full,
        pytest.approx(0.5 * full, abs=0.001),
    ]
    assert standing_strengths(case, int(days * DAY_MS), hard) == {}


def test_the_stronger_of_line_and_account_counts() -> None:
    complaints = [care("complaint", 1, severity=1), care("complaint", 2, line_id=None, severity=5)]
    run = Run(RecordingLabels())
    run.fetch_all(topics_of(care=complaints, cdr=[call(1, MONDAY_MS)]))
    names = [feature.name for feature in features_for(list(policy().hard))]
    strength = features_of(run, MONDAY_MS)[0, names.index("hard_complaint")]
    assert strength == pytest.approx(policy().hard["complaint"].strength_of(1, 5))


def test_facts_of_a_rhythm_by_hand() -> None:
    """Twenty days old, called on every second day until six days ago."""
    now_ms = MONDAY_MS + 20 * DAY_MS
    days = range(0, 14, 2)
    run = Run(RecordingLabels())
    run.fetch_all(topics_of(cdr=[call(n, MONDAY_MS + day * DAY_MS) for n, day in enumerate(days)]))
    found = facts_of(run.state.lines, np.array([0]), now_ms, run.state.landmark.ms)
    assert found.age_days.tolist() == [20.0]
    assert found.gap_days.tolist() == [8.0]
    assert found.active_days.tolist() == [7.0]
    assert found.watched_days.tolist() == [12.0]


def test_recent_days_are_the_complete_ones_oldest_first() -> None:
    dice = random.Random(3)
    today = 20_600
    counts = {day: dice.randrange(60_000) for day in range(today - 28, today)}
    ring = np.zeros((1, RING_DAYS), np.uint16)
    for day, count in counts.items():
        ring[0, day % RING_DAYS] = count
    assert recent_days(ring, today * DAY_MS + HOUR_MS, 28)[0].tolist() == list(counts.values())


def test_the_schema_is_names_and_order() -> None:
    features = features_for(["termination"])
    assert feature_schema(features) == feature_schema(features_for(["termination"]))
    assert len({feature_schema(features), feature_schema(features[::-1]), feature_schema(features[:-1])}) == 3
    assert len({feature.name for feature in features}) == len(features)


def test_partition_streams_of_the_run_are_all_read() -> None:
    run, topics = Run(RecordingLabels()), topics_of(cdr=[call(1)])
    run.fetch_all(topics)
    assert {stream: run.position(stream) for stream in Stream} == {s: int(s is Stream.CDR) for s in Stream}
