"""`churnwatch report`: what managers ask for at the end of a month."""

from enum import StrEnum
from typing import Annotated

import typer


class ReportName(StrEnum):
    LADDER = "ladder"
    LEAD_TIME = "lead-time"
    RETURN_VISITS = "return-visits"
    PLAYBOOKS = "playbooks"
    SATISFACTION = "satisfaction"
    DAYS = "days"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def report(
        name: Annotated[ReportName, typer.Argument(help="Which one.")],
        month: Annotated[str, typer.Option(help="As 2026-10; without: this month, in the country's time.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    ) -> None:
        """Show a management report, made from what Kafka holds now.

        Example: churnwatch report ladder --month 2026-10
        """
        import msgspec

        from churnwatch.logs import configure_logs
        from churnwatch.report_reader import report_maker
        from churnwatch.report_text import as_text
        from churnwatch.settings import settings

        configure_logs("report")
        with report_maker(settings()) as maker:
            made = maker.make(name, month or None)
        typer.echo(msgspec.json.encode(made).decode() if as_json else as_text(made))
