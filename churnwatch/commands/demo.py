"""`churnwatch demo`: the whole product on one machine, with customers that we made up."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def demo(
        customers: Annotated[int, typer.Option(min=20, max=200_000, help="Accounts of the synthetic operator.")] = 2000,
        days: Annotated[int, typer.Option(min=2, max=720, help="Days of its life.")] = 90,
        speed: Annotated[
            float | None, typer.Option(min=1.0, help="Stream seconds a second; by itself 20000, headless 75 s in all.")
        ] = None,
        port: Annotated[int, typer.Option(min=1, max=65535, help="Of the console.")] = 8350,
        headless: Annotated[bool, typer.Option("--headless", help="No page; end when the stream is through.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, in the last line.")] = False,
    ) -> None:
        """Start broker, Redis, synthetic operator, worker, trainer, tasks and console in one go.

        Example: churnwatch demo --headless --json --customers 2000 --days 60
        """
        import json

        from churnwatch.demo.run import DemoOptions, run_demo
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings

        configure_logs("demo")
        figures = run_demo(DemoOptions(customers, days, speed, port, headless), settings())
        if as_json:
            typer.echo(json.dumps(figures))
        else:
            for name, value in figures.items():
                typer.echo(f"{name:20} {value}")
