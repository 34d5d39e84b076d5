"""The relationship: contracts that end, walls with gaps, lines that follow each other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import Level
from pipeline.features.account_facts import AccountFacts
from pipeline.signals.relationship import RELATIONSHIP_SIGNALS, account_contagion, contract_end, firewall, firewall_gap
from pipeline.state.decay import DAY_MS
from tests.fakes.pipeline_runs import MONDAY_MS, Run, call, customer, order, outcome, run_of

ANY = st.floats(-1e4, 1e4) | st.just(float("nan"))
COUNTS = st.floats(0.0, 1e4)


def account(**changes: float) -> AccountFacts:
    """One account: public, one line, two years with us, no contract, nothing loosened."""
    values: dict[str, Any] = {
        "contract_days": np.nan, "tenure_days": 730.0, "business": 0.0, "live_lines": 1.0, "left_lines": 0.0,
        "moving": 0.0, "loosened": 0.0, **changes,
    }  # fmt: skip
    columns: dict[str, Any] = {name: np.array([value]) for name, value in values.items()}
    return AccountFacts(0, np.zeros(1, np.int64), **columns)


def causes(run: Run) -> list[str]:
    return [warning.reasons[0] for warning in run.warnings]


@pytest.mark.parametrize(
    ("days", "business", "public"),
    [
        (91, 0.0, 0.0),
        (90, 0.4, 0.0),
        (60, 0.6, 0.0),
        (31, 0.6, 0.0),
        (30, 0.8, 0.8),
        (10, 0.9, 0.9),
        (0, 1.0, 1.0),
        (-30, 0.5, 0.5),
    ],
)
def test_the_end_of_a_contract_comes_in_steps(days: float, business: float, public: float) -> None:
    assert contract_end(account(contract_days=days, business=1.0))[0] == pytest.approx(business)
    assert contract_end(account(contract_days=days))[0] == pytest.approx(public)


def test_without_a_contract_nothing_ends_and_no_wall_has_a_gap() -> None:
    assert contract_end(account())[0] == 0.0
    assert firewall_gap(account())[0] == 0.0


def test_the_firewall_by_hand() -> None:
    # Half a year of contract in ten days, two years of tenure, four lines, nothing loosened.
    bound = account(contract_days=10.0 + 182.5, live_lines=4.0)
    assert firewall(bound)[0] == pytest.approx(0.4 * 0.5 + 0.25 * (1 - np.exp(-1.0)) + 0.2 * 0.75 + 0.15)
    loose = account(contract_days=10.0, tenure_days=0.0, loosened=1.0)
    assert firewall(loose)[0] == 0.0
    assert firewall_gap(loose)[0] == 1.0


def test_contagion_by_hand() -> None:
    # Two of ten lines left, 0.04 * 10 are usual: 1 - 0.65 ** 1.6.
    assert account_contagion(account(live_lines=8.0, left_lines=2.0))[0] == pytest.approx(1 - 0.65**1.6)
    assert account_contagion(account(live_lines=40.0, moving=1.0))[0] == 0.0
    assert account_contagion(account(live_lines=1.0, moving=5.0))[0] == 0.0


@given(ANY, ANY, COUNTS, COUNTS, COUNTS)
def test_every_strength_is_a_share_whatever_the_facts(
    days: float, tenure: float, live: float, left: float, moving: float
) -> None:
    facts = account(contract_days=days, tenure_days=tenure, live_lines=live, left_lines=left, moving=moving)
    for signal in RELATIONSHIP_SIGNALS:
        assert 0.0 <= signal.strength(facts)[0] <= 1.0
        assert signal.evidence(facts).keys()


def test_the_end_of_a_contract_is_one_warning_of_the_account_and_a_new_term_ends_it() -> None:
    lines = ["a1-1", "a1-2", "a1-3"]
    bound = customer(segment="business", lines=lines, contract_end_ms=MONDAY_MS + 12 * DAY_MS)
    calls = [call(n, MONDAY_MS + n * DAY_MS, line_id=lines[n % 3]) for n in range(6)]
    run = run_of(customers=[bound], cdr=calls)
    (warning,) = [warning for warning in run.warnings if warning.reasons[0] == "contract_end"]
    assert (warning.line_id, warning.level, warning.ts_ms) == (None, Level.WATCH, MONDAY_MS + 2 * DAY_MS)
    assert warning.signals[0].evidence == {"days_left": 10.0}
    renewed = customer(
        MONDAY_MS + 4 * DAY_MS, segment="business", lines=lines, contract_end_ms=MONDAY_MS + 800 * DAY_MS
    )
    ended = run_of(customers=[bound, renewed], cdr=calls)
    assert "contract_end" not in ended.state.accounts.case(0).episodes


def test_lines_that_leave_warn_of_the_account_that_stays() -> None:
    lines = [f"a1-{n}" for n in range(1, 6)]
    gone = [order("port_out_done", n, MONDAY_MS + n, line_id=lines[n]) for n in range(2)]
    calls = [call(n, MONDAY_MS + n * DAY_MS, line_id="a1-5") for n in range(3)]
    run = run_of(customers=[customer(lines=lines)], orders=gone, cdr=calls)
    (warning,) = [warning for warning in run.warnings if warning.reasons[0] == "account_contagion"]
    assert warning.line_id is None
    assert warning.signals[0].evidence["lines"] == 3.0
    assert warning.signals[0].strength == pytest.approx(1 - 0.65 ** (2 * 2 ** (-1 / 30) - 0.04 * 5), abs=0.01)
    forced = [outcome("churn", n, MONDAY_MS + n, line_id=lines[n], churn_kind="involuntary") for n in range(2)]
    assert causes(run_of(customers=[customer(lines=lines)], outcomes=forced, cdr=calls)) == []
