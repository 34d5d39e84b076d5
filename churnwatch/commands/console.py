"""`churnwatch console`: the web pages people work in."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def console(
        port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: a free one; else console.port")] = None,
        insecure_no_login: Annotated[
            bool, typer.Option("--insecure-no-login", help="listen on another address than loopback, without any login")
        ] = False,
    ) -> None:
        """Serve the inbox and the customer pages.

        Without login: on this machine only.

        Example: REDIS_URL=redis://localhost:6379/0 churnwatch console --port 8350
        """
        from churnwatch.clients import redis_client
        from churnwatch.console_process import (
            STORE_TIMEOUT_S,
            ConsoleServer,
            close_quietly,
            console_app,
            listen,
            require_loopback,
        )
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.task_store import task_store
        from churnwatch.telemetry import telemetry
        from pipeline.metrics import Process

        configure_logs("console")
        configuration = settings()
        host = configuration.console.host
        require_loopback(host, insecure=insecure_no_login)
        wanted = configuration.console.port if port is None else port
        with listen(host, wanted) as listening, telemetry(configuration, Process.CONSOLE) as metrics:
            client = redis_client(configuration, socket_timeout_s=STORE_TIMEOUT_S)
            store = task_store(configuration, client)
            server = ConsoleServer(console_app(store, configuration, metrics, insecure=insecure_no_login))
            address, chosen = listening.getsockname()[:2]
            typer.echo(f"console: http://{f'[{address}]' if ':' in address else address}:{chosen}/")
            server.run(sockets=[listening])
            close_quietly(client)
