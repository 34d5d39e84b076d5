"""A retention agent's first minutes in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import VisitMaker
from tests.fakes.console_samples import HOUR_MS, NOW_MS, customer, task

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def test_the_inbox_tells_why_in_words_with_numbers(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/inbox/m-17?lang=en")
    shown = visit.text("#inbox")
    assert "Holds a porting code that is valid for another 19 hours." in shown
    assert "Silent for 9.4 days; this line is usually used every 10 hours." in shown
    assert "3 h late" in shown
    assert "{" not in shown
    assert visit.complaints == []


def test_the_inbox_speaks_chinese_and_remembers_it(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/inbox/m-17?lang=zh")
    assert "已沉默 9.4 天" in visit.text("#inbox")
    visit.go("/inbox/m-17")
    assert visit.page.get_attribute("html", "lang") == "zh-CN"
    visit.page.click("a.language")
    expect(visit.page.locator("html")).to_have_attribute("lang", "en")
    assert visit.complaints == []


def test_accepting_and_recording_an_outcome_takes_the_task_out_of_the_inbox(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/inbox/m-17?lang=en")
    visit.page.click('[data-task="t-4"] button')
    expect(visit.page.locator(".notice.good")).to_have_text("Accepted. It is yours now.")
    visit.page.select_option("#task-t-4 select", "reached_saved")
    visit.page.fill("#task-t-4 textarea", "Stays, wants the family plan.")
    visit.page.click("#task-t-4 button.main")
    expect(visit.page.locator(".notice.good")).to_contain_text("Reached: stays with us")
    assert "Stays, wants the family plan." in visit.text("#task-t-4 .notes")
    visit.go("/inbox/m-17")
    assert visit.page.locator('[data-task="t-4"]').count() == 0
    assert visit.complaints == []


def test_a_new_task_appears_without_a_reload(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/inbox/m-17?lang=en")
    expect(visit.page.locator("#live-state")).to_be_visible()
    visit.board.add(task("t-new", "ACC-99999", ["termination"], due_ms=NOW_MS + HOUR_MS))
    fresh = visit.page.locator('[data-task="t-new"]')
    expect(fresh).to_be_visible()
    expect(fresh).to_have_class(re.compile("fresh"))
    expect(visit.page.locator("#fresh-count")).to_have_text("1 new")
    expect(visit.page.locator("#open-total")).to_have_text("7")
    assert visit.complaints == []


def test_the_start_page_shows_the_first_task_by_itself(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.board.tasks.clear()
    visit.go("/?lang=en")
    expect(visit.page.locator(".empty")).to_be_visible()
    expect(visit.page.locator("#live-state")).to_be_visible()
    visit.board.add(task("t-first", "ACC-1", ["silence"]))
    expect(visit.page.locator(".owners .card")).to_contain_text("m-17")
    assert visit.complaints == []


def test_a_store_that_goes_away_shows_a_banner_and_comes_back_by_itself(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/inbox/m-17?lang=en")
    expect(visit.page.locator("#live-state")).to_be_visible()
    visit.board.away = True
    expect(visit.page.locator("#away")).to_be_visible()
    visit.board.away = False
    expect(visit.page.locator("#away")).to_be_hidden()


def test_the_customer_page_draws_usage_bills_and_marks(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/customers/ACC-10012?lang=en")
    expect(visit.page.locator("svg.timeline .mark")).to_have_count(3)
    expect(visit.page.locator("svg.invoices .bar")).to_have_count(6)
    expect(visit.page.locator(".lines tbody tr")).to_have_count(3)
    box = visit.page.locator("svg.timeline .band").first.bounding_box()
    assert box is not None
    assert box["height"] > 5
    assert visit.complaints == []


def test_everything_works_without_javascript(open_visit: VisitMaker) -> None:
    visit = open_visit(java_script_enabled=False)
    visit.go("/?lang=en")
    visit.page.click("a.card >> text=m-17")
    visit.page.click("text=ACC-33904")
    visit.page.select_option("#task-t-4 select", "no_answer")
    visit.page.click("#task-t-4 button.main")
    expect(visit.page.locator(".notice.good")).to_contain_text("No answer")
    expect(visit.page.locator("#task-t-4 > header .state")).to_contain_text("Waiting")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", ["/", "/inbox/m-17", "/inbox/outbound", "/customers/ACC-10012", "/actor", "/nowhere"])
def test_nothing_scrolls_sideways_on_a_phone(open_visit: VisitMaker, path: str, language: str) -> None:
    visit = open_visit(**PHONE)
    visit.go(f"{path}?lang={language}")
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


def test_a_script_pasted_into_a_note_never_runs(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/customers/ACC-33904?lang=en")
    visit.page.fill("#task-t-4 textarea", SCRIPT)
    visit.page.click("#task-t-4 button:text('Save the note only')")
    expect(visit.page.locator("#task-t-4 .notes")).to_contain_text("<script>")
    assert "owned" not in visit.page.title()
    assert visit.complaints == []


def test_a_script_in_a_customer_record_or_task_never_runs(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.board.add(task("t-x", SCRIPT, ["silence"], reasons=[SCRIPT], accepted_by=SCRIPT, team=SCRIPT))
    visit.board.customers_known[SCRIPT] = customer(SCRIPT, 3, region=SCRIPT, brand=SCRIPT, contact_window=SCRIPT)
    visit.go("/inbox/m-17?lang=en")
    visit.page.click('[data-task="t-x"] a')
    expect(visit.page.locator("h1")).to_contain_text("<script>")
    assert "owned" not in visit.page.title().replace("'owned'", "")
    assert visit.complaints == []


def test_a_form_from_before_a_restart_is_offered_again_with_what_was_typed(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/customers/ACC-33904?lang=en")
    visit.page.context.clear_cookies()
    visit.page.select_option("#task-t-4 select", "reached_refused")
    visit.page.fill("#task-t-4 textarea", "Moves abroad in May.")
    visit.page.click("#task-t-4 button.main")
    expect(visit.page.locator("textarea")).to_have_value("Moves abroad in May.")
    visit.page.click("button.main")
    expect(visit.page.locator(".notice.good")).to_be_visible()
    assert "Moves abroad in May." in visit.text("#task-t-4 .notes")


def test_the_second_of_two_people_is_told_who_has_the_task(open_visit: VisitMaker) -> None:
    first, second = open_visit(), open_visit()
    for visit, name in ((first, "m-17"), (second, "m-18")):
        visit.go("/actor?then=/customers/ACC-33904&lang=en")
        visit.page.fill("input[name=name]", name)
        visit.page.click("button.main")
        expect(visit.page.locator("h1")).to_contain_text("ACC-33904")
    first.page.click("#task-t-4 .bar button >> nth=0")
    expect(first.page.locator(".notice.good")).to_be_visible()
    second.page.fill("#task-t-4 textarea", "I had already called.")
    second.page.select_option("#task-t-4 select", "no_answer")
    second.page.click("#task-t-4 button.main")
    expect(second.page.locator(".notice.bad")).to_contain_text("m-17 accepted this task")
    assert second.page.input_value("#task-t-4 textarea") == "I had already called."


def test_a_task_is_dragged_onto_a_person_and_without_a_script_given_by_the_form(open_visit: VisitMaker) -> None:
    visit = open_visit()
    visit.go("/actor?lang=en")
    visit.page.fill("[name=name]", "eva")
    visit.page.select_option("[name=role]", "supervisor")
    visit.page.click("main button.main")
    visit.go("/team")
    visit.page.drag_and_drop('[data-move="ACC-17730"]', 'tr[data-owner="m-09"]')
    expect(visit.page.locator(".notice.good").first).to_have_text("Handed over.")
    assert visit.board.tasks["t-2"].owner == "m-09"
    plain = open_visit(java_script_enabled=False)
    plain.page.context.add_cookies(visit.page.context.cookies())  # type: ignore[arg-type]  # what it gave it takes
    plain.go("/team")
    row = plain.page.locator('[data-move="ACC-20481"]')
    row.locator("[name=owner]").fill("m-09")
    row.locator("button").click()
    expect(plain.page.locator(".notice.good").first).to_have_text("Handed over.")
    assert visit.board.tasks["t-1"].owner == "m-09"
    assert visit.complaints == plain.complaints == []


def test_a_task_is_escalated_from_the_action_bar(open_visit: VisitMaker) -> None:
    visit = open_visit(**PHONE)
    visit.go("/customers/ACC-33904?lang=en")
    visit.page.click("#task-t-4 .moves summary.button")
    visit.page.fill("#task-t-4 [name=why]", "Asks for the director.")
    visit.page.click('#task-t-4 form[action$="/escalate"] button')
    expect(visit.page.locator(".notice.good")).to_contain_text("it stands on the supervisor's board")
    assert visit.complaints == []
