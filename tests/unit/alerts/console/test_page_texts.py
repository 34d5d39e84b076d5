"""The words of the pages: complete, equal in both languages, and all that templates and code ask for."""

import re
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from alerts.console import ConsoleTexts
from alerts.console import pages as pages_module
from alerts.console.cards import OFFERED
from alerts.console.charts.timeline import Lane
from alerts.console.inbox_view import Shelf
from alerts.console.page_texts import PageTexts, PageTextsError, load_console_texts
from alerts.console.visitor import ACTING_ROLES, THEMES
from alerts.policy import read_task_policy
from alerts.tasks import OUTBOUND, UNASSIGNED, TaskEventKind, TaskResult, TaskState
from pipeline.events import CareKind, Disposition, Level, OrderKind, Origin, Payment, ScoreBasis, Segment

FOLDER = Path(pages_module.__file__).parent
ASKED_IN_TEMPLATES = re.compile(r"\bt\('([a-z_]+\.[a-z_]+)'[,)]")
ASKED_IN_CODE = re.compile(r"\"((?:inbox|due|time|customer|did|refusal|owners|actor|error|task)\.[a-z_]+)\"(?<!html\")")
SETS: dict[str, type[StrEnum]] = {
    "level": Level,
    "state": TaskState,
    "result": TaskResult,
    "disposition": Disposition,
    "origin": Origin,
    "event": TaskEventKind,
    "order": OrderKind,
    "care": CareKind,
    "lane": Lane,
}


def test_both_languages_have_the_same_keys_and_placeholders(texts: ConsoleTexts) -> None:
    zh, en = texts.pages["zh"].texts, texts.pages["en"].texts
    assert set(zh) == set(en)
    for key, text in en.items():
        assert _names(zh[key]) == _names(text), key
        assert zh[key].strip(), key


def _names(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_code_that_a_page_can_show_has_words(texts: ConsoleTexts, language: str) -> None:
    known = texts.pages[language].texts
    needed = {f"{table}.{value}" for table, codes in SETS.items() for value in codes}
    needed |= {f"group.{group.name}" for group in read_task_policy().groups.order}
    needed |= {f"role.{role}" for role in ACTING_ROLES} | {f"page.theme_{theme}" for theme in THEMES}
    needed |= {f"customer.score_basis_{basis}" for basis in get_args(ScoreBasis)}
    needed |= {f"segment.{segment}" for segment in get_args(Segment)} | {
        f"payment.{kind}" for kind in get_args(Payment)
    }
    needed |= {f"inbox.{shelf}" for shelf in Shelf} | {f"owners.{owner}" for owner in (OUTBOUND, UNASSIGNED)}
    assert needed - set(known) == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_templates_and_code_ask_for_is_there(texts: ConsoleTexts, language: str) -> None:
    asked = {key for path in FOLDER.rglob("*.html") for key in ASKED_IN_TEMPLATES.findall(path.read_text("utf-8"))}
    asked |= {key for path in FOLDER.rglob("*.py") for key in ASKED_IN_CODE.findall(path.read_text("utf-8"))}
    assert len(asked) > 60
    assert asked - set(texts.pages[language].texts) == set()


def test_no_template_holds_words_of_its_own(texts: ConsoleTexts) -> None:
    for path in FOLDER.rglob("*.html"):
        bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", " ", path.read_text("utf-8"), flags=re.DOTALL)
        assert re.findall(r"[A-Za-z]{3,}", bare.replace("Churnwatch", "")) == [], path.name


def test_offered_dispositions_leave_out_what_only_a_dialer_can_tell() -> None:
    assert set(Disposition) - set(OFFERED) == {Disposition.DROPPED, Disposition.DEAD_AIR, Disposition.NOT_TRIED}


def test_a_missing_text_shows_its_key_and_a_missing_value_its_name() -> None:
    texts = PageTexts("en", {"a.b": "{n} of {m}"})
    assert texts("a.c") == "a.c"
    assert texts("a.b", n=1) == "1 of {m}"
    assert texts.word("state", "new") == "new"


@pytest.mark.parametrize(
    ("content", "problem"), [("x = 1", "outside a table"), ("[a]\nb = 1", "must be a text"), ("[", "is wrong")]
)
def test_a_wrong_file_of_texts_is_named(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "en.toml").write_text(content, encoding="utf-8")
    with pytest.raises(PageTextsError, match=problem):
        load_console_texts(tmp_path, ["en"])
