"""Playbooks as files: the shipped ones serve every reason, and a typo is named with its line."""

from pathlib import Path

import pytest

from alerts.playbooks.read import ECONOMICS_FILE, PLAYBOOKS_DIR, PlaybookError, read_playbooks
from alerts.policy import read_task_policy

GROUPS = [group.name for group in read_task_policy().groups.order]
GOOD = (PLAYBOOKS_DIR / "price.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_playbooks_serve_every_reason_group_and_segment() -> None:
    served = {
        (reason, segment) for one in read_playbooks(GROUPS).all for reason in one.reasons for segment in one.segments
    }
    assert served == {(group, segment) for group in GROUPS for segment in ("public", "business", "key_account")}


@pytest.mark.parametrize(
    ("right", "wrong", "said", "away"),
    [
        ("budget_year =", "budget_yaer =", "unknown field `budget_yaer`", 0),
        ("save_share = 0.35", "save_shar = 0.35", "unknown field `save_shar`", 0),
        ("save_share = 0.35", "save_share = 1.35", "<= 1", 0),
        ("months = 12", "months = 0", "cost_month needs `months`", -1),
        ('id = "data_bonus_6m"', 'id = "fitting_plan"', "a second offer 'fitting_plan'", 0),
        ('reasons = ["price"]', 'reasons = ["prise"]', "no reason group 'prise'", 0),
        ('kind = "soft"', 'kind = "softly"', "Invalid enum value 'softly'", 0),
    ],
)
def test_a_typo_is_named_with_file_and_line(tmp_path: Path, right: str, wrong: str, said: str, away: int) -> None:
    line = next(number for number, row in enumerate(GOOD.splitlines(), 1) if right in row) + away
    with pytest.raises(PlaybookError, match=rf"mine\.toml, line {line}: ") as error:
        read_playbooks(GROUPS, written(tmp_path, GOOD.replace(right, wrong, 1)))
    assert said in str(error.value)


def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match=r"mine\.toml: .*line 4"):
        read_playbooks(GROUPS, written(tmp_path, GOOD.replace("budget_year = ", "budget_year ", 1)))


def test_a_key_that_is_missing_is_named_with_its_table(tmp_path: Path) -> None:
    text = GOOD.replace('kind = "soft"\n', "")
    line = text.splitlines().index("[firewall]") + 1
    with pytest.raises(PlaybookError, match=rf"mine\.toml, line {line}: .*`kind`"):
        read_playbooks(GROUPS, written(tmp_path, text))


def test_a_sentence_that_is_missing_in_one_language_is_named(tmp_path: Path) -> None:
    text = GOOD.replace('en = ["Ask first what changed in usage, not about the price.", ', "en = [")
    with pytest.raises(PlaybookError, match=r"line \d+: script: 3 sentences in zh and 2 in en"):
        read_playbooks(GROUPS, written(tmp_path, text))


def test_two_playbooks_for_the_same_customers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(PlaybookError, match=r"other\.toml and mine\.toml are both for price, public"):
        read_playbooks(GROUPS, written(tmp_path, GOOD))


def test_wrong_economics_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "offers.toml"
    path.write_text(ECONOMICS_FILE.read_text(encoding="utf-8").replace("npv_min = 0.0", 'npv_min = "none"'))
    line = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if row.startswith("npv_min"))
    with pytest.raises(PlaybookError, match=rf"offers\.toml, line {line}: "):
        read_playbooks(GROUPS, PLAYBOOKS_DIR, path)
