"""Signing in and a day at work, in a real browser, in both languages, at a desk and on a phone."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import argon2
import pyotp
import pytest
import redis
from playwright.sync_api import Browser, Route, expect

from alerts.accounts.oidc.attempts import Attempts
from alerts.accounts.oidc.config import BACK
from alerts.accounts.oidc.provider import Provider
from alerts.accounts.oidc.sign_in import ProviderSignIn
from alerts.accounts.passwords import Passwords
from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.console import ConsoleConfig, create_console
from alerts.console.staff import Staff
from churnwatch.clients import redis_client
from churnwatch.settings import Settings
from tests.browser.conftest import Visit, VisitMaker, served
from tests.fakes.guarded_console import PROVIDER
from tests.fakes.oidc_provider import ISSUER, FakeProvider
from tests.fakes.read_once import console_texts
from tests.fakes.task_board import FakeTaskBoard

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
GOOD = "a sentence that nobody guesses"
WORDS = {
    "en": {"accepted": "Accepted. It is yours now.", "wrong": "Login, password or code is wrong."},
    "zh": {"accepted": "已接受", "wrong": "账号、密码或验证码有误。"},
}


@pytest.fixture
def client(test_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(test_settings)
    yield connected
    connected.close()


@pytest.fixture
def people(test_settings: Settings, client: redis.Redis) -> PeopleStore:
    return PeopleStore(client, test_settings.kafka.topic_prefix)


@pytest.fixture
def idp() -> FakeProvider:
    """The company's own sign-in."""
    return FakeProvider()


