"""A page asks Redis the same thing once; a change is decided on what Redis holds, and a stream sees what changes."""

from collections.abc import Iterator

import pytest
import redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from alerts.store import TaskStore
from churnwatch.clients import redis_client
from churnwatch.read_once import ReadOnce, RememberingStore
from churnwatch.settings import Settings
from churnwatch.task_store import task_store
from tests.fakes.alert_records import customer_record


@pytest.fixture
def client(test_settings: Settings) -> Iterator[redis.Redis]:
    connected = redis_client(test_settings)
    yield connected
    connected.close()


@pytest.fixture
def store(test_settings: Settings, client: redis.Redis) -> TaskStore:
    made = task_store(test_settings, client, RememberingStore)
    made.directory.put([customer_record("a-1", star=1)], [], {})
    return made


@pytest.fixture
def browser(store: TaskStore) -> TestClient:
    """Each answer tells a customer's star before and after it was changed in between."""

    def stars(request: Request) -> Response:
        before = store.customer("a-1")
        store.directory.put([customer_record("a-1", star=5, ts_ms=before.ts_ms + 1 if before else 0)], [], {})
        after = store.customer("a-1")
        return PlainTextResponse(f"{before.star if before else '-'} {after.star if after else '-'} {request.method}")

    paths = ("/page", "/live/m-1")
    app = Starlette(routes=[Route(path, stars, methods=["GET", "POST"]) for path in paths])
    app.add_middleware(ReadOnce)
    return TestClient(app)


def test_a_page_is_told_the_same_throughout_and_the_next_one_what_is_new(browser: TestClient) -> None:
    assert browser.get("/page").text == "1 1 GET"
    assert browser.get("/page").text == "5 5 GET"


@pytest.mark.parametrize(("method", "path"), [("POST", "/page"), ("GET", "/live/m-1")])
def test_what_changes_something_or_watches_remembers_nothing(browser: TestClient, method: str, path: str) -> None:
    assert browser.request(method, path).text.startswith("1 5")


def test_outside_of_a_request_nothing_is_remembered(store: TaskStore) -> None:
    first = store.customer("a-1")
    assert first is not None
    store.directory.put([customer_record("a-1", star=4, ts_ms=first.ts_ms + 1)], [], {})
    second = store.customer("a-1")
    assert second is not None
    assert (first.star, second.star) == (1, 4)
