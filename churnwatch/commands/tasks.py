"""`churnwatch tasks` and `churnwatch rebuild-inbox`."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def tasks() -> None:
        """Turn warnings into tasks and keep the task log; a second one stands by.

        Example: KAFKA_BOOTSTRAP=localhost:9092 REDIS_URL=redis://localhost:6379/0 churnwatch tasks
        """
        import signal

        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.tasks_process import tasks_process
        from churnwatch.telemetry import telemetry
        from pipeline.metrics import Process

        configure_logs("tasks")
        configuration = settings()
        with telemetry(configuration, Process.TASKS) as metrics, tasks_process(configuration, metrics) as process:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: process.stop())
            process.run()

    @app.command("rebuild-inbox")
    def rebuild(
        as_json: Annotated[bool, typer.Option("--json", help="print one JSON object as the last line")] = False,
    ) -> None:
        """Rebuild Redis from churn.task-events; nobody can change a task meanwhile.

        Example: churnwatch rebuild-inbox --json
        """
        import json

        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.tasks_process import rebuild_inbox

        configure_logs("rebuild-inbox")
        events = rebuild_inbox(settings())
        typer.echo(json.dumps({"events_applied": events}) if as_json else f"rebuilt the inbox from {events} events")
