"""ASGI middleware that counts the console's requests and how long their answers take."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.metrics import Metrics

#: The route of what no route took: unknown addresses and static files. A path as typed is never a label.
OTHER = "other"


class RequestMetrics:
    """Wraps an application: `app.add_middleware(RequestMetrics, metrics=metrics)`.

    The time runs to the first byte of the answer, so that a stream of live updates counts as answered once it begins.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._metrics = metrics
        self._clock_s = clock_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._clock_s()

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, int(message["status"]), self._clock_s() - began_s)
            await send(message)

        await self._app(scope, receive, send_and_note)

    def _note(self, scope: Scope, status: int, took_s: float) -> None:
        route = str(getattr(scope.get("route"), "path", OTHER))
        labels = {"route": route, "method": scope["method"], "status": str(status)}
        self._metrics.counter("churnwatch_http_requests_total", **labels).inc()
        self._metrics.histogram("churnwatch_http_request_seconds", route=route).observe(took_s)
