"""`churnwatch dlq list` and `churnwatch dlq replay`: what was refused, and a second try."""

from collections import Counter, deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.events import RefusalReason, Stream

if TYPE_CHECKING:
    from churnwatch.dead_letters import Found

ByStream = Annotated[Stream | None, typer.Option("--stream", help="Only those of this stream.")]
ByReason = Annotated[RefusalReason | None, typer.Option("--reason", help="Only those with this reason.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in the last line.")]

dlq = typer.Typer(no_args_is_help=True, help="Records that were refused (topic churn.dead-letters).")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(dlq, name="dlq")


@dlq.command("list")
def list_letters(
    stream: ByStream = None,
    reason: ByReason = None,
    limit: Annotated[int, typer.Option(min=1, help="So many of the newest.")] = 50,
    raw: Annotated[bool, typer.Option("--raw", help="Show the raw text too: it may hold customers' data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the newest dead letters and count all by reason.

    Example: churnwatch dlq list --stream cdr --limit 20
    """
    import json

    from churnwatch.dead_letters import Selection, read_dead_letters
    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings

    configure_logs("dlq")
    selection = Selection(stream, reason)
    counts: Counter[str] = Counter()
    newest: deque[Found] = deque(maxlen=limit)
    for found in read_dead_letters(settings()):
        if selection.takes(found.letter):
            counts[found.letter.reason.value] += 1
            newest.append(found)
    for found in newest:
        typer.echo(_line(found, raw))
    if as_json:
        typer.echo(json.dumps({"dead_letters": counts.total(), "by_reason": dict(counts)}))
    else:
        reasons = ", ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "none"
        typer.echo(f"{counts.total():,} dead letters: {reasons}")


@dlq.command()
def replay(
    stream: ByStream = None,
    reason: ByReason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send again what can be taken now; each dead letter at most once.

    Example: churnwatch dlq replay --reason wrong_key --dry-run
    """
    import msgspec

    from churnwatch.dead_letters import Selection
    from churnwatch.dead_letters import replay as send_again
    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings

    configure_logs("dlq")
    result = send_again(settings(), Selection(stream, reason), dry_run=dry_run)
    if as_json:
        typer.echo(msgspec.json.encode(result).decode())
        return
    refused = ", ".join(f"{name} {count:,}" for name, count in result.still_refused.items()) or "none"
    verb = "would be sent" if dry_run else "sent"
    typer.echo(f"{result.sent:,} {verb}, {result.sent_before:,} were sent before; still refused: {refused}")


def _line(found: "Found", raw: bool) -> str:
    letter = found.letter
    when = datetime.fromtimestamp(found.received_ms / 1000, UTC).isoformat(timespec="seconds")
    where = f"{letter.file}:{letter.line}" if letter.file else f"partition {letter.partition} offset {letter.offset}"
    text = f"{found.offset:8} {when} {letter.stream:9} {letter.reason.value:16} {where} {letter.detail}"
    return visible(f"{text} | {letter.raw}" if raw else text.rstrip())


def visible(text: str) -> str:
    r"""The text without signs that would act on the terminal.

    >>> visible("a\x1b[31m\n")
    'a\\x1b[31m\\n'
    """
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
