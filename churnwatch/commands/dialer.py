"""`churnwatch dialer`: the reference dialer of the outbound queue."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def dialer(
        simulate: Annotated[bool, typer.Option("--simulate", help="nobody is called: answers like people do")] = False,
        seed: Annotated[int, typer.Option(help="of the simulated answers")] = 1,
        as_json: Annotated[bool, typer.Option("--json", help="print one JSON object as the last line")] = False,
    ) -> None:
        """Work the outbound queue; consent, opt-out and hours are checked once more before each call.

        Example: REDIS_URL=redis://localhost:6379/0 churnwatch dialer --simulate
        """
        if not simulate:
            raise typer.BadParameter("no telephone system is connected yet; use --simulate")
        import json
        import signal
        import threading

        from churnwatch.demo_staff import simulated_ring
        from churnwatch.dialer_process import run_dialer
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings

        configure_logs("dialer")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        done = run_dialer(settings(), simulated_ring(seed), stop)
        if as_json:
            typer.echo(json.dumps({"rung": dict(done.rung), "refused": dict(done.refused)}))
