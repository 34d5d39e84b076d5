"""Reasons in words: nothing missing in either language, and no number that breaks a page."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence_numbers import KINDS
from alerts.reason_texts import PLACEHOLDER, ReasonTexts, ReasonTextsError, load_reason_texts
from churnwatch.settings import CONFIG_DIR
from pipeline.policy import read_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES

POLICY = CONFIG_DIR / "policies" / "signals.toml"
EVIDENCE_KEYS = {
    "spend_drop": {
        "last_bill",
        "median_bill",
        "drop_ratio",
        "bills",
        "usage_ratio",
        "spent_per_day",
        "usual_spent_per_day",
        "recharges",
    },
    "usage_drop": {
        "rate_now_per_day",
        "rate_before_per_day",
        "drop_ratio",
        "voice_drop_ratio",
        "messages_drop_ratio",
        "data_drop_ratio",
    },
    "incoming_only": {"days_without_own_use", "incoming_per_day", "outgoing_before_per_day"},
    "data_moved": {"sessions_now_per_day", "sessions_before_per_day", "calls_now_per_day"},
    "spend_run_rate": {"charges_so_far", "charges_usual", "drop_ratio", "day_of_cycle"},
    "recharge_lapse": {"days_since_recharge", "usual_recharge_gap_days", "balance"},
    "overdue": {"days_overdue", "owed", "times_overdue"},
    "incident": {"is_over"},
    "plan_downgrade": {"fee", "fee_before", "days_since"},
    "silence": {"days_silent", "usual_gap_days", "p_alive"},
    "off_net_shift": {"off_net_ratio_7d", "off_net_ratio_before"},
    "circle_move": {"one_rival_ratio_now", "one_rival_ratio_before"},
    "competitor_hotline": {"calls_28d"},
    "model_score": {"score", "share"},
    "contract_end": {"days_left"},
    "firewall_gap": {"firewall", "contract_days", "tenure_years", "lines"},
    "account_contagion": {"lines_left", "lines_moving", "lines"},
    "service_request_delayed": {"open_requests", "days_late"},
}
HARD_KEYS = {"rung", "days_since", "hours_left", "count_90d", "severity_max", "days_open", "satisfaction"}
TEXTS = load_reason_texts(CONFIG_DIR / "reasons")
LANGUAGES = sorted(TEXTS)
SIGNALS = sorted(SOFT_SIGNAL_NAMES | set(read_policy(POLICY, SOFT_SIGNAL_NAMES).hard) | {"model_score", "contract_end"})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_every_signal_that_the_engine_can_report_has_words(signal: str, language: str) -> None:
    text = TEXTS[language].signals[signal]
    assert text.name
    assert text.ask
    assert TEXTS[language].sentence(signal, {}) == text.sentences[-1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_sentence_asks_only_for_numbers_that_the_signal_brings(signal: str, language: str) -> None:
    asked = {
        found["key"]
        for sentence in TEXTS[language].signals[signal].sentences
        for found in PLACEHOLDER.finditer(sentence)
    }
    assert asked <= EVIDENCE_KEYS.get(signal, HARD_KEYS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_evidence_number_has_a_label(language: str) -> None:
    keys = set().union(*EVIDENCE_KEYS.values(), HARD_KEYS)
    assert keys == set(TEXTS[language].evidence)


def test_both_languages_say_the_same_things_with_the_same_numbers() -> None:
    zh, en = TEXTS["zh"], TEXTS["en"]
    assert list(zh.signals) == list(en.signals)
    assert {key: text.kind for key, text in zh.evidence.items()} == {
        key: text.kind for key, text in en.evidence.items()
    }
    for code, text in en.signals.items():
        assert [_numbers(sentence) for sentence in text.sentences] == [
            _numbers(sentence) for sentence in zh.signals[code].sentences
        ], code


def _numbers(sentence: str) -> set[tuple[str, str]]:
    return {(found["key"], found["kind"]) for found in PLACEHOLDER.finditer(sentence) if found["kind"]}


def test_the_most_telling_sentence_that_has_its_numbers_is_chosen() -> None:
    en = TEXTS["en"]
    whole = {"last_bill": 31.2, "median_bill": 81.05, "drop_ratio": 0.615}
    assert en.sentence("spend_drop", whole) == "The last bill was 31.20, 62 % below the usual 81.05."
    assert en.sentence("spend_drop", {"drop_ratio": 0.615}) == "Bills are 62 % below this customer's own usual level."
    assert en.sentence("spend_drop", {"drop_ratio": float("nan")}) == en.signals["spend_drop"].sentences[-1]


def test_singular_and_plural_follow_the_number() -> None:
    en = TEXTS["en"]
    assert en.sentence("complaint", {"count_90d": 1.0}) == "1 complaint in 90 days."
    assert en.sentence("complaint", {"count_90d": 2.0}) == "2 complaints in 90 days."
    assert en.sentence("termination", {"days_since": 0.4}) == "Asked for termination today."
    assert en.sentence("termination", {"days_since": 1.2}) == "Asked for termination 1 day ago."


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert TEXTS["en"].sentence("moonrise", {"x": 1.0}) == "moonrise"
    assert TEXTS["en"].evidence_rows({"weird": 2.0}) == [("weird", "2")]


@given(
    signal=st.sampled_from([*SIGNALS, "unknown"]),
    numbers=st.lists(st.floats(), min_size=20, max_size=20),
    language=st.sampled_from(LANGUAGES),
)
def test_no_number_breaks_a_sentence(signal: str, numbers: list[float], language: str) -> None:
    texts = TEXTS[language]
    evidence = dict(zip(texts.evidence, numbers, strict=False))
    said = texts.sentence(signal, evidence)
    assert not re.search(r"[{}]|nan|inf\b", said)
    assert all(value and not re.search(r"[{}]|nan|inf\b", value) for _, value in texts.evidence_rows(evidence))


@pytest.mark.parametrize(
    ("sentences", "problem"),
    [
        (["{n:days}"], "must have no placeholder"),
        (["{n:weeks}", "x"], "uses kind `weeks`"),
        (["{n:days", "x"], "broken placeholder"),
        ([], "must have no placeholder"),
    ],
)
def test_a_wrong_text_is_found_when_it_is_loaded(tmp_path: Path, sentences: list[str], problem: str) -> None:
    body = f'[units]\n[evidence]\n[signals.x]\nname = "x"\nask = "y"\nsentences = {sentences!r}\n'
    (tmp_path / "en.toml").write_text(body, encoding="utf-8")
    with pytest.raises(ReasonTextsError, match=problem):
        load_reason_texts(tmp_path, ["en"])


def test_a_missing_file_and_a_file_that_is_no_toml_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReasonTextsError, match=r"cannot read .*zh\.toml"):
        load_reason_texts(tmp_path, ["zh"])
    (tmp_path / "zh.toml").write_text("= 1", encoding="utf-8")
    with pytest.raises(ReasonTextsError, match=r"zh\.toml is wrong"):
        load_reason_texts(tmp_path, ["zh"])


def test_every_kind_of_number_is_said_in_both_languages() -> None:
    for texts in TEXTS.values():
        one: ReasonTexts = texts
        assert set(one.units) <= KINDS
        assert {kind for kind, words in one.units.items() if "many" not in words} == set()
