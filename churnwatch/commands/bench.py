"""`churnwatch bench`: performance figures, each beside its bar."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from churnwatch.settings import Settings

Lines = Annotated[int, typer.Option(min=1, help="Lines with state.")]
Records = Annotated[int, typer.Option(min=1000, help="Call records, made before the clock starts.")]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object, last line.")]
PerDay = Annotated[float, typer.Option(min=1, help="Record ids of a line and day, for three days.")]

bench = typer.Typer(
    no_args_is_help=True, help="Measure: decode, engine, pipeline, latency, inbox, memory, scale, recovery, scoring."
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(bench, name="bench")


@bench.command("decode")
def decode(records: Records = 400_000, as_json: Json = False) -> None:
    """JSON bytes to columns, in this process.

    Example: churnwatch bench decode --json
    """
    from churnwatch.bench.engine import bench_decode

    _show("decode", bench_decode(records), as_json=as_json)


@bench.command("engine")
def engine(lines: Lines = 200_000, records: Records = 500_000, as_json: Json = False) -> None:
    """Decode, merge, state, signals in this process, without broker.

    Example: churnwatch bench engine --lines 200000 --json
    """
    from churnwatch.bench.engine import bench_engine

    _show("engine", bench_engine(_settings(), lines, records), as_json=as_json)


@bench.command("scoring")
def scoring(
    lines: Annotated[int, typer.Option(min=1000, help="Lines that the linear model scores.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """The linear model on a million lines; River's forest as arrays beside River's own scoring.

    Example: churnwatch bench scoring --json
    """
    from churnwatch.bench.scoring import bench_scoring

    _show("scoring", bench_scoring(lines), as_json=as_json)


@bench.command("pipeline")
def pipeline(
    lines: Lines = 200_000,
    records: Records = 2_000_000,
    peer_s: Annotated[float, typer.Option(min=1, help="Seconds over which the plain Faust app is measured.")] = 20.0,
    commit_s: Annotated[float, typer.Option(min=0.5, max=30, help="Seconds between two saves of the state.")] = 30.0,
    as_json: Json = False,
) -> None:
    """The worker on a broker, beside fetch-and-decode alone and a plain Faust app with four tables.

    Example: churnwatch bench pipeline --records 2000000 --json
    """
    from churnwatch.bench.pipeline import bench_pipeline

    _show("pipeline", bench_pipeline(lines, records, peer_s, commit_s), as_json=as_json)


@bench.command("latency")
def latency(
    lines: Lines = 200_000,
    records: Records = 600_000,
    seconds: Annotated[float, typer.Option(min=2, help="How long the load lasts.")] = 20.0,
    orders_per_s: Annotated[float, typer.Option(min=0.1, max=100, help="Port-out orders among it.")] = 20.0,
    as_json: Json = False,
) -> None:
    """From a port-out order's arrival in Kafka to its warning, under half of the measured throughput.

    Example: churnwatch bench latency --seconds 20 --json
    """
    from churnwatch.bench.latency import bench_latency

    _show("latency", bench_latency(lines, records, seconds, orders_per_s), as_json=as_json)


@bench.command("inbox")
def inbox(
    lines: Lines = 200_000,
    records: Records = 600_000,
    seconds: Annotated[float, typer.Option(min=2, help="How long the load lasts.")] = 20.0,
    orders_per_s: Annotated[float, typer.Option(min=0.1, max=100, help="Port-out orders among it.")] = 5.0,
    as_json: Json = False,
) -> None:
    """From a port-out order's arrival in Kafka to its task in the REST API: worker, tasks process and console at half load.

    Example: churnwatch bench inbox --seconds 20 --json
    """
    from churnwatch.bench.inbox import bench_inbox

    _show("inbox", bench_inbox(lines, records, seconds, orders_per_s), as_json=as_json)


@bench.command("memory")
def memory(lines: Lines = 1_000_000, per_day: PerDay = 25.0, as_json: Json = False) -> None:
    """Resident memory of a worker with many lines beyond that of one without any.

    Example: churnwatch bench memory --lines 1000000 --json
    """
    from churnwatch.bench.recovery import bench_memory

    _show("memory", bench_memory(lines, per_day), as_json=as_json)


@bench.command("scale")
def scale(
    few: Annotated[int, typer.Option(min=1, help="Lines of the smaller state.")] = 20_000,
    many: Annotated[int, typer.Option(min=1, help="Lines of the larger state.")] = 2_000_000,
    as_json: Json = False,
) -> None:
    """CPU an event with many lines against few.

    Example: churnwatch bench scale --json
    """
    from churnwatch.bench.scale import bench_scale

    _show("scale", bench_scale(_settings(), few, many), as_json=as_json)


@bench.command("recovery")
def recovery(lines: Lines = 1_000_000, per_day: PerDay = 25.0, as_json: Json = False) -> None:
    """From the start of a worker to its first processed block, its state in the changelog.

    Example: churnwatch bench recovery --lines 1000000 --json
    """
    from churnwatch.bench.recovery import bench_recovery

    _show("recovery", bench_recovery(lines, per_day), as_json=as_json)


def _settings() -> "Settings":
    """What the shipped configuration says, whatever this machine's is."""
    from churnwatch.settings import DEFAULT_FILE, read_settings

    return read_settings([DEFAULT_FILE], {})


def _show(name: str, figures: Any, *, as_json: bool) -> None:
    import json

    from churnwatch.bench.bars import table

    values = asdict(figures)
    typer.echo(table(name, values))
    if as_json:
        typer.echo(json.dumps(values))
