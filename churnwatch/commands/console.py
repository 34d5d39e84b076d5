"""`churnwatch console`: the web pages people work in."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def console(
        port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: a free one; else console.port")] = None,
        insecure_no_login: Annotated[
            bool, typer.Option("--insecure-no-login", help="nobody signs in: whoever reaches it may act as anybody")
        ] = False,
    ) -> None:
        """Serve the inbox and the customer pages, and the REST API under /api/v1.

        Where nobody has a login yet, it prints a one-time link for the first administrator.

        Example: REDIS_URL=redis://localhost:6379/0 churnwatch console --port 8350
        """
        from alerts.playbooks.desk import OfferDesk
        from churnwatch.api_process import API_PATH, api_app, open_vault
        from churnwatch.clients import redis_client
        from churnwatch.console_desk import ConsoleDesk
        from churnwatch.console_office import console_office
        from churnwatch.console_process import (
            STORE_TIMEOUT_S,
            ConsoleServer,
            close_quietly,
            console_app,
            listen,
        )
        from churnwatch.logs import configure_logs
        from churnwatch.read_once import RememberingStore
        from churnwatch.service_watch import watched_services
        from churnwatch.settings import settings
        from churnwatch.staff import first_link, staff_of
        from churnwatch.task_store import task_store
        from churnwatch.telemetry import telemetry
        from pipeline.metrics import Process

        configure_logs("console")
        configuration = settings()
        host = configuration.console.host
        wanted = configuration.console.port if port is None else port
        with listen(host, wanted) as listening, telemetry(configuration, Process.CONSOLE) as metrics:
            client = redis_client(configuration, socket_timeout_s=STORE_TIMEOUT_S)
            store = task_store(configuration, client, RememberingStore)
            with (
                console_office(configuration, store) as office,
                watched_services(configuration, client, store) as services,
            ):
                staff = None if insecure_no_login else staff_of(configuration, client, store)
                desk = ConsoleDesk(client, store, open_vault(configuration, store, client))
                app = console_app(store, configuration, metrics, staff, office._replace(desk=desk, services=services))
                app.state.offers = OfferDesk(client, store)
                app.mount(API_PATH, api_app(configuration, store, client))
                server = ConsoleServer(app)
                address, chosen = listening.getsockname()[:2]
                home = f"http://{f'[{address}]' if ':' in address else address}:{chosen}/"
                typer.echo(f"console: {home}")
                if staff is not None and (link := first_link(staff.people)):
                    typer.echo(
                        f"the first administrator chooses a password here, once, within a day: {home}welcome/{link}"
                    )
                server.run(sockets=[listening])
            close_quietly(client)
