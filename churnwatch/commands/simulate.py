"""`churnwatch simulate`: the synthetic operator into a replay directory."""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnwatch.errors import UserError

if TYPE_CHECKING:
    from pipeline.sources.operator.config import OperatorConfig
    from pipeline.sources.operator.writing import Written


class CompressChoice(StrEnum):
    """How the streams are packed."""

    NONE = "none"
    GZ = "gz"
    ZST = "zst"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    out: Annotated[Path, typer.Option(help="Directory to write; made if absent, must hold no earlier replay.")],
    customers: Annotated[int, typer.Option(min=1, max=5_000_000, help="Accounts; about 1.5 lines each.")] = 2000,
    days: Annotated[int, typer.Option(min=1, max=2000, help="Days from Monday 2026-03-02.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 7,
    scenario: Annotated[str, typer.Option(help="A file of config/scenarios: calm, price-war, outage, ...")] = "calm",
    activity: Annotated[float, typer.Option(min=0.01, max=1000, help="1 is about 3 records a line and day.")] = 1.0,
    compress: Annotated[CompressChoice, typer.Option(help="Pack the streams.")] = CompressChoice.NONE,
    hazard: Annotated[
        bool, typer.Option("--hazard", help="Write hazard.jsonl: each day's true probability to leave.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object, last line.")] = False,
) -> None:
    """Write the six streams of a synthetic operator, its truth.jsonl and its hidden.jsonl.

    Example: churnwatch simulate --out var/quarter --customers 20000 --days 120 --seed 7 --scenario price-war
    """
    from pipeline.sources.operator.config import ScenarioError, load_scenario

    try:
        config = load_scenario(
            scenario, customers=customers, days=days, seed=seed, activity=activity, with_hazard=hazard
        )
    except ScenarioError as error:
        raise typer.BadParameter(str(error)) from None
    _refuse_earlier_replay(out)
    started = time.perf_counter()
    try:
        written = _write(config, out, compress)
    except OSError as error:
        raise UserError(
            f"cannot write to {out}: {error.strerror}; choose a directory that is yours and has room"
        ) from None
    _print(written, time.perf_counter() - started, out, as_json=as_json)


def _refuse_earlier_replay(out: Path) -> None:
    """Streams of another run, perhaps packed otherwise, must not mix with this one."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a directory")
    earlier = sorted(path.name for path in out.glob("*.jsonl*")) if out.exists() else []
    if earlier:
        raise UserError(f"{out} already holds {', '.join(earlier[:3])}; remove that directory or choose another one")


def _write(config: "OperatorConfig", out: Path, compress: CompressChoice) -> "Written":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from pipeline.sources.operator.simulate import OperatorDay
    from pipeline.sources.operator.writing import write_directory

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("day {task.completed}/{task.total}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("simulate", total=config.days, speed="")
        started, records = time.perf_counter(), 0

        def after_day(day: OperatorDay) -> None:
            nonlocal records
            records += day.records
            speed = records / max(time.perf_counter() - started, 1e-9)
            progress.update(bar, advance=1, speed=f"{speed:,.0f} records/s")

        return write_directory(config, out, compress.value, after_day)


def _print(written: "Written", seconds: float, out: Path, *, as_json: bool) -> None:
    figures = {
        "records": written.records, "by_stream": written.by_stream, "lines": written.lines, "churners":
        written.churners,
        "duplicates": written.duplicates, "late": written.late,
        "malformed": {reason.value: number for reason, number in sorted(written.malformed.items())},
        "seconds": round(seconds, 2), "records_per_s": round(written.records / seconds),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(figures))
        return
    typer.echo(
        f"{written.records:,} records of {written.lines:,} lines, {written.churners:,} of which left, into {out} "
        f"in {seconds:.1f} s ({figures['records_per_s']:,} records/s)"
    )
