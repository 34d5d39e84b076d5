"""`churnwatch trainer`: learns from churn.examples, publishes to churn.models."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def trainer() -> None:
        """Learn from labelled examples and publish models; a second one stands by.

        Example: KAFKA_BOOTSTRAP=localhost:9092 churnwatch trainer
        """
        import signal

        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.telemetry import telemetry
        from churnwatch.trainer_process import Trainer, run_trainer
        from pipeline.metrics import Process

        def stop_on_signal(running: Trainer) -> None:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: running.stop())

        configure_logs("trainer")
        configuration = settings()
        with telemetry(configuration, Process.TRAINER) as metrics:
            run_trainer(configuration, metrics, stop_on_signal)
