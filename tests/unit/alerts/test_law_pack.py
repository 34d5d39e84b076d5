"""Law packs: read, checked, and refused with what is allowed."""

import shutil
from pathlib import Path

import pytest

from alerts.law_pack import COUNTRIES_DIR, LawPackError, countries, read_law_pack
from alerts.rules import read_rules


def test_there_is_a_pack_for_each_of_five_countries() -> None:
    assert countries() == ["cn", "eu", "in", "uk", "us"]
    assert [read_law_pack(country).country for country in countries()] == countries()


def test_capital_letters_are_understood() -> None:
    assert read_law_pack("CN") == read_law_pack("cn")


def test_an_unknown_country_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(LawPackError, match=r"'fr'; allowed are cn, eu, in, uk, us"):
        read_law_pack("fr")


def test_a_pack_of_ones_own_is_found(tmp_path: Path) -> None:
    shutil.copy(COUNTRIES_DIR / "cn.toml", tmp_path / "hk.toml")
    assert read_law_pack("hk", tmp_path).country == "hk"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('effect = "limit"', 'effect = "forbid"', "forbid"),
        ("days = 30\n", "", "days"),
        ('signals = ["port_code_issued", "port_out_order"]\n', "", "signals"),
        ('consent = "call"\n', "", "consent"),
        ('effect = "limit"', 'effect = "stop"', "contacts"),
        ('id = "cn_service_contact_after_code"', 'id = "cn_consent_before_marketing"', "two rules"),
        ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Peking"', "Asia/Peking"),
        ('holidays = "CN"\n', "", "holidays"),
        ("contacts = 1", "contact = 1", "contact"),
    ],
)
def test_a_wrong_pack_is_named_together_with_what_is_wrong(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = (COUNTRIES_DIR / "cn.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "cn.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LawPackError, match=named) as caught:
        read_law_pack("cn", tmp_path)
    assert "cn.toml" in str(caught.value)


def test_every_pack_has_its_calendar() -> None:
    for country in countries():
        assert read_rules(country).law.country == country
