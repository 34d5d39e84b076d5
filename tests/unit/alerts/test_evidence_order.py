"""What heads a task is a reason to act."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence_order import told_in_order
from pipeline.events import Origin, SignalReport
from pipeline.policy import MODEL_SCORE, SignalPolicy, read_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES

POLICY_FILE = Path(__file__).resolve().parents[3] / "config" / "policies" / "signals.toml"


@pytest.fixture(scope="module")
def policy() -> SignalPolicy:
    return read_policy(POLICY_FILE, SOFT_SIGNAL_NAMES)


def report(name: str, strength: float, since_ms: int = 0) -> SignalReport:
    return SignalReport(name, Origin.OWN_USAGE, strength, since_ms, {})


def names(reports: list[SignalReport]) -> list[str]:
    return [one.name for one in reports]


def test_a_port_code_heads_a_task_before_a_silence_that_is_stronger(policy: SignalPolicy) -> None:
    assert names(told_in_order([report("silence", 1.0), report("port_code_issued", 0.8)], policy)) == [
        "port_code_issued",
        "silence",
    ]


def test_a_harmless_explanation_comes_after_every_reason_to_act(policy: SignalPolicy) -> None:
    told = told_in_order([report("roaming_away", 1.0), report(MODEL_SCORE, 0.4), report("complaint", 0.2)], policy)
    assert names(told) == ["complaint", MODEL_SCORE, "roaming_away"]


def test_a_signal_of_another_release_is_told_last_and_stops_nothing(policy: SignalPolicy) -> None:
    assert names(told_in_order([report("of_tomorrow", 1.0), report("complaint", 0.2)], policy)) == [
        "complaint",
        "of_tomorrow",
    ]


def test_the_latest_report_of_a_signal_replaces_the_one_before(policy: SignalPolicy) -> None:
    assert told_in_order([report("complaint", 0.2, 1), report("complaint", 0.6, 2)], policy) == [
        report("complaint", 0.6, 2)
    ]


@given(st.permutations([report("silence", 0.7), report("usage_drop", 0.7), report("complaint", 0.7), report("x", 0.7)]))
def test_the_order_in_which_signals_came_decides_nothing(policy: SignalPolicy, came: list[SignalReport]) -> None:
    in_order = sorted(came, key=lambda one: one.name)
    assert told_in_order(came, policy) == told_in_order(in_order, policy)
