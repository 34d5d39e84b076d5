"""`churnwatch ingest`: files into Kafka; a second run sends nothing twice."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnwatch.ingest.plan import FileFormat
from pipeline.events import Stream

if TYPE_CHECKING:
    from churnwatch.ingest.run import Summary


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def ingest(
        paths: Annotated[list[Path], typer.Argument(help="Replay directories and files.", show_default=False)],
        stream: Annotated[
            Stream | None, typer.Option(help="What JSON lines hold; told by the name <stream>.jsonl otherwise.")
        ] = None,
        file_format: Annotated[
            FileFormat | None, typer.Option("--format", help="Told by the name otherwise.", show_default=False)
        ] = None,
        timezone: Annotated[
            str, typer.Option(help="IANA zone of times without one; default ingest.default_timezone.")
        ] = "",
        partitions: Annotated[
            int, typer.Option(min=0, max=1024, help="Of the input topics, where they are created; 0: kafka.partitions.")
        ] = 0,
        as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, in the last line.")] = False,
    ) -> None:
        """Send files to Kafka in the order of `received_ms`; run it again to go on after an interruption.

        Example: churnwatch ingest replay/ --json
        """
        import signal

        from churnwatch.ingest.formats import Formats
        from churnwatch.ingest.plan import plan_files
        from churnwatch.ingest.progress import IngestProgress
        from churnwatch.ingest.run import Ingest, total_bytes
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings

        configure_logs("ingest")
        configuration = settings()
        if partitions:
            kafka = configuration.kafka.model_copy(update={"partitions": partitions})
            configuration = configuration.model_copy(update={"kafka": kafka})
        plan = plan_files(paths, stream, file_format)
        run = Ingest(configuration, plan, Formats(configuration, timezone).reader)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: run.stop())
        with IngestProgress(total_bytes(plan)) as progress:
            summary = run.run(progress.update)
        _tell(summary, as_json)
        if summary.interrupted:
            raise typer.Exit(1)


def _tell(summary: "Summary", as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
        return
    typer.echo(
        f"{summary.records:,} records sent in {summary.seconds:.1f} s ({summary.records_per_s:,.0f}/s), "
        f"{summary.already_sent:,} were sent before"
    )
    if summary.dead_letters:
        typer.echo(f"{summary.dead_letters:,} lines refused; see them with: churnwatch dlq list")
    if summary.half_lines:
        typer.echo(
            f"{summary.half_lines} files end in half a line, which was left: run again when the rest has been written"
        )
    if summary.interrupted:
        typer.echo("interrupted; run the same command again to go on")
