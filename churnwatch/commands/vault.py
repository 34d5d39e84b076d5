"""`churnwatch vault`: how many numbers are kept, and their deletion by age."""

from typing import Annotated

import typer

vault = typer.Typer(no_args_is_help=True, help="Numbers behind pseudonyms, sealed (docs/vault.md).")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(vault, name="vault")


@vault.command()
def sweep(as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False) -> None:
    """Delete now what is older than privacy.vault_days; `churnwatch tasks` does so once an hour by itself.

    Example: churnwatch vault sweep --json
    """
    import json

    from churnwatch.logs import configure_logs
    from churnwatch.settings import settings
    from churnwatch.vault_keeping import sweep_now

    configure_logs("vault")
    deleted, left = sweep_now(settings())
    if as_json:
        typer.echo(json.dumps({"deleted": deleted, "left": left}))
    else:
        typer.echo(f"{deleted:,} numbers deleted, {left:,} left")
