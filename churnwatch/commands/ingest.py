"""`churnwatch ingest`: files into Kafka; a second run sends nothing twice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnwatch.ingest.plan import FileFormat
from pipeline.events import Stream

if TYPE_CHECKING:
    from churnwatch.ingest.dry_run import DryFile
    from churnwatch.ingest.formats import Formats
    from churnwatch.ingest.plan import PlannedFile
    from churnwatch.ingest.run import Summary
    from churnwatch.settings import Settings
    from pipeline.sources.field_map import FieldMap


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def ingest(  # noqa: PLR0913, PLR0917  # each option of a command is an argument
        paths: Annotated[list[Path], typer.Argument(help="Replay directories and files.", show_default=False)],
        stream: Annotated[
            Stream | None, typer.Option(help="What JSON lines hold; told by the name <stream>.jsonl otherwise.")
        ] = None,
        file_format: Annotated[
            FileFormat | None, typer.Option("--format", help="Told by the name otherwise.", show_default=False)
        ] = None,
        map_file: Annotated[
            Path | None, typer.Option("--map", help="Field map (TOML) that tells how any CSV becomes records.")
        ] = None,
        timezone: Annotated[
            str, typer.Option(help="IANA zone of times without one; default ingest.default_timezone.")
        ] = "",
        accounts: Annotated[
            Path | None, typer.Option(help="CSV number,account_id, for formats that know only numbers.")
        ] = None,
        since: Annotated[
            datetime | None, typer.Option(help="Native formats: refuse what is older (UTC); a clock may be wrong.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the first rows as they would become.")] = False,
        rows: Annotated[int, typer.Option(min=1, max=10_000, help="So many lines of each file in a dry run.")] = 5,
        partitions: Annotated[
            int, typer.Option(min=0, max=1024, help="Of the input topics, where they are created; 0: kafka.partitions.")
        ] = 0,
        as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, in the last line.")] = False,
    ) -> None:
        """Send files to Kafka in the order of `received_ms`; run it again to go on after an interruption.

        Example: churnwatch ingest replay/ --json
        """
        from churnwatch.ingest.formats import FormatOptions, Formats
        from churnwatch.ingest.plan import plan_files
        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from pipeline.sources.native import EARLIEST_MS

        configure_logs("ingest")
        field_map = _field_map(map_file, stream, file_format)
        if field_map is not None:
            stream, file_format = field_map.stream, FileFormat.MAP
        plan = plan_files(paths, stream, file_format)
        not_before_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else EARLIEST_MS
        configuration = settings()
        formats = Formats(configuration, FormatOptions(timezone, accounts, not_before_ms, field_map, dry_run))
        if dry_run:
            _show(plan, formats, rows, as_json)
            return
        _send(configuration, partitions, plan, formats, as_json)


def _field_map(path: Path | None, stream: Stream | None, file_format: FileFormat | None) -> "FieldMap | None":
    from churnwatch.errors import UserError
    from pipeline.sources.field_map import FieldMapError, read_field_map

    if path is None:
        return None
    if file_format not in (None, FileFormat.MAP):
        raise typer.BadParameter(f"--map does not go with --format {file_format}")
    try:
        field_map = read_field_map(path)
    except FieldMapError as error:
        raise UserError(str(error)) from None
    if stream not in (None, field_map.stream):
        raise typer.BadParameter(f"--stream {stream}, but the map makes records of {field_map.stream}")
    return field_map


def _send(
    configuration: "Settings", partitions: int, plan: "Sequence[PlannedFile]", formats: "Formats", as_json: bool
) -> None:
    import signal

    from churnwatch.ingest.progress import IngestProgress
    from churnwatch.ingest.run import Ingest, total_bytes
    from churnwatch.ingest.vault_fill import VaultFill
    from churnwatch.seals import VAULT, sealer

    if partitions:
        kafka = configuration.kafka.model_copy(update={"partitions": partitions})
        configuration = configuration.model_copy(update={"kafka": kafka})
    vault = VaultFill(lambda: sealer(configuration, VAULT), formats.caught)
    run = Ingest(configuration, plan, formats.reader, vault)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: run.stop())
    with IngestProgress(total_bytes(plan)) as progress:
        summary = run.run(progress.update)
    summary.unknown_trunks = formats.unknown_trunks()
    _tell(summary, as_json)
    if summary.interrupted:
        raise typer.Exit(1)


def _show(plan: "Sequence[PlannedFile]", formats: "Formats", rows: int, as_json: bool) -> None:
    import msgspec

    from churnwatch.ingest.dry_run import dry_run

    files = dry_run(plan, formats.reader, rows)
    unknown = formats.unknown_trunks()
    if as_json:
        typer.echo(msgspec.json.encode({"files": files, "unknown_trunks": unknown}).decode())
        return
    for file in files:
        _show_file(file)
    _tell_trunks(unknown)
    typer.echo("dry run: nothing was sent")


def _show_file(file: "DryFile") -> None:
    import msgspec

    for row in file.rows:
        if row.record is not None:
            typer.echo(f"{file.file}, line {row.line} -> {row.stream}: {msgspec.json.encode(row.record).decode()}")
        else:
            typer.secho(f"{file.file}, line {row.line} -> refused, {row.reason}: {row.detail}", fg=typer.colors.RED)
    if file.left_out:
        typer.echo(f"{file.file}: {file.left_out} of these lines hold nothing for us (header, blank, left out)")


def _tell(summary: "Summary", as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
        return
    typer.echo(
        f"{summary.records:,} records sent in {summary.seconds:.1f} s ({summary.records_per_s:,.0f}/s), "
        f"{summary.already_sent:,} were sent before"
    )
    if summary.numbers:
        typer.echo(f"{summary.numbers:,} numbers of our lines went into the vault, sealed")
    if summary.dead_letters:
        typer.echo(f"{summary.dead_letters:,} lines refused; see them with: churnwatch dlq list")
    if summary.half_lines:
        typer.echo(
            f"{summary.half_lines} files end in half a line, which was left: run again when the rest has been written"
        )
    _tell_trunks(summary.unknown_trunks)
    if summary.interrupted:
        typer.echo("interrupted; run the same command again to go on")


def _tell_trunks(names: Sequence[str]) -> None:
    if names:
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        typer.echo(
            f"{len(names)} trunk groups are not in numbers.trunks; prefixes decided, or it is `unknown`: {shown}"
        )
