"""`churnwatch notify`: tells owners of their tasks."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def notify() -> None:
        """Send messages about new, overdue and handed-over tasks; a second one stands by.

        Example: CHURNWATCH_NOTIFY__CONTACTS_FILE=var/contacts.toml churnwatch notify
        """
        import signal

        from churnwatch.logs import configure_logs
        from churnwatch.notify_process import notify_process
        from churnwatch.settings import settings
        from churnwatch.telemetry import telemetry
        from pipeline.metrics import Process

        configure_logs("notify")
        configuration = settings()
        with telemetry(configuration, Process.NOTIFY) as metrics, notify_process(configuration, metrics) as process:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: process.stop())
            process.run()
