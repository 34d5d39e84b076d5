"""What the console counts about its requests."""

from collections.abc import Iterator
from itertools import count

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from churnwatch.request_metrics import RequestMetrics
from pipeline.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def client(metrics: Metrics) -> Iterator[TestClient]:
    """An application in which each look at the clock is a second later than the one before."""
    app = FastAPI()

    @app.get("/customers/{account_id}")
    def customer(account_id: str) -> str:
        return account_id

    @app.get("/live")
    def live() -> StreamingResponse:
        return StreamingResponse(iter([b"one", b"two"]))

    ticks = count()
    app.add_middleware(RequestMetrics, metrics=metrics, clock_s=lambda: float(next(ticks)))
    with TestClient(app) as opened:
        yield opened


def told(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_route_and_never_by_customer(client: TestClient, metrics: Metrics) -> None:
    client.get("/customers/alice")
    client.get("/customers/bob")

    labels = {"route": "/customers/{account_id}", "method": "GET", "status": "200"}
    assert told(metrics, "churnwatch_http_requests_total", **labels) == 2
    assert told(metrics, "churnwatch_http_request_seconds_sum", route="/customers/{account_id}") == 2.0


def test_an_address_that_is_no_route_is_not_a_label(client: TestClient, metrics: Metrics) -> None:
    client.get("/customers/alice/secret")

    assert told(metrics, "churnwatch_http_requests_total", route="other", method="GET", status="404") == 1


def test_a_stream_counts_as_answered_when_it_begins(client: TestClient, metrics: Metrics) -> None:
    client.get("/live")

    assert told(metrics, "churnwatch_http_request_seconds_count", route="/live") == 1
    assert told(metrics, "churnwatch_http_request_seconds_sum", route="/live") == 1.0