@pytest.fixture
def staffed(
    chromium: Browser,
    client: redis.Redis,
    people: PeopleStore,
    idp: FakeProvider,
    board: FakeTaskBoard,
    topic_prefix: str,
) -> Iterator[VisitMaker]:
    """Visits to a console where people sign in."""
    cheap = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    provider = Provider(PROVIDER, idp.client(), time.monotonic)
    by_provider = ProviderSignIn(provider, Attempts(client, topic_prefix), people, lambda login, why: None)
    staff = Staff(people, SignIn(people, cheap), lambda: time.time_ns() // 1_000_000, by_provider)
    with served(create_console(board, console_texts(), ConsoleConfig(poll_s=0.1), staff)) as url:
        maker = VisitMaker(chromium, url, board)
        yield maker
        maker.close()


def hired(people: PeopleStore, visit: Visit, login: str, *roles: StaffRole, inbox: str = "") -> None:
    """Somebody who came by their one-time link and chose a password."""
    people.add(new_person(login, login.title(), roles, inbox, 1))
    visit.go(f"/welcome/{people.new_link(login)}")
    visit.page.fill("[name=password]", GOOD)
    visit.page.fill("[name=repeated]", GOOD)
    visit.page.click("main button.main")


def sign_in(visit: Visit, login: str, password: str) -> None:
    visit.page.fill("[name=login]", login)
    visit.page.fill("[name=password]", password)
    visit.page.click('form[action="/sign-in"] button')


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_manager_signs_in_takes_a_task_records_a_call_and_signs_out(
    staffed: VisitMaker, people: PeopleStore, language: str, device: dict[str, object]
) -> None:
    visit = staffed(**device)
    hired(people, visit, "ada", StaffRole.MANAGER, inbox="m-17")
    visit.page.context.clear_cookies()
    visit.go(f"/inbox/m-17?lang={language}")
    visit.go(f"/sign-in?lang={language}&then=/inbox/m-17")
    sign_in(visit, "ada", "not the password")
    expect(visit.page.locator(".notice.bad")).to_have_text(WORDS[language]["wrong"])
    sign_in(visit, "ada", GOOD)
    visit.page.click('[data-task="t-4"] button')
    expect(visit.page.locator(".notice.good")).to_contain_text(WORDS[language]["accepted"])
    visit.page.select_option("#task-t-4 select", "reached_saved")
    visit.page.fill("#task-t-4 textarea", "Stays.")
    visit.page.click("#task-t-4 button.main")
    visit.go("/inbox/m-17")
    assert visit.page.locator('[data-task="t-4"]').count() == 0
    visit.go("/inbox/m-3")
    assert visit.page.locator(".rows").count() == 0
    visit.page.click(".who button")
    expect(visit.page.locator("[name=login]")).to_be_visible()
    # The browser itself reports the refused password and the page of somebody else.
    assert [said for said in visit.complaints if "401" not in said and "404" not in said] == []


def test_a_second_factor_is_set_up_from_the_page_and_asked_at_the_next_sign_in(
    staffed: VisitMaker, people: PeopleStore
) -> None:
    visit = staffed()
    hired(people, visit, "ada", StaffRole.MANAGER, inbox="m-17")
    visit.go("/me?lang=en")
    assert visit.page.locator(".code svg").bounding_box() is not None
    secret = visit.text("main code")
    totp = pyotp.TOTP(secret)
    visit.page.fill("[name=code]", totp.now())
    visit.page.click('form[action="/me/second-factor"] button')
    expect(visit.page.locator(".notice.good")).to_have_text("From now on a code is asked at every sign-in.")
    visit.page.context.clear_cookies()
    visit.go("/sign-in?lang=en")
    visit.page.fill("[name=code]", totp.at(int(time.time()) + 30))
    sign_in(visit, "ada", GOOD)
    expect(visit.page.locator("h1")).to_contain_text("m-17")
    assert visit.complaints == []


@pytest.mark.parametrize(("group", "lands"), [("cw-managers", "/inbox/m-17"), ("everybody", BACK)])
def test_somebody_comes_in_by_the_companys_sign_in_or_is_told_why_not(
    staffed: VisitMaker, idp: FakeProvider, group: str, lands: str
) -> None:
    visit = staffed()
    idp.told |= {"groups": [group], "employee": "m-17"}

    def signed_in_there(route: Route) -> None:
        answer = urlencode(idp.authorize(route.request.url))
        route.fulfill(status=303, headers={"location": f"{visit.url}{BACK}?{answer}"})

    visit.page.route(f"{ISSUER}/**", signed_in_there)
    visit.go("/inbox/m-17?lang=en")
    visit.page.click("main button.main")
    visit.page.wait_for_url(f"{visit.url}{lands}*")
    if lands == BACK:
        expect(visit.page.locator(".notice.bad")).to_contain_text("none of your groups there has a role")
    else:
        expect(visit.page.locator("h1")).to_contain_text("m-17")
        assert visit.page.locator(".who").inner_text().startswith("Ada")
    # The browser itself reports the page of who was turned away.
    assert [said for said in visit.complaints if "401" not in said] == []


def test_an_administrator_adds_somebody_who_comes_in_by_the_link_shown(
    staffed: VisitMaker, people: PeopleStore
) -> None:
    visit = staffed()
    hired(people, visit, "root", StaffRole.ADMIN)
    visit.go("/people?lang=en")
    form = visit.page.locator('form[action="/people"]')
    form.locator("[name=login]").fill("eve")
    form.locator("[name=inbox]").fill("m-3")
    form.locator('[name="role.manager"]').check()
    form.locator("button").click()
    link = visit.text(".notice.good code")
    other = staffed()
    other.page.goto(link)
    other.page.fill("[name=password]", GOOD)
    other.page.fill("[name=repeated]", GOOD)
    other.page.click("main button.main")
    expect(other.page.locator("h1")).to_contain_text("m-3")
    assert visit.complaints == other.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_page_of_people_has_a_picture(
    staffed: VisitMaker, people: PeopleStore, tmp_path: Path, language: str, theme: str
) -> None:
    folder = Path(os.environ.get("CHURNWATCH_SCREENSHOTS", tmp_path))
    visit = staffed(**DESKTOP)
    visit.go(f"/sign-in?lang={language}&theme={theme}")
    visit.page.screenshot(path=folder / f"sign-in-desktop-{language}-{theme}.png", full_page=True)
    people.add(new_person("ada", "Ada", (StaffRole.MANAGER,), "m-17", 1))
    hired(people, visit, "root", StaffRole.ADMIN, StaffRole.AUDITOR)
    for name in ("people", "me"):
        visit.go(f"/{name}?lang={language}&theme={theme}")
        visit.page.screenshot(path=folder / f"{name}-desktop-{language}-{theme}.png", full_page=True)
    assert visit.complaints == []
