"""The page of rules: tried before they are published, said why, put back; nothing typed is lost."""

import re

import pytest

from alerts.console.rules_form import as_shown, of_edition
from alerts.console.rules_view import FromBefore
from alerts.live_rules.catalogue import catalogue
from alerts.tasks import TaskState
from pipeline.live_rules import RuleValue
from tests.fakes.console_samples import DAY_MS, NOW_MS, task
from tests.fakes.rule_book import FakeRuleBook
from tests.fakes.task_board import FakeTaskBoard
from tests.unit.alerts.console.conftest import Visitor


@pytest.fixture
def book(visitor: Visitor) -> FakeRuleBook:
    found = visitor.app.state.console.rules
    assert isinstance(found, FakeRuleBook)
    return found


def filled(book: FakeRuleBook, **changes: str) -> dict[str, str]:
    """The form as the page sends it: switches that are off are not in it."""
    shown = of_edition(catalogue(book.base), book.base, dict(book.kept.taken[-1].changes) if book.kept.taken else {})
    fields = {**shown.shown, **{key.replace("__", "."): value for key, value in changes.items()}}
    sent = {key: value for key, value in fields.items() if value}
    return {"whole": "yes", "version": str(book.kept.version), **sent}


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_lower_threshold_is_tried_on_the_last_seven_days_and_changes_nothing(
    visitor: Visitor, book: FakeRuleBook
) -> None:
    page = visitor.post("/rules/preview", **filled(book, soft__spend_drop__warn_at="0.5"))
    assert page.status_code == 200
    assert "they would have made 1 more tasks and 0 fewer: 3 instead of 2" in text(page.text)
    assert "0.55 → 0.5" in text(page.text)
    assert "written nowhere" in page.text
    assert "In the same time 0 were really made." in page.text
    assert book.kept.taken == []


def test_rules_are_published_with_a_reason_and_stand_in_the_history(visitor: Visitor, book: FakeRuleBook) -> None:
    visitor.become("eva", "supervisor")
    sent = filled(book, soft__spend_drop__warn_at="0.5", hard__complaint__enabled="")
    assert visitor.post("/rules/publish", **sent).status_code == 422
    assert visitor.post("/rules/publish", **sent, why="  too  late so far ").status_code == 303
    assert book.kept.taken[0].changes == {"soft.spend_drop.warn_at": 0.5, "hard.complaint.enabled": False}
    assert (book.kept.taken[0].author, book.kept.taken[0].why) == ("eva", "too late so far")
    page = text(visitor.get("/rules?did=published").text)
    assert "Published as edition 1" in page
    assert "too late so far" in page


def test_an_earlier_edition_is_shown_with_its_preview_and_put_back(visitor: Visitor, book: FakeRuleBook) -> None:
    visitor.post("/rules/publish", **filled(book, soft__spend_drop__warn_at="0.5"), why="try")
    page = visitor.get("/rules?edition=0")
    assert "0 more tasks and 1 fewer" in text(page.text)
    restored = filled(book, soft__spend_drop__warn_at="0.55")
    visitor.post("/rules/publish", **restored, restores="0", why="too many")
    assert (book.kept.taken[1].changes, book.kept.taken[1].restores) == ({}, 0)
    assert visitor.get("/rules?edition=9").status_code == 404


def test_whoever_was_slower_is_told_and_loses_nothing(visitor: Visitor, book: FakeRuleBook) -> None:
    sent = filled(book, soft__silence__on="0.61")
    book.meanwhile = True
    page = visitor.post("/rules/publish", **sent, why="mine")
    assert page.status_code == 409
    assert "Somebody published another edition" in page.text
    assert 'value="0.61"' in page.text
    assert len(book.kept.taken) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"soft__silence__on": "much"}, "a number from 0 to 1"),
        ({"soft__silence__on": "1.01"}, "a number from 0 to 1"),
        ({"soft__silence__on": "nan"}, "a number from 0 to 1"),
        ({"soft__silence__on": "0.1"}, "must begin above"),
        ({"score__critical": "0.1"}, "must begin above"),
        ({"tasks__create_from": "loud"}, "a number from 0 to 1"),
        ({"whole": ""}, "only in part"),
        ({"soft__silence__on": "<script>alert(1)</script>"}, "a number from 0 to 1"),
    ],
)
def test_what_is_no_rule_is_said_and_shown_again(
    visitor: Visitor, book: FakeRuleBook, changes: dict[str, str], said: str
) -> None:
    sent = {
        key: value
        for key, value in {**filled(book, **changes), **({"whole": ""} if "whole" in changes else {})}.items()
        if value
    }
    for path in ("/rules/preview", "/rules/publish"):
        page = visitor.post(path, **sent, why="x")
        assert page.status_code == 422
        assert said in page.text
        assert "<script>alert" not in page.text
    assert book.kept.taken == []


def test_without_kafka_the_page_says_so_and_keeps_what_was_typed(visitor: Visitor, book: FakeRuleBook) -> None:
    sent = filled(book, soft__silence__on="0.61")
    book.away = True
    assert visitor.get("/rules").status_code == 503
    page = visitor.post("/rules/publish", **sent, why="a long reason")
    assert page.status_code == 503
    assert 'value="0.61"' in page.text
    assert 'value="a long reason"' in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_words_for_everything(visitor: Visitor, book: FakeRuleBook, language: str) -> None:
    for path in (f"/rules?lang={language}", f"/rules?edition=0&lang={language}"):
        page = visitor.get(path).text
        assert not re.search(r">\s*rules\.\w+", page)
        assert not re.search(r'aria-label="[^"]*rules\.', page)


def test_a_task_from_before_and_the_rest_after_one_leave_no_room_for_another() -> None:
    before = {"reason_group": "price", "created_ms": NOW_MS - 10 * DAY_MS}
    board = FakeTaskBoard([
        task("t-1", "open", ["spend_drop"], **before),
        task("t-2", "rests", ["spend_drop"], **before, state=TaskState.DONE, closed_ms=NOW_MS - 9 * DAY_MS,
             cooldown_until_ms=NOW_MS - 2 * DAY_MS),
        task("t-3", "fresh", ["spend_drop"], reason_group="price", created_ms=NOW_MS - DAY_MS),
    ])  # fmt: skip
    standing = FromBefore(board, NOW_MS - 7 * DAY_MS).standing
    assert standing("open", "price", NOW_MS)
    assert not standing("open", "service", NOW_MS)
    assert standing("rests", "price", NOW_MS - 3 * DAY_MS)
    assert not standing("rests", "price", NOW_MS - DAY_MS)
    assert not standing("fresh", "price", NOW_MS)
    assert not standing("nobody", "price", NOW_MS)


def test_the_auditor_reads_the_reason_of_an_edition(visitor: Visitor) -> None:
    page = visitor.get("/audit")
    assert "Rules changed" in page.text
    assert "1: fewer false alarms" in page.text


@pytest.mark.parametrize("value", [0.5, 0.333, 1.0, 0.0])
def test_a_share_is_shown_as_it_is_read(value: RuleValue) -> None:
    assert float(as_shown(value)) == value
