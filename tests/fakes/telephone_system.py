"""A telephone system on loopback: an HTTP server that answers as told and remembers what it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    """One request."""

    headers: dict[str, str]
    body: bytes


@dataclass
class TelephoneSystem:
    """`answers`: status and body of the next requests, the last one for all that follow; status 0 cuts the line."""

    answers: list[tuple[int, bytes]]
    got: list[Got] = field(default_factory=list)
    url: str = ""

    def answer(self) -> tuple[int, bytes]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def telephone_system(*answers: tuple[int, bytes]) -> Iterator[TelephoneSystem]:
    system = TelephoneSystem(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            system.got.append(Got({name.lower(): value for name, value in self.headers.items()}, body))
            status, content = system.answer()
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    system.url = f"http://127.0.0.1:{server.server_port}/calls"
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
