"""`churnwatch simulate`: the synthetic operator into a replay directory, or live into Kafka."""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnwatch.errors import UserError

if TYPE_CHECKING:
    from churnwatch.operator_feed import Pace
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


def simulate(  # noqa: PLR0913, PLR0917 - each is an option of the command
    out: Annotated[
        Path | None,
        typer.Option(help="Directory to write; made if absent, must hold no earlier replay.", show_default=False),
    ] = None,
    customers: Annotated[int, typer.Option(min=1, max=5_000_000, help="Accounts; about 1.5 lines each.")] = 2000,
    days: Annotated[int, typer.Option(min=1, max=2000, help="Days from Monday 2026-03-02.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 7,
    scenario: Annotated[str, typer.Option(help="A file of config/scenarios: calm, price-war, outage, ...")] = "calm",
    activity: Annotated[float, typer.Option(min=0.01, max=1000, help="1 is about 3 records a line and day.")] = 1.0,
    compress: Annotated[CompressChoice, typer.Option(help="Pack the streams.")] = CompressChoice.NONE,
    rate: Annotated[
        float | None, typer.Option(min=1.0, help="Into Kafka instead of --out: records a second.", show_default=False)
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.01, help="Into Kafka: stream seconds a second.", show_default=False)
    ] = None,
    hazard: Annotated[
        bool, typer.Option("--hazard", help="Write hazard.jsonl: each day's true probability to leave.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object, last line.")] = False,
) -> None:
    """Write the six streams of a synthetic operator with truth.jsonl and hidden.jsonl, or stream them into Kafka.

    Example: churnwatch simulate --out var/quarter --customers 20000 --days 120 --seed 7 --scenario price-war
    """
    if (out is None) == (rate is None and speed is None) or (rate is not None and speed is not None):
        raise typer.BadParameter("say one of --out DIR, --rate RECORDS_PER_S, --speed TIMES_REAL_TIME")
    from pipeline.sources.operator.config import ScenarioError, load_scenario

    try:
        config = load_scenario(
            scenario, customers=customers, days=days, seed=seed, activity=activity, with_hazard=hazard
        )
    except ScenarioError as error:
        raise typer.BadParameter(str(error)) from None
    if out is None:
        from churnwatch.operator_feed import at_rate, at_speed

        _stream(config, at_rate(rate) if rate is not None else at_speed(speed or 1.0), as_json=as_json)
        return
    _refuse_earlier_replay(out)
    started = time.perf_counter()
    try:
        written = _write(config, out, compress)
    except OSError as error:
        raise UserError(
            f"cannot write to {out}: {error.strerror}; choose a directory that is yours and has room"
        ) from None
    _print(written, time.perf_counter() - started, out, as_json=as_json)


def _stream(config: "OperatorConfig", pace: "Pace", *, as_json: bool) -> None:
    """Into the input topics, until the last day or Ctrl-C."""
    from rich.console import Console

    from churnwatch.operator_feed import OperatorFeed
    from churnwatch.settings import settings
    from churnwatch.topics import ensure_topics

    ensure_topics(settings())
    feed = OperatorFeed(settings(), config, pace)
    started = time.perf_counter()
    feed.start()
    with Console(stderr=True).status("streaming") as status:
        try:
            while feed.is_alive():
                feed.join(0.5)
                status.update(f"streaming: {feed.records:,} records")
        except KeyboardInterrupt:
            feed.stop()
            feed.join()
    if feed.error:
        raise UserError(feed.error)
    seconds = time.perf_counter() - started
    figures = {
        "records": feed.records,
        "malformed": dict(feed.malformed),
        "seconds": round(seconds, 2),
        "records_per_s": round(feed.records / seconds),
    }
    typer.echo(json.dumps(figures) if as_json else f"{feed.records:,} records in {seconds:.1f} s")


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
