"""A console with login over a task board in memory, people in the real Redis, and one browser before it."""

import copy

import argon2
import redis
from fastapi.testclient import TestClient
from httpx2 import Response

from alerts.accounts.oidc.attempts import Attempts
from alerts.accounts.oidc.config import ClaimNames, ProviderConfig
from alerts.accounts.oidc.provider import Provider
from alerts.accounts.oidc.sign_in import ProviderSignIn
from alerts.accounts.passwords import Passwords
from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.console import ConsoleConfig, create_console
from alerts.console.context import Office
from alerts.console.staff import Staff
from tests.fakes.console_office import FakeReports, FakeServices, sample_trail
from tests.fakes.customer_desk import FakeDesk
from tests.fakes.oidc_provider import CLIENT_ID, ISSUER, SECRET, FakeProvider
from tests.fakes.read_once import console_texts
from tests.fakes.rule_book import FakeRuleBook
from tests.fakes.task_board import FakeTaskBoard

URL = "http://127.0.0.1:8350"
NOW = 1_790_000_000_000
GOOD = "a sentence that nobody guesses"
#: Argon2id that costs next to nothing.
CHEAP = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
#: Of a visitor who has been here before: what a form token is bound to.
VISIT = "the-visit-cookie-of-a-test"


PROVIDER = ProviderConfig(
    issuer=ISSUER, client_id=CLIENT_ID, public_url="https://console.example", secret=SECRET, name="Example ID",
    roles={"cw-audit": StaffRole.AUDITOR, "cw-managers": StaffRole.MANAGER, "cw-leads": StaffRole.SUPERVISOR},
    claims=ClaimNames(inbox="employee"),
)  # fmt: skip


class Desk:
    """A console with login, and one browser before it."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.people = PeopleStore(client, prefix)
        sign_in = SignIn(self.people, CHEAP)
        self.now_ms = NOW
        self.board = FakeTaskBoard()
        self.idp = FakeProvider(lambda: self.now_ms / 1000)
        #: Who was turned away, and why, as the audit was told.
        self.refused: list[tuple[str, str]] = []
        self.provider = Provider(PROVIDER, self.idp.client(), lambda: self.now_ms / 1000)
        by_provider = ProviderSignIn(
            self.provider, Attempts(client, prefix), self.people, lambda login, why: self.refused.append((login, why))
        )
        staff = Staff(self.people, sign_in, lambda: self.now_ms, by_provider)
        self.services = FakeServices()
        office = Office(FakeReports(), sample_trail(), FakeRuleBook(), FakeDesk(self.board), self.services)
        self.app = create_console(self.board, console_texts(), ConsoleConfig(), staff, office)
        self.client = self._browser()

    def _browser(self) -> TestClient:
        return TestClient(self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)

    def beside(self) -> "Desk":
        """Another browser before the same console."""
        other = copy.copy(self)
        other.client = self._browser()
        return other

    def hire(self, login: str, *roles: StaffRole, inbox: str = "") -> None:
        self.people.add(new_person(login, login.title(), roles, inbox, NOW))
        page = f"/welcome/{self.people.new_link(login)}"
        assert self.post(page, password=GOOD, repeated=GOOD).status_code == 303

    def token(self) -> str:
        """The form token of this browser, which has been here before."""
        if "churnwatch-visit" not in self.client.cookies:
            self.client.cookies.set("churnwatch-visit", VISIT)
        token: str = self.app.state.console.pages.seal.token(self.client.cookies["churnwatch-visit"])
        return token

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"token": self.token(), **fields}, headers={"origin": URL})

    def leave(self) -> None:
        self.client.cookies.clear()
