"""`churnwatch dialer`: the reference dialer of the outbound queue."""

from pathlib import Path
from typing import Annotated

import typer

from alerts.dialers.kinds import Adapter


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def dialer(
        adapter: Annotated[
            Adapter | None, typer.Option(help="the telephone system that rings; see docs/dialers.md and [dialer]")
        ] = None,
        simulate: Annotated[bool, typer.Option("--simulate", help="nobody is called: answers like people do")] = False,
        seed: Annotated[int, typer.Option(help="of the simulated answers")] = 1,
        people: Annotated[
            Path | None,
            typer.Option(
                exists=True, dir_okay=False, help="hidden.jsonl of `churnwatch simulate`: they answer by their types"
            ),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="print one JSON object as the last line")] = False,
    ) -> None:
        """Work the outbound queue; consent, opt-out and hours are checked once more before each call.

        Example: REDIS_URL=redis://localhost:6379/0 churnwatch dialer --simulate
        """
        if simulate == (adapter is not None):
            raise typer.BadParameter("say either --simulate or --adapter vicidial, webhook or csv")
        import json
        import signal
        import threading
        from contextlib import closing

        from churnwatch.clients import redis_client
        from churnwatch.demo_staff import simulated_ring
        from churnwatch.dialer_process import run_dialer
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.telemetry import telemetry
        from pipeline.metrics import Process

        configure_logs("dialer")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with telemetry(settings(), Process.DIALER) as metrics:
            if adapter is None:
                done = run_dialer(settings(), simulated_ring(seed, people), stop, metrics=metrics)
            else:
                from churnwatch.telephone import telephone

                with closing(redis_client(settings())) as client:
                    connected = telephone(settings(), adapter, client, f"dialer-{adapter}")
                    done = run_dialer(settings(), connected.ring, stop, connected, metrics)
        if as_json:
            typer.echo(json.dumps({"rung": dict(done.rung), "refused": dict(done.refused)}))
