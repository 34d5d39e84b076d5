"""The console as a process: pages over the task store, served by uvicorn until told to stop."""

import errno
import socket
from urllib.parse import urlsplit

import redis
import uvicorn
from fastapi import FastAPI

from alerts.console import LOOPBACK_HOSTS, ConsoleConfig, create_console, load_console_texts
from alerts.console.app import NOTHING
from alerts.console.context import Office
from alerts.console.page_texts import PageTextsError
from alerts.console.ports import TaskBoard
from alerts.console.staff import Staff
from alerts.reason_texts import ReasonTextsError
from churnwatch.errors import UserError
from churnwatch.read_once import ReadOnce
from churnwatch.request_metrics import RequestMetrics
from churnwatch.settings import CONFIG_DIR, Settings
from pipeline.metrics import Metrics

BACKLOG = 128
#: Open live streams and slow readers are cut off after so long when the process is told to stop.
GRACE_S = 3
#: A page waits for Redis no longer than this before it says that the store is away.
STORE_TIMEOUT_S = 3.0
ANY_HOST = ("*",)


def console_app(
    board: TaskBoard,
    settings: Settings,
    metrics: Metrics,
    staff: Staff | None,
    office: Office = NOTHING,
) -> FastAPI:
    """The application with its texts and metrics; without `staff` nobody signs in.

    Raises:
        UserError: a file of texts is missing or wrong.
    """
    try:
        texts = load_console_texts(CONFIG_DIR)
    except (PageTextsError, ReasonTextsError) as error:
        raise UserError(str(error)) from None
    config = ConsoleConfig(
        language=settings.console.language,
        allowed_hosts=allowed_hosts(settings, login=staff is not None),
        timezone=settings.ingest.default_timezone,
    )
    app = create_console(board, texts, config, staff, office)
    app.add_middleware(ReadOnce)
    app.add_middleware(RequestMetrics, metrics=metrics)
    return app


def allowed_hosts(settings: Settings, *, login: bool) -> tuple[str, ...]:
    """Names under which the console answers, so that no foreign page reaches it by a name of its own (DNS rebinding).

    Any name only where nobody signs in and it listens beyond this machine: then something else guards the address.
    """
    host = settings.console.host
    if not login and host not in LOOPBACK_HOSTS:
        return ANY_HOST
    own = urlsplit(settings.oidc.public_url).hostname if settings.oidc.issuer else None
    return (*LOOPBACK_HOSTS, host, *settings.console.names, *([own] if own else []))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        UserError: the port is taken or may not be used, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"cannot listen on {host}: {error.strerror}; see CHURNWATCH_CONSOLE__HOST") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise UserError(_why_not(error, host, port)) from None
    return listening


class ConsoleServer(uvicorn.Server):
    """Ends the live streams first when it is told to stop; they would otherwise hold it until the grace is over."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._live = app.state.console.live

    def stop(self) -> None:
        """From a signal handler or another thread."""
        self._live.close()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: object) -> None:
        """A signal is the usual way to stop: the process then leaves with 0, where uvicorn would raise the signal again."""
        self.stop()


def close_quietly(client: redis.Redis) -> None:
    """Closing a connection that is gone already is no mistake."""
    try:
        client.close()
    except redis.RedisError:
        return


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken on {host}; choose another with --port, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has; choose one above 1023 with --port"
    return f"cannot listen on {host}:{port}: {error.strerror}; see CHURNWATCH_CONSOLE__HOST"
