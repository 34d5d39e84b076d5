"""Every signal has a page, every example on it is what the program computes, and the document is current."""

from pathlib import Path

import pytest

from pipeline import signals_document
from pipeline.ladder_pack import LadderPack, RungClock
from pipeline.signals.all_pages import PAGES
from pipeline.signals.registry import SOFT_SIGNAL_NAMES
from tests.fakes.pipeline_runs import policy

NAMES = sorted({*policy().soft, *policy().hard})


def test_every_signal_has_a_page_and_every_page_a_signal() -> None:
    assert sorted(PAGES) == NAMES
    assert set(signals_document.FORMULAS) == SOFT_SIGNAL_NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_example_worked_by_hand_is_what_the_program_computes(name: str) -> None:
    page = PAGES[name]
    assert page.worked(policy()) == pytest.approx(page.expected, abs=0.005)
    assert min(len(page.meaning), len(page.benign), len(page.example)) > 10


def test_the_document_tells_terms_clocks_and_what_was_measured() -> None:
    figures = {
        "alarms": 7, "precision": 0.5, "chance": 0.02, "recall": None, "lead_days": 3.25, "alarms_week_1000": 1.5,
        "verdict": "better",
    }  # fmt: skip
    measured = {
        "customers": 10, "days": 20, "alone": {"calm": {"termination": figures, "complaint": {**figures, "verdict": "too few"}}},
        "kinds": {"silence, prepaid": figures, "silence, public": {**figures, "verdict": "no better"}},
        "out": {"silence, business": {**figures, "verdict": "no better"}},
        "together": {"calm": {"signals": 0.3, "start": 0.25, "rule": 0.1, "ratio": 3.0, "seeds": [1, 2]}},
    }  # fmt: skip
    ladders = {"IN": LadderPack(clocks={"port_out_order": RungClock(days_left=3.0)})}
    text = signals_document.signals_document(policy(), ladders, measured)
    assert "| calm | 7 | 0.5 | 0.02 | n/a | 3.25 | 1.5 | better |" in text
    assert "| calm | 1, 2 | 0.300 | 0.100 | 3.00 | 0.250 |" in text
    assert "- Days left by country: IN 3." in text
    assert "> 0.3 + 0.2 for each repeat within 90 days + 0.08 for each step of severity above 1" in text
    assert "- Evidence only for: business, key_account." in text
    assert "| silence, business | 7 | 0.5 | 0.02 | n/a | 3.25 | 1.5 | no better |" in text
    assert "| silence, prepaid | 7 | 0.5 | 0.02 | n/a | 3.25 | 1.5 | better |" in text
    assert "by kind silence, public (no better, 7 alarms); by scenario complaint, calm (too few, 7 alarms)." in text
    assert all(f"### `{name}`" in text for name in NAMES)


def test_the_document_is_current_and_an_old_one_is_noticed(tmp_path: Path) -> None:
    assert signals_document.main(["--check"]) == 0
    old = tmp_path / "signals.md"
    old.write_text("old")
    assert signals_document.main(["--check"], document=old) == 1
    assert signals_document.main(["--write"], document=old) == 0
    assert signals_document.main(["--check"], document=old) == 0
