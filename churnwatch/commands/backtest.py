"""`churnwatch backtest`: a directory of recorded days through the worker's engine, and what it was worth."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from churnwatch.backtest.directory import ReplayDirectory
    from churnwatch.backtest.run import Backtest
    from churnwatch.engine_parts import EngineParts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    directory: Annotated[Path, typer.Argument(help="Replay directory: customers.jsonl, cdr.jsonl, ... (.gz, .zst).")],
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting (engine.tick_s=7200) or a policy key (policy.soft.silence.on=0.9)."),
    ] = None,
    partitions: Annotated[int | None, typer.Option(min=1, max=1024, help="Default: kafka.partitions.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Changes nothing but the time. Default: one a core.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page.")] = None,
    scores: Annotated[Path | None, typer.Option(help="Write the daily lists as JSON lines.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Score with this model from the first tick on, and learn nothing.")
    ] = None,
    keep_model: Annotated[Path | None, typer.Option(help="Write the newest model learnt, for --model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object, last line.")] = False,
) -> None:
    """Replay a directory through the worker's engine, learning only what was known at each moment, and judge it.

    Example: churnwatch backtest var/quarter --set policy.model_score_on=0.2 --report var/quarter.html
    """
    from churnwatch.backtest.directory import find_directory
    from churnwatch.backtest.model_file import freeze, write_model_file
    from churnwatch.backtest.overrides import assigned, parts_with
    from churnwatch.backtest.run import write_scores
    from churnwatch.backtest.summary import tell

    found = find_directory(directory)
    parts = parts_with(assignments or [], partitions)
    if model is not None:
        freeze(parts, model)
    result = _run(found, parts, processes)
    if keep_model is not None:
        write_model_file(result.replayed.model, keep_model)
    if scores is not None:
        write_scores(result.lists, scores)
    if report is not None:
        from churnwatch.backtest.report import write_report

        write_report(result, assigned(assignments or []), report)
    for line in tell(result):
        typer.echo(line)
    if as_json:
        typer.echo(json.dumps(result.figures, allow_nan=False))


def _run(found: "ReplayDirectory", parts: "EngineParts", processes: int | None) -> "Backtest":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from churnwatch.backtest.run import processes_for, run_backtest
    from churnwatch.backtest.shard import collect_seldom

    collect_seldom()
    columns = (TextColumn("replaying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("backtest", total=found.size_bytes())
        wanted = processes or processes_for(found, parts.settings.kafka.partitions)
        return run_backtest(found, parts, lambda read: progress.update(bar, completed=read), wanted)
