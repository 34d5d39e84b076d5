"""The console served on a free port beside a headless Chromium, over a task board in memory."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from alerts.console import ConsoleConfig, create_console
from alerts.console.context import Office
from tests.fakes.console_office import FakeReports, sample_trail
from tests.fakes.customer_desk import FakeDesk
from tests.fakes.read_once import console_texts
from tests.fakes.rule_book import FakeRuleBook
from tests.fakes.task_board import FakeTaskBoard

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
READY_S = 10.0


@dataclass
class Visit:
    """A page, the address it starts from, the board behind it, and everything the browser complained of."""

    page: Page
    url: str
    board: FakeTaskBoard
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="load")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where it is missing, a skip that says how to install it, and a failure on CI.

    Not for the session: while Playwright's sync API is open, no other test in this thread can run an asyncio loop.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        missing = "no Chromium here; apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture
def board() -> FakeTaskBoard:
    return FakeTaskBoard()


@pytest.fixture
def console_url(board: FakeTaskBoard) -> Iterator[str]:
    """The console without login, on a port the system chose."""
    office = Office(FakeReports(), sample_trail(), FakeRuleBook(), FakeDesk(board))
    with served(create_console(board, console_texts(), ConsoleConfig(poll_s=0.1), office=office)) as url:
        yield url


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """A console in a thread of this process; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        host, port = listening.getsockname()
        socket.create_connection((host, port), READY_S).close()
        try:
            yield f"http://{host}:{port}"
        finally:
            app.state.console.live.close()
            server.should_exit = True
            thread.join(READY_S)


@pytest.fixture
def open_visit(chromium: Browser, console_url: str, board: FakeTaskBoard) -> Iterator["VisitMaker"]:
    maker = VisitMaker(chromium, console_url, board)
    yield maker
    maker.close()


@dataclass
class VisitMaker:
    """Opens visits with the given browser options (viewport, java_script_enabled, color_scheme, ...)."""

    browser: Browser
    url: str
    board: FakeTaskBoard
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, **options: object) -> Visit:
        context = self.browser.new_context(**options)  # type: ignore[arg-type]  # playwright's own keywords, handed on
        self.contexts.append(context)
        visit = Visit(context.new_page(), self.url, self.board)
        visit.page.on("console", lambda message: _note(message, visit.complaints))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        return visit

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    """Errors and warnings; a refused content security policy is an error there too."""
    if message.type in {"error", "warning"}:
        complaints.append(message.text)
