"""A browser's manners without a browser: the console over a task board in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from alerts.console import ConsoleConfig, ConsoleTexts, create_console
from alerts.console.context import Office
from tests.fakes.console_office import FakeReports, sample_trail
from tests.fakes.customer_desk import FakeDesk
from tests.fakes.read_once import console_texts
from tests.fakes.rule_book import FakeRuleBook
from tests.fakes.task_board import FakeTaskBoard

URL = "http://127.0.0.1:8350"


@dataclass
class Visitor:
    """Fetches pages and sends forms as our own pages would."""

    client: TestClient
    app: FastAPI
    board: FakeTaskBoard

    def get(self, path: str) -> Response:
        return self.client.get(path)

    def token(self) -> str:
        """The form token of this visitor's cookie."""
        if "churnwatch-visit" not in self.client.cookies:
            self.client.get("/actor")
        visit = self.client.cookies.get("churnwatch-visit")
        assert visit is not None
        token: str = self.app.state.console.pages.seal.token(visit)
        return token

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"token": self.token(), **fields}, headers={"origin": URL})

    def become(self, name: str, role: str = "manager") -> None:
        assert self.post("/actor", name=name, role=role, then="/").status_code == 303


@pytest.fixture(scope="session")
def texts() -> ConsoleTexts:
    return console_texts()


@pytest.fixture
def board() -> FakeTaskBoard:
    return FakeTaskBoard()


@pytest.fixture
def visitor(board: FakeTaskBoard, texts: ConsoleTexts) -> Iterator[Visitor]:
    office = Office(FakeReports(), sample_trail(), FakeRuleBook(), FakeDesk(board))
    app = create_console(board, texts, ConsoleConfig(rows_per_page=4, poll_s=0.02), office=office)
    with TestClient(app, base_url=URL, follow_redirects=False, raise_server_exceptions=False) as client:
        yield Visitor(client, app, board)
