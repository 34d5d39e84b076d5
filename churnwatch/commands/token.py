"""`churnwatch token`: who may use the REST API, and as what."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from alerts.accounts.roles import StaffRole

token = typer.Typer(no_args_is_help=True, help="Tokens of the REST API (docs/api.md).")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(token, name="token")


@token.command()
def create(
    role: Annotated[StaffRole, typer.Option(help="What its holder may do.")],
    holder: Annotated[str, typer.Option(help="Staff or machine id in whose name it acts, as m-17.")],
    days: Annotated[float | None, typer.Option(min=0.01, help="It ends after so many days; without: never.")] = 365.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Make a token and show it, this once; only a digest of it is kept.

    Example: churnwatch token create --role manager --holder m-17 --days 90
    """
    import json

    from churnwatch.api_tokens import token_office
    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings

    configure_logs("token")
    with token_office(settings()) as office:
        text, kept = office.create(holder, role, days)
    if as_json:
        typer.echo(json.dumps({"token_id": kept.token_id, "token": text, "expires_ms": kept.expires_ms}))
        return
    typer.echo(text)
    typer.secho("Shown this once. Send it as `Authorization: Bearer <token>`.", err=True)


@token.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Show who has one.

    Example: churnwatch token list
    """
    import json

    from churnwatch.api_tokens import token_office
    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings

    configure_logs("token")
    with token_office(settings()) as office:
        kept = office.all()
    rows = [
        {"token_id": one.token_id, "role": one.role, "holder": one.holder, "expires_ms": one.expires_ms} for one in kept
    ]
    if as_json:
        typer.echo(json.dumps({"tokens": rows}))
        return
    for one in kept:
        typer.echo(f"{one.token_id}  {one.role:10}  {one.holder:20}  {_until(one.expires_ms)}")
    typer.echo(f"{len(kept)} tokens")


@token.command()
def revoke(token_id: Annotated[str, typer.Argument(help="As `churnwatch token list` shows it.")]) -> None:
    """End a token at once.

    Example: churnwatch token revoke 0123456789ab
    """
    from churnwatch.api_tokens import token_office
    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings

    configure_logs("token")
    with token_office(settings()) as office:
        office.revoke(token_id)
    typer.echo(f"{token_id} opens nothing any more")


def _until(expires_ms: int | None) -> str:
    return (
        "no end" if expires_ms is None else f"until {datetime.fromtimestamp(expires_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    )
