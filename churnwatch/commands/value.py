"""`churnwatch value`: what a customer is worth, and why."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def value(
        account: Annotated[str, typer.Argument(help="The account's id.")],
        why: Annotated[
            str, typer.Option(help="A figure to explain: stars, current, monthly_revenue, segment ...")
        ] = "",
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    ) -> None:
        """Show what an account is worth, or explain one figure of it.

        Example: churnwatch value a0000017 --why stars
        """
        from churnwatch.customer_value import explained, overview
        from churnwatch.settings import settings

        found = explained(settings(), account, why) if why else overview(settings(), account)
        typer.echo(found.as_json() if as_json else found.as_text())
