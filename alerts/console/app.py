"""Puts the console together: routes, guard, error pages, static files."""

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from alerts.console import (
    routes_act,
    routes_link,
    routes_move,
    routes_offer,
    routes_office,
    routes_people,
    routes_provider,
    routes_read,
    routes_reveal,
    routes_rules,
    routes_sign_in,
    routes_team,
)
from alerts.console.config import ConsoleConfig
from alerts.console.context import Console, Office
from alerts.console.errors import add_error_pages
from alerts.console.guard import RequestGuard, SecurityHeaders
from alerts.console.live import LiveInbox
from alerts.console.page_texts import ConsoleTexts
from alerts.console.pages import STATIC, Pages
from alerts.console.ports import TaskBoard
from alerts.console.staff import Staff

#: Every route there is but static files; the security tests go through them.
ROUTERS = (
    routes_read.router,
    routes_link.router,
    routes_act.router,
    routes_move.router,
    routes_offer.router,
    routes_team.router,
    routes_office.router,
    routes_reveal.router,
    routes_rules.router,
    routes_sign_in.router,
    routes_provider.router,
    routes_people.router,
)
NOTHING = Office()
KEPT_FOR_EVER = "public, max-age=31536000, immutable"


def create_console(
    board: TaskBoard,
    texts: ConsoleTexts,
    config: ConsoleConfig,
    staff: Staff | None = None,
    office: Office = NOTHING,
) -> FastAPI:
    """The console as an ASGI application. It holds no state but the store's connections and open live streams.

    All times of tasks come from the board's clock (`board.now_ms`). Without `staff` there is no login: whoever reaches
    the console may act as anybody. `office`: reports, audit trail and live rules, where there is Kafka.
    """
    app = FastAPI(title="Churnwatch", docs_url=None, redoc_url=None, openapi_url=None)
    live = LiveInbox(board, config.rows_per_page, config.poll_s, config.streams_max)
    app.state.console = Console(
        board, Pages(texts, config, login=staff is not None, services=office.services), live, staff, *office
    )
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", VersionedFiles(directory=STATIC))
    add_error_pages(app)
    app.add_middleware(RequestGuard, allowed_hosts=config.allowed_hosts, body_bytes_max=config.form_bytes_max)
    app.add_middleware(SecurityHeaders)
    return app


class VersionedFiles(StaticFiles):
    """Static files under an address that carries their version, so that a browser asks once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = KEPT_FOR_EVER
        return response
