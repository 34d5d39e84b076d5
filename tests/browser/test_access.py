"""Everybody can use the pages: axe-core finds no serious fault, in both lights, at a desk and on a phone."""

from collections.abc import Iterator
from typing import Any

import argon2
import pytest
from axe_playwright_python.sync_playwright import Axe

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
from tests.fakes.console_samples import NOW_MS
from tests.fakes.read_once import console_texts
from tests.fakes.task_board import FakeTaskBoard

SERIOUS = {"serious", "critical"}
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True},
}


def faults(visit: Visit) -> list[str]:
    """Serious ones, with where they are."""
    found: list[dict[str, Any]] = Axe().run(visit.page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'] for node in fault['nodes']][:3]}"
        for fault in found
        if fault["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_no_page_shuts_anybody_out(open_visit: VisitMaker, device: str, theme: str) -> None:
    visit = open_visit(**DEVICES[device])
    pages = (
        "/", "/inbox/m-17", "/inbox/m-17?q=nobody", "/customers/ACC-10012", "/team", "/actor", "/nowhere",
        "/rules?edition=0", "/reports", "/reports/satisfaction?month=2026-10", "/audit",
    )  # fmt: skip
    for path in pages:
        visit.go(f"{path}{'&' if '?' in path else '?'}lang=en&theme={theme}")
        assert faults(visit) == [], path


@pytest.fixture
def signed_in(test_settings: Settings, board: FakeTaskBoard) -> Iterator[tuple[str, PeopleStore]]:
    client = redis_client(test_settings)
    people = PeopleStore(client, test_settings.kafka.topic_prefix)
    sign_in = SignIn(people, Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    staff = Staff(people, sign_in, lambda: NOW_MS)
    with served(create_console(board, console_texts(), ConsoleConfig(poll_s=0.1), staff)) as url:
        yield url, people
    client.close()


def test_signing_in_shuts_nobody_out(open_visit: VisitMaker, signed_in: tuple[str, PeopleStore]) -> None:
    visit = open_visit(**DEVICES["desktop"])
    visit.url, people = signed_in
    people.add(new_person("root", "Root", (StaffRole.ADMIN,), "", NOW_MS))
    for path in ("/sign-in?lang=en", f"/welcome/{people.new_link('root')}"):
        visit.go(path)
        assert faults(visit) == [], path
    visit.page.fill("[name=password]", "a sentence nobody guesses")
    visit.page.fill("[name=repeated]", "a sentence nobody guesses")
    visit.page.click("main button.main")
    for path in ("/people", "/me"):
        visit.go(path)
        assert faults(visit) == [], path
