"""The policy of signals: what is wrong is named with file and section."""

import re
from pathlib import Path

import pytest

from pipeline.events import Level, Origin
from pipeline.policy import MODEL_SCORE, PolicyError, SoftPolicy, read_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES
from tests.fakes.pipeline_runs import POLICY_FILE, policy

TYPOS = [
    ("weight = ", "weigth = ", ["[soft.usage_drop]", "unknown field `weigth`", "the keys are origin, weight"]),
    ("weight = 0.", "weight = 1.", ["[soft.usage_drop]", "`$.weight`", "<= 1.0"]),
    ("weight = 0.", 'weight = "" #', ["[soft.usage_drop]", "`$.weight`", "Expected `float`"]),
    ('origin = "own_usage"', 'origin = "usage"', ["[soft.usage_drop]", "`$.origin`", "own_usage, own_billing"]),
    ('out_for = ["public"', 'out_for = ["publik"', ["[soft.usage_drop]", "out_for", "public, business, key_account"]),
    ('level = "warn"', 'level = "warning"', ["[hard.port_eligibility_query]", "`$.level`", "watch, warn, critical"]),
    ("days = 45", "days = 0", ["[hard.termination]", "`$.days`", "> 0"]),
    ("base_rate = 0.02", "base_rat = 0.02", ["`base_rat`", "the keys are base_rate"]),
    ("base_rate = 0.02", "", ["`base_rate`"]),
    ("base_rate = 0.02", "base_rate = ", ["line"]),
    ("model_score_off = 0.15", "model_score_off = 0.5", ["model_score_off", "model_score_on"]),
    ("[soft.silence]", "[soft.silense]", ["'silense'", "known are", "silence"]),
    ("[hard.suspend]", "[hard.suspent]", ["[hard.suspent]", "'suspent'", "suspend"]),
    ('"termination_cancelled"', '"termination_canceled"', ["[hard.termination]", "'termination_canceled'"]),
    ("[hard.suspend]", "[hard.port_out_done]", ["[hard.port_out_done]", "'port_out_done'"]),
    ('started_by = ["fault"]', 'started_by = ["complaint"]', ["[hard.complaint]", "[hard.open_fault]"]),
    ("[hard.suspend]", "[hard.silence]", ["[hard.silence]", "this name already"]),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "words"), TYPOS, ids=[wrong or "nothing" for _, wrong, _ in TYPOS])
def test_a_typo_is_named_with_its_file_and_section(right: str, wrong: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    text = POLICY_FILE.read_text()
    if right == "days = 45":
        head, tail = text.split("[hard.termination]")
        text = head + "[hard.termination]" + tail.replace(right, wrong, 1)
    else:
        assert right in text
        text = text.replace(right, wrong, 1)
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        read_policy(path, SOFT_SIGNAL_NAMES)
    message = str(caught.value)
    assert str(path) in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("line", ['barred = ["complaint"]', "ladder = {}"])
def test_what_the_country_decides_is_refused_in_the_policy(line: str, tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    path.write_text(f"{line}\n{POLICY_FILE.read_text()}")
    with pytest.raises(PolicyError, match="decided by the country's pack"):
        read_policy(path, SOFT_SIGNAL_NAMES)


def test_a_signal_that_is_not_configured_is_named(tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    path.write_text(POLICY_FILE.read_text())
    with pytest.raises(PolicyError, match=r"section \[soft.zero_balance\] is missing"):
        read_policy(path, {*SOFT_SIGNAL_NAMES, "zero_balance"})


@pytest.mark.parametrize("content", [b"base_rate = \xff", b"\x00\x01", b""])
def test_a_file_that_is_no_policy_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=r"signals\.toml"):
        read_policy(path, SOFT_SIGNAL_NAMES)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"cannot read .*none.toml: No such file"):
        read_policy(tmp_path / "none.toml", SOFT_SIGNAL_NAMES)


def test_repeats_and_severity_raise_strength_and_level_by_hand() -> None:
    complaint = policy().hard["complaint"]
    assert complaint.strength_of(count=1, severity=1) == pytest.approx(0.30)
    assert complaint.strength_of(count=2, severity=3) == pytest.approx(0.30 + 0.20 + 2 * 0.08)
    assert complaint.strength_of(count=9, severity=5) == 1.0
    assert complaint.level_of(0.30) is Level.WATCH
    assert complaint.level_of(0.66) is Level.WARN
    assert policy().hard["crisis_report"].level_of(0.93) is Level.CRITICAL
    assert policy().hard["termination"].level_of(0.1) is Level.CRITICAL


def test_a_signal_that_would_end_before_it_begins_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signals.toml"
    on, off = policy().soft["usage_drop"].on, policy().soft["usage_drop"].off
    path.write_text(re.sub(r"\boff = [0-9.]+", f"off = {on}", POLICY_FILE.read_text(), count=1))
    assert off < on
    with pytest.raises(PolicyError, match=rf"soft.usage_drop: `off` \({on}\) must be below `on` \({on}\)"):
        read_policy(path, SOFT_SIGNAL_NAMES)


def test_levels_of_a_gradual_signal_begin_where_the_file_says() -> None:
    soft = SoftPolicy(Origin.OWN_USAGE, weight=0.1, on=0.5, off=0.3, warn_at=0.75, critical_at=0.98)
    assert [soft.level(strength) for strength in (0.74, 0.75, 0.98)] == [Level.WATCH, Level.WARN, Level.CRITICAL]


def test_the_score_of_a_model_is_our_own_knowledge_and_no_part_of_the_prior() -> None:
    assert policy().origin(MODEL_SCORE) is Origin.OWN_USAGE
    assert policy().weight(MODEL_SCORE) == 0.0
    assert policy().starts()["fault"] == "open_fault"
    assert policy().ends()["fault_closed"] == ["open_fault"]
