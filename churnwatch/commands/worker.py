"""`churnwatch worker`: the stream processor. Start as many as there are partitions to share."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def worker() -> None:
        """Read the input topics, keep state, publish warnings.

        Example: KAFKA_BOOTSTRAP=localhost:9092 churnwatch worker
        """
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.telemetry import telemetry
        from churnwatch.worker import run_worker
        from pipeline.metrics import Process

        configure_logs("worker")
        configuration = settings()
        with telemetry(configuration, Process.WORKER) as metrics:
            run_worker(configuration, metrics)
