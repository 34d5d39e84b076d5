"""Numbers on purpose, charts as files, what the customer is worth, the team's capacity and incidents."""

from xml.etree import ElementTree as ET

import pytest

from alerts.tasks import UNASSIGNED, Purpose
from tests.fakes.console_samples import task
from tests.fakes.customer_desk import NUMBER, FakeDesk
from tests.unit.alerts.console.conftest import Visitor

PAGE = "/customers/ACC-10012"
LINE = "ACC-10012-L1"


@pytest.fixture
def desk(visitor: Visitor) -> FakeDesk:
    found = visitor.app.state.console.desk
    assert isinstance(found, FakeDesk)
    return found


def test_a_number_is_shown_once_and_only_after_its_reason_was_written_down(visitor: Visitor, desk: FakeDesk) -> None:
    visitor.become("m-17")
    assert NUMBER not in visitor.get(PAGE).text
    page = visitor.post("/reveal/ACC-10012", line=LINE, why=" calls back   at noon ")
    assert page.status_code == 200
    assert NUMBER in page.text
    assert page.headers["cache-control"] == "no-store"
    assert NUMBER not in str(page.url)
    assert desk.told == [("m-17", LINE, "calls back at noon")]
    assert NUMBER not in visitor.get(PAGE).text


@pytest.mark.parametrize("why", ["", "  a ", "x" * 301])
def test_without_a_reason_no_number_is_read_and_what_was_typed_stays(
    visitor: Visitor, desk: FakeDesk, why: str
) -> None:
    page = visitor.post("/reveal/ACC-10012", line=LINE, why=why)
    assert page.status_code == 422
    assert "Nothing was revealed" in page.text
    assert desk.told == []


def test_a_line_of_another_customer_has_no_number_here(visitor: Visitor) -> None:
    page = visitor.post("/reveal/ACC-10012", line="ACC-20481-L1", why="let me see")
    assert page.status_code == 404
    assert NUMBER not in page.text


def test_a_script_in_a_reason_is_shown_as_text(visitor: Visitor) -> None:
    page = visitor.post("/reveal/ACC-10012", line=LINE, why='"><script>alert(1)</script>' * 20)
    assert page.status_code == 422
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("kind", ["usage", "invoices"])
def test_every_chart_is_a_file_that_stands_alone(visitor: Visitor, kind: str) -> None:
    assert f"/charts/{kind}/ACC-10012?line={LINE}" in visitor.get(PAGE).text
    answer = visitor.get(f"/charts/{kind}/ACC-10012?line={LINE}")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}.svg"'
    root = ET.fromstring(answer.text)  # noqa: S314 -- it is our own drawing
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}title") is not None


@pytest.mark.parametrize("path", ["/charts/nothing/ACC-10012", "/charts/usage/ACC-NONE"])
def test_a_chart_that_is_not_there_is_not_found(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("language", "said"), [("en", "stars: the overall score"), ("zh", "星：综合得分")], ids=["en", "zh"]
)
def test_the_page_says_why_so_many_stars_and_how_high_the_firewalls_are(
    visitor: Visitor, language: str, said: str
) -> None:
    page = visitor.get(f"{PAGE}?lang={language}").text
    assert said in page
    assert page.count("<meter ") == 2
    assert ">value." not in page
    assert "338" in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_signal_tells_which_harmless_causes_were_checked(visitor: Visitor, language: str) -> None:
    texts = visitor.app.state.console.pages.texts.reasons[language]
    no_cause = {"crowd_outage", "crowd_holiday", "crowd_feed_silent"}
    assert {code for code in texts.signals if not texts.benign(code)} == no_cause
    assert texts.benign("silence") in visitor.get(f"{PAGE}?lang={language}").text.replace("&#39;", "'")


def test_the_inbox_tells_what_is_at_stake_where_the_plan_has_worked_it_out(visitor: Visitor) -> None:
    page = visitor.get("/inbox/m-17?lang=en").text
    assert page.count("1,840 at stake") == page.count(" at stake") == 1


def test_the_board_shows_capacity_and_what_one_more_hour_would_bring(visitor: Visitor) -> None:
    page = visitor.get("/team?lang=en").text
    assert "7 / 20" in page
    assert "412.50" in page
    assert "80 / away" in page


def test_an_incident_stands_on_the_board_and_without_one_it_is_calm(visitor: Visitor) -> None:
    assert "Calm:" in visitor.get("/team?lang=en").text
    incident = task(
        "t-crisis", "incident:north:service", ["complaint"], owner=UNASSIGNED, purpose=Purpose.CRISIS, region="north"
    )
    visitor.board.add(incident)
    page = visitor.get("/team?lang=en").text
    assert "Crisis: 1 open" in page
    assert "Calm:" not in page


def test_everything_that_happened_stands_on_one_axis_and_in_a_table(visitor: Visitor) -> None:
    page = visitor.get(f"{PAGE}?lang=en").text
    for words in (
        "Complaint, severity 4 of 5",
        "Asked whether the number can move",
        "Service trouble:",
        "stays with us",
    ):
        assert page.count(words) >= 2, words
    assert "Contract renewed" not in page
    assert "Earlier ones: 1, on the longer axis" in page
    longer = visitor.get(f"{PAGE}?lang=en&days=180").text
    assert longer.count("Contract renewed") == 2
    assert visitor.get(f"/charts/usage/ACC-10012?line={LINE}&days=180").text.count("event bill") == 6
    assert visitor.get(f"{PAGE}?days=7").status_code == 422


@pytest.mark.parametrize(("language", "left"), [("en", "valid for another 19 h"), ("zh", "剩余有效时间 19 小时")])
def test_the_way_to_another_operator_is_drawn_with_its_countdown(visitor: Visitor, language: str, left: str) -> None:
    page = visitor.get(f"/customers/ACC-20481?lang={language}").text
    assert 'class="chart ladder"' in page
    assert page.count(left) >= 2
    assert 'class="chart ladder"' not in visitor.get(PAGE).text


def test_who_opened_a_customers_page_is_written_down_and_who_found_none_is_not(
    visitor: Visitor, desk: FakeDesk
) -> None:
    visitor.become("m-17")
    visitor.get(PAGE)
    visitor.get("/customers/ACC-NONE")
    assert desk.looked == [("m-17", "ACC-10012")]
